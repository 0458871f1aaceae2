#pragma once

// Takes a frame of Kafka's protocol apart and believes no length in it.
// Format: docs/formats/kafka-wire.md.

#include "schema/kafka_records.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace millrace {

/// Reads one frame from front to back.
///
/// The first failure sticks: from then on every read gives zero, an empty
/// string or a count of 0, so that a decoder may read on and ask status()
/// once. `field` always names what is read, for the error; it must outlive
/// the reader (a literal). `flexible` chooses the compact lengths of KIP-482.
///
/// Counts and lengths are checked against the bytes that remain before
/// anything is allocated, and what the elements of all arrays take in memory
/// is bounded by the frame's size: see memory_budget.
class kafka_reader {
public:
  /// Bytes that elements of arrays may take: this, and `memory_per_byte` for
  /// each byte of the frame. Real messages need far less (records need
  /// nothing); a count that would exceed it is refused with too_large.
  static constexpr size_t memory_base = size_t{1} << 20;
  static constexpr size_t memory_per_byte = 8;
  /// The longest string. Compact lengths could say more, but every string may
  /// come to stand in a message that has two bytes for its length, and Kafka
  /// refuses longer ones in every form.
  static constexpr size_t string_bytes_max = 32767;

  /// Reads all of `frame`, without the size in front.
  explicit kafka_reader(shared_bytes frame);

  [[nodiscard]] bool ok() const {
    return code_ == errc::none;
  }
  /// Bytes not yet read; 0 after a failure.
  [[nodiscard]] size_t remaining() const {
    return end_ - at_;
  }
  /// Bytes read so far.
  [[nodiscard]] size_t position() const {
    return at_;
  }
  /// Nothing, or the first failure, with `message` and `version` in its
  /// context. Errors: truncated, corrupt, too_large, unsupported.
  [[nodiscard]] result<void> status(const char* message, int version) const;
  /// Fails with corrupt where bytes remain.
  void expect_end();
  /// Records a failure, unless there is one already.
  void fail(errc code, const char* field, std::string why);
  /// Replaces the bound on what elements of arrays may take in memory.
  void set_memory_budget(size_t bytes) {
    budget_ = bytes;
  }

  bool read_bool(const char* field);
  int8_t read_int8(const char* field);
  int16_t read_int16(const char* field);
  uint16_t read_uint16(const char* field);
  int32_t read_int32(const char* field);
  uint32_t read_uint32(const char* field);
  int64_t read_int64(const char* field);
  double read_float64(const char* field);
  uuid read_uuid(const char* field);
  /// At most 5 bytes, and no bit above the 32nd.
  uint32_t read_uvarint(const char* field);
  /// Zigzag, as in record batches: at most 5 and 10 bytes.
  int32_t read_varint(const char* field);
  int64_t read_varlong(const char* field);

  /// A string with 2 bytes of length, or a compact one; U+FFFD for no UTF-8.
  /// Null is corrupt, and so is one above string_bytes_max.
  std::string read_string(const char* field, bool flexible);
  /// As above, where null is allowed when `nullable`.
  std::optional<std::string> read_string(
    const char* field, bool flexible, bool nullable);
  /// Bytes with 4 bytes of length, or compact ones.
  std::string read_bytes(const char* field, bool flexible);
  std::optional<std::string> read_bytes(
    const char* field, bool flexible, bool nullable);
  /// Shares the frame's block.
  kafka::records read_records(const char* field, bool flexible, bool nullable);
  /// Whether a nullable struct follows.
  bool read_presence(const char* field);

  /// The number of elements that follow; nothing for null.
  /// @param wire_size the fewest bytes that one element takes on the wire
  /// @param memory_size what one element takes in memory
  std::optional<size_t> read_count(const char* field, bool flexible,
    bool nullable, size_t wire_size, size_t memory_size);

  /// The number of tagged fields that follow.
  uint32_t read_tag_count();
  struct tagged {
    uint32_t tag = 0;
    size_t outer_end = 0;
  };
  /// Reads tag and size; until end_tagged() the reader ends with the field.
  tagged begin_tagged();
  /// Goes to the end of the field. A known one that has bytes left over is
  /// corrupt; the rest of an unknown one is skipped.
  void end_tagged(const tagged& field, bool known);

private:
  [[nodiscard]] bool need(size_t count, const char* field);
  template <class T>
  T read_big_endian(const char* field);
  uint64_t read_varint_bits(const char* field, int bits);
  /// The length of a string, bytes or records; nothing for null.
  std::optional<size_t> read_length(
    const char* field, bool flexible, int fixed_size, bool nullable);
  std::optional<std::string> read_text(
    const char* field, bool flexible, int fixed_size, bool nullable);

  shared_bytes frame_;
  size_t at_ = 0;
  size_t end_ = 0;
  size_t budget_ = 0;
  errc code_ = errc::none;
  std::string why_;
};

} // namespace millrace
