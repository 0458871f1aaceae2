#include "storage/compression.hpp"

#include "storage/codec_table.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace millrace {

namespace {

class stored final : public decompressor {
public:
  explicit stored(std::span<const std::byte> input) : input_(input) {}
  result<size_t> read(std::span<std::byte> into) override {
    const size_t n = std::min(into.size(), input_.size());
    if (n > 0)
      std::memcpy(into.data(), input_.data(), n);
    input_ = input_.subspan(n);
    return n;
  }

private:
  std::span<const std::byte> input_;
};

} // namespace

std::unique_ptr<decompressor> make_decompressor(
  compression_codec codec, std::span<const std::byte> input, size_t size_max) {
  switch (codec) {
  case compression_codec::none:
    break;
  case compression_codec::gzip:
    return make_gzip(input);
  case compression_codec::snappy:
    return make_snappy(input, size_max);
  case compression_codec::lz4:
    return make_lz4(input);
  case compression_codec::zstd:
    return make_zstd(input);
  }
  return std::make_unique<stored>(input);
}

result<std::vector<std::byte>> decompress(
  compression_codec codec, std::span<const std::byte> input, size_t size_max) {
  auto reader = make_decompressor(codec, input, size_max);
  std::vector<std::byte> out;
  size_t used = 0;
  while (true) {
    if (out.size() - used < 4096)
      out.resize(std::max<size_t>(out.size() * 2, input.size() * 2 + 4096));
    auto got = reader->read(std::span{out}.subspan(used));
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    used += *got;
    if (used > size_max)
      return error{errc::too_large,
        "more than " + std::to_string(size_max) + " bytes when decompressed"};
  }
  out.resize(used);
  return out;
}

result<std::vector<std::byte>> compress(compression_codec codec,
  std::span<const std::byte> input, const compression_levels& levels) {
  switch (codec) {
  case compression_codec::none:
    break;
  case compression_codec::gzip:
    return compress_gzip(input, levels.gzip);
  case compression_codec::snappy:
    return compress_snappy(input);
  case compression_codec::lz4:
    return compress_lz4(input, levels.lz4);
  case compression_codec::zstd:
    return compress_zstd(input, levels.zstd);
  }
  return std::vector<std::byte>{input.begin(), input.end()};
}

const char* to_string(compression_codec codec) {
  switch (codec) {
  case compression_codec::none:
    break;
  case compression_codec::gzip:
    return "gzip";
  case compression_codec::snappy:
    return "snappy";
  case compression_codec::lz4:
    return "lz4";
  case compression_codec::zstd:
    return "zstd";
  }
  return "none";
}

} // namespace millrace
