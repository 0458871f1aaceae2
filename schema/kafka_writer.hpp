#pragma once

// Puts a frame of Kafka's protocol together and leaves records where they
// are. Format: docs/formats/kafka-wire.md.

#include "schema/kafka_records.hpp"
#include "schema/outgoing.hpp"
#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Appends big-endian fields to an `outgoing` of its own.
///
/// Use: fields, then finish(); or begin_frame(), header and fields, then
/// finish_frame().
class kafka_writer {
public:
  /// Records up to this long are copied, as one more piece to send costs more.
  static constexpr size_t copied_bytes_max = 512;
  /// As kafka_reader's.
  static constexpr size_t string_bytes_max = 32767;

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

  /// Precondition: at most string_bytes_max bytes where not flexible.
  void write_string(bool flexible, std::string_view x);
  /// Null becomes empty where it is not `nullable`.
  void write_string(
    bool flexible, const std::optional<std::string>& x, bool nullable);
  /// As write_string, for a sentence of any length, which may quote what a
  /// client sent: it is cut to what a string holds, between characters.
  void write_sentence(
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
