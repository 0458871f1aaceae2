#pragma once

// The primitive types of Kafka's protocol: a reader that believes no length
// in a frame, and a writer that leaves records where they are.
// Format: docs/formats/kafka-wire.md.

#include "schema/kafka_records.hpp"
#include "schema/outgoing.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

  /// A string with 2 bytes of length, or a compact one. Null is corrupt.
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

/// Appends big-endian fields to an `outgoing` of its own.
///
/// Use: fields, then finish(); or begin_frame(), header and fields, then
/// finish_frame().
class kafka_writer {
public:
  /// Records up to this long are copied, as one more piece to send costs more.
  static constexpr size_t copied_bytes_max = 512;

  kafka_writer() = default;
  kafka_writer(const kafka_writer&) = delete;
  kafka_writer& operator=(const kafka_writer&) = delete;

  /// Leaves room for the size in front. Precondition: nothing written yet.
  void begin_frame();
  /// Gives away what was written, with its size in front.
  /// Precondition: begin_frame() came first. The writer is empty afterwards.
  [[nodiscard]] outgoing finish_frame();
  /// Gives away what was written. The writer is empty afterwards.
  [[nodiscard]] outgoing finish();
  /// Bytes written so far, inserts included.
  [[nodiscard]] size_t size() const {
    return at_ + inserted_;
  }
  /// Makes room for `count` more bytes at once.
  void reserve(size_t count) {
    make_room(count);
  }

  void write_bool(bool x);
  void write_int8(int8_t x);
  void write_int16(int16_t x);
  void write_uint16(uint16_t x);
  void write_int32(int32_t x);
  void write_uint32(uint32_t x);
  void write_int64(int64_t x);
  void write_float64(double x);
  void write_uuid(const uuid& x);
  void write_uvarint(uint32_t x);
  void write_varint(int32_t x);
  void write_varlong(int64_t x);
  /// The bytes alone, without a length.
  void write_raw(std::string_view x);

  /// Precondition: at most 32767 bytes where not flexible.
  void write_string(bool flexible, std::string_view x);
  /// Null becomes empty where it is not `nullable`.
  void write_string(
    bool flexible, const std::optional<std::string>& x, bool nullable);
  void write_bytes(bool flexible, std::string_view x);
  void write_bytes(
    bool flexible, const std::optional<std::string>& x, bool nullable);
  /// Inserts the batches without copying them, unless they are few bytes.
  void write_records(bool flexible, const kafka::records& x, bool nullable);
  void write_presence(bool present) {
    write_int8(present ? 1 : -1);
  }

  void write_count(bool flexible, size_t count);
  void write_null_count(bool flexible);
  template <class T>
  void write_count(bool flexible, const std::vector<T>& x) {
    write_count(flexible, x.size());
  }
  template <class T>
  void write_count(
    bool flexible, const std::optional<std::vector<T>>& x, bool nullable) {
    if (!x && nullable)
      write_null_count(flexible);
    else
      write_count(flexible, x ? x->size() : 0);
  }

  /// Between the two, the content of one tagged field (without records) is
  /// written; end_tagged() puts its size in front.
  [[nodiscard]] size_t begin_tagged(uint32_t tag);
  void end_tagged(size_t begin);

private:
  char* make_room(size_t count);
  template <class T>
  void write_big_endian(T x);
  void write_varint_bits(uint64_t x);

  // bytes is kept larger than what is written; at_ is where writing goes on.
  outgoing out_;
  size_t at_ = 0;
  size_t inserted_ = 0;
};

} // namespace millrace
