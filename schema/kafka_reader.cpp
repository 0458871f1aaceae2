#include "schema/kafka_reader.hpp"

#include "schema/big_endian.hpp"
#include "schema/utf8.hpp"

#include <bit>
#include <cstring>

namespace millrace {

kafka_reader::kafka_reader(shared_bytes frame)
    : frame_(std::move(frame)), end_(frame_.size()),
      budget_(memory_base + memory_per_byte * frame_.size()) {}

result<void> kafka_reader::status(const char* message, int version) const {
  if (ok())
    return {};
  return error{
    code_, std::string{message} + " version " + std::to_string(version) + why_};
}

void kafka_reader::expect_end() {
  if (ok() && at_ != end_)
    fail(errc::corrupt, "end", std::to_string(end_ - at_) + " bytes left over");
}

void kafka_reader::fail(errc code, const char* field, std::string why) {
  if (!ok())
    return;
  code_ = code;
  why_ = std::string{", field "} + field + ", byte " + std::to_string(at_)
         + ": " + std::move(why);
  end_ = at_;
}

bool kafka_reader::need(size_t count, const char* field) {
  if (count <= end_ - at_ && ok())
    return true;
  if (ok())
    fail(errc::truncated, field,
      "needs " + std::to_string(count) + " bytes, " + std::to_string(end_ - at_)
        + " remain");
  return false;
}

template <class T>
T kafka_reader::read_big_endian(const char* field) {
  if (!need(sizeof(T), field))
    return 0;
  T x;
  std::memcpy(&x, frame_.data() + at_, sizeof(T));
  at_ += sizeof(T);
  return big_endian(x);
}

bool kafka_reader::read_bool(const char* field) {
  return read_big_endian<int8_t>(field) != 0;
}

int8_t kafka_reader::read_int8(const char* field) {
  return read_big_endian<int8_t>(field);
}

int16_t kafka_reader::read_int16(const char* field) {
  return read_big_endian<int16_t>(field);
}

uint16_t kafka_reader::read_uint16(const char* field) {
  return read_big_endian<uint16_t>(field);
}

int32_t kafka_reader::read_int32(const char* field) {
  return read_big_endian<int32_t>(field);
}

uint32_t kafka_reader::read_uint32(const char* field) {
  return read_big_endian<uint32_t>(field);
}

int64_t kafka_reader::read_int64(const char* field) {
  return read_big_endian<int64_t>(field);
}

double kafka_reader::read_float64(const char* field) {
  return std::bit_cast<double>(read_big_endian<uint64_t>(field));
}

uuid kafka_reader::read_uuid(const char* field) {
  if (!need(16, field))
    return {};
  const auto high = read_big_endian<uint64_t>(field);
  return {high, read_big_endian<uint64_t>(field)};
}

uint64_t kafka_reader::read_varint_bits(const char* field, int bits) {
  uint64_t x = 0;
  for (int shift = 0; shift < bits; shift += 7) {
    const auto byte = static_cast<uint8_t>(read_big_endian<int8_t>(field));
    const uint64_t part = byte & 0x7fu;
    if (bits - shift < 7 && (part >> (bits - shift)) != 0)
      break;
    x |= part << shift;
    if (byte < 0x80)
      return x;
  }
  fail(errc::corrupt, field,
    "varint above " + std::to_string(bits) + " bits or overlong");
  return 0;
}

uint32_t kafka_reader::read_uvarint(const char* field) {
  return static_cast<uint32_t>(read_varint_bits(field, 32));
}

int32_t kafka_reader::read_varint(const char* field) {
  const auto x = static_cast<uint32_t>(read_varint_bits(field, 32));
  return static_cast<int32_t>((x >> 1) ^ (~(x & 1) + 1));
}

int64_t kafka_reader::read_varlong(const char* field) {
  const auto x = read_varint_bits(field, 64);
  return static_cast<int64_t>((x >> 1) ^ (~(x & 1) + 1));
}

std::optional<size_t> kafka_reader::read_length(
  const char* field, bool flexible, int fixed_size, bool nullable) {
  int64_t length = 0;
  if (flexible)
    length = static_cast<int64_t>(read_uvarint(field)) - 1;
  else if (fixed_size == 2)
    length = read_int16(field);
  else
    length = read_int32(field);
  if (!ok())
    return 0;
  if (length < 0 && nullable)
    return {}; // as Kafka reads it, however far below 0
  if (length < 0) {
    fail(errc::corrupt, field,
      length == -1 ? "null where a value is required"
                   : "length " + std::to_string(length));
    return 0;
  }
  const auto size = static_cast<size_t>(length);
  if (fixed_size == 2 && size > string_bytes_max) {
    fail(errc::corrupt, field,
      "a string of " + std::to_string(length) + " bytes, the most is "
        + std::to_string(string_bytes_max));
    return 0;
  }
  return need(size, field) ? size : 0;
}

std::optional<std::string> kafka_reader::read_text(
  const char* field, bool flexible, int fixed_size, bool nullable) {
  const auto length = read_length(field, flexible, fixed_size, nullable);
  if (!length)
    return {};
  const auto* data = reinterpret_cast<const char*>(frame_.data()) + at_;
  at_ += *length;
  return std::string(data, *length);
}

std::string kafka_reader::read_string(const char* field, bool flexible) {
  return *read_string(field, flexible, false);
}

std::optional<std::string> kafka_reader::read_string(
  const char* field, bool flexible, bool nullable) {
  auto text = read_text(field, flexible, 2, nullable);
  if (!text)
    return {};
  auto whole = as_utf8(std::move(*text));
  if (whole.size() > string_bytes_max) {
    fail(
      errc::corrupt, field, "no UTF-8, and too long with U+FFFD in its place");
    return std::string{};
  }
  return whole;
}

std::string kafka_reader::read_bytes(const char* field, bool flexible) {
  return *read_text(field, flexible, 4, false);
}

std::optional<std::string> kafka_reader::read_bytes(
  const char* field, bool flexible, bool nullable) {
  return read_text(field, flexible, 4, nullable);
}

kafka::records kafka_reader::read_records(
  const char* field, bool flexible, bool nullable) {
  const auto length = read_length(field, flexible, 4, nullable);
  if (!length)
    return {.is_null = true};
  const auto begin = at_;
  at_ += *length;
  return {.bytes = frame_.slice(begin, *length)};
}

bool kafka_reader::read_presence(const char* field) {
  return read_int8(field) >= 0 && ok();
}

std::optional<size_t> kafka_reader::read_count(const char* field, bool flexible,
  bool nullable, size_t wire_size, size_t memory_size) {
  const auto count = flexible ? static_cast<int64_t>(read_uvarint(field)) - 1
                              : int64_t{read_int32(field)};
  if (!ok())
    return 0;
  if (count < 0 && nullable)
    return {};
  if (count < 0) {
    fail(errc::corrupt, field,
      count == -1 ? "null where an array is required"
                  : "count " + std::to_string(count));
    return 0;
  }
  const auto n = static_cast<size_t>(count);
  if (n > remaining() / wire_size) {
    fail(errc::truncated, field,
      std::to_string(n) + " elements of at least " + std::to_string(wire_size)
        + " bytes, " + std::to_string(remaining()) + " bytes remain");
    return 0;
  }
  if (n * memory_size > budget_) {
    fail(errc::too_large, field,
      std::to_string(n) + " elements would take "
        + std::to_string(n * memory_size) + " bytes of memory");
    return 0;
  }
  budget_ -= n * memory_size;
  return n;
}

uint32_t kafka_reader::read_tag_count() {
  const auto count = read_uvarint("tagged fields");
  // Each takes a byte for its tag and one for its size.
  if (count > remaining() / 2) {
    fail(errc::truncated, "tagged fields",
      std::to_string(count) + " fields, " + std::to_string(remaining())
        + " bytes remain");
    return 0;
  }
  return count;
}

kafka_reader::tagged kafka_reader::begin_tagged() {
  tagged field;
  field.tag = read_uvarint("tag");
  const auto size = read_uvarint("size of a tagged field");
  if (!need(size, "tagged field"))
    return field;
  field.outer_end = end_;
  end_ = at_ + size;
  return field;
}

void kafka_reader::end_tagged(const tagged& field, bool known) {
  if (!ok())
    return;
  if (known && at_ != end_) {
    fail(errc::corrupt, "tagged field",
      std::to_string(end_ - at_) + " bytes left over in tag "
        + std::to_string(field.tag));
    return;
  }
  at_ = end_;
  end_ = field.outer_end;
}

} // namespace millrace
