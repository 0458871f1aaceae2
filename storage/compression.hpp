#pragma once

// The four codecs of record batches, behind one way to read: in steps, so
// that a batch is judged without holding its decompressed records.

#include "schema/result.hpp"
#include "storage/log_config.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace millrace {

/// Reads one compressed run of bytes from the beginning to the end.
class decompressor {
public:
  virtual ~decompressor() = default;

  /// Writes the next bytes, as many as come easily; 0 only at the end.
  /// errc::corrupt for bytes that the codec did not make.
  /// Precondition: `into` is not empty.
  virtual result<size_t> read(std::span<std::byte> into) = 0;
};

/// `input` must outlive the object. `size_max` bounds what a codec that
/// cannot work in steps (a raw snappy block) may take at once.
/// Snappy is read raw and in xerial's framing, as Java's clients write it.
[[nodiscard]] std::unique_ptr<decompressor> make_decompressor(
  compression_codec codec, std::span<const std::byte> input, size_t size_max);

/// All of it. errc::too_large beyond `size_max` bytes.
[[nodiscard]] result<std::vector<std::byte>> decompress(
  compression_codec codec, std::span<const std::byte> input, size_t size_max);

/// In the form that Kafka's Java clients read: a gzip member, xerial's
/// framing, an LZ4 frame of independent blocks, a zstd frame.
[[nodiscard]] result<std::vector<std::byte>> compress(compression_codec codec,
  std::span<const std::byte> input, const compression_levels& levels = {});

/// `gzip`, `snappy`, `lz4`, `zstd` or `none`.
[[nodiscard]] const char* to_string(compression_codec codec);

} // namespace millrace
