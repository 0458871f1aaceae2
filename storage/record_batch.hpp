#pragma once

// A record batch of format 2 (KIP-98): a header of 61 bytes, then records,
// compressed as one. docs/formats/record-batch.md has the grammar.

#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"
#include "storage/log_config.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

/// Reads and patches the header of a batch in place. The batch must be
/// `header_size` bytes long at least; nothing else is believed of it.
///
/// The checksum starts at `crc_begin`: base offset and leader epoch may be
/// patched without touching it (R15).
class batch_view {
public:
  static constexpr size_t header_size = 61;
  /// Base offset and length: what size() is counted beyond.
  static constexpr size_t prefix_size = 12;
  static constexpr size_t crc_begin = 21;

  /// Precondition: bytes.size() >= header_size; they outlive the view.
  explicit batch_view(std::span<const std::byte> bytes);

  /// The header alone, for whoever keeps it.
  [[nodiscard]] std::span<const std::byte, header_size> header_bytes() const {
    return std::span<const std::byte, header_size>{data_, header_size};
  }
  [[nodiscard]] offset base_offset() const;
  /// The whole batch's size as its header says, prefix included; may lie.
  [[nodiscard]] int64_t size() const;
  [[nodiscard]] leader_epoch epoch() const;
  [[nodiscard]] int8_t magic() const;
  [[nodiscard]] uint32_t crc() const;
  [[nodiscard]] int16_t attributes() const;
  [[nodiscard]] int32_t last_offset_delta() const;
  [[nodiscard]] int64_t base_timestamp() const;
  [[nodiscard]] int64_t max_timestamp() const;
  [[nodiscard]] producer_id producer() const;
  [[nodiscard]] int16_t producer_epoch() const;
  [[nodiscard]] int32_t base_sequence() const;
  [[nodiscard]] int32_t record_count() const;

  [[nodiscard]] offset last_offset() const;
  /// base_sequence + last_offset_delta, which wraps from 2^31-1 to 0.
  [[nodiscard]] int32_t last_sequence() const;
  /// The number in bits 0-2 of the attributes: 5 to 7 mean no codec.
  [[nodiscard]] int codec_number() const;
  [[nodiscard]] compression_codec codec() const;
  [[nodiscard]] timestamp_type timestamps() const;
  [[nodiscard]] bool is_transactional() const;
  [[nodiscard]] bool is_control() const;

  /// What the checksum should be. Precondition: size() bytes are there.
  [[nodiscard]] uint32_t computed_crc() const;
  /// Everything after the header. Precondition: size() bytes are there.
  [[nodiscard]] std::span<const std::byte> records() const;

  /// Whether the header is one that a writer could have made: magic 2, a
  /// size of a header or more, counts not negative. No checksum.
  [[nodiscard]] bool plausible() const;

private:
  const std::byte* data_;
};

/// The same bytes, writable.
/// Preconditions: as batch_view's constructor.
void patch_base_offset(std::span<std::byte> batch, offset base);
void patch_leader_epoch(std::span<std::byte> batch, leader_epoch epoch);
/// Makes the header say that the batch is as long as `batch`.
void patch_size(std::span<std::byte> batch);
/// These change what the checksum covers: call patch_crc() afterwards.
void patch_attributes(std::span<std::byte> batch, int16_t attributes);
void patch_max_timestamp(std::span<std::byte> batch, int64_t timestamp);
void patch_base_timestamp(std::span<std::byte> batch, int64_t timestamp);
void patch_record_count(std::span<std::byte> batch, int32_t count);
/// Precondition: the batch is whole.
void patch_crc(std::span<std::byte> batch);

/// The bits of a batch's attributes.
struct batch_attributes {
  static constexpr int16_t codec_mask = 0x07;
  static constexpr int16_t log_append_time = 0x08;
  static constexpr int16_t transactional = 0x10;
  static constexpr int16_t control = 0x20;
  static constexpr int16_t delete_horizon = 0x40;
};

} // namespace millrace
