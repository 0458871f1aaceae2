#pragma once

// What each codec's file provides to compression.cpp.

#include "storage/compression.hpp"

namespace millrace {

std::unique_ptr<decompressor> make_gzip(std::span<const std::byte> input);
std::unique_ptr<decompressor> make_snappy(
  std::span<const std::byte> input, size_t size_max);
std::unique_ptr<decompressor> make_lz4(std::span<const std::byte> input);
std::unique_ptr<decompressor> make_zstd(std::span<const std::byte> input);

result<std::vector<std::byte>> compress_gzip(
  std::span<const std::byte> input, int level);
result<std::vector<std::byte>> compress_snappy(
  std::span<const std::byte> input);
result<std::vector<std::byte>> compress_lz4(
  std::span<const std::byte> input, int level);
result<std::vector<std::byte>> compress_zstd(
  std::span<const std::byte> input, int level);

} // namespace millrace
