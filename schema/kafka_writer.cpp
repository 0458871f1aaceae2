#include "schema/kafka_writer.hpp"

#include "schema/assert.hpp"
#include "schema/big_endian.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace millrace {

namespace {

/// Whether a character of UTF-8 goes on with this byte.
bool is_utf8_continuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xc0) == 0x80;
}

} // namespace

char* kafka_writer::make_room(size_t count) {
  auto& bytes = out_.bytes;
  if (bytes.size() - at_ < count)
    bytes.resize(std::max({at_ + count, 2 * bytes.size(), size_t{128}}));
  return bytes.data() + at_;
}

void kafka_writer::begin_frame() {
  MILLRACE_ASSERT(at_ == 0, "a frame begins with its size");
  write_int32(0);
}

outgoing kafka_writer::finish_frame() {
  const auto total = size();
  MILLRACE_ASSERT(total >= 4, "begin_frame() left room for the size");
  MILLRACE_ASSERT(total - 4 <= std::numeric_limits<int32_t>::max(),
    "a frame's size fits in 31 bits");
  const auto prefix = big_endian(static_cast<uint32_t>(total - 4));
  std::memcpy(out_.bytes.data(), &prefix, sizeof(prefix));
  return finish();
}

outgoing kafka_writer::finish() {
  out_.bytes.resize(at_);
  at_ = 0;
  inserted_ = 0;
  return std::exchange(out_, {});
}

template <class T>
void kafka_writer::write_big_endian(T x) {
  const auto wire = big_endian(x);
  std::memcpy(make_room(sizeof(T)), &wire, sizeof(T));
  at_ += sizeof(T);
}

void kafka_writer::write_bool(bool x) {
  write_big_endian<int8_t>(x ? 1 : 0);
}

void kafka_writer::write_int8(int8_t x) {
  write_big_endian(x);
}

void kafka_writer::write_int16(int16_t x) {
  write_big_endian(x);
}

void kafka_writer::write_uint16(uint16_t x) {
  write_big_endian(x);
}

void kafka_writer::write_int32(int32_t x) {
  write_big_endian(x);
}

void kafka_writer::write_uint32(uint32_t x) {
  write_big_endian(x);
}

void kafka_writer::write_int64(int64_t x) {
  write_big_endian(x);
}

void kafka_writer::write_float64(double x) {
  write_big_endian(std::bit_cast<uint64_t>(x));
}

void kafka_writer::write_uuid(const uuid& x) {
  write_big_endian(x.high);
  write_big_endian(x.low);
}

void kafka_writer::write_varint_bits(uint64_t x) {
  char* to = make_room(10);
  for (; x >= 0x80; x >>= 7, ++at_)
    *to++ = static_cast<char>(x | 0x80);
  *to = static_cast<char>(x);
  ++at_;
}

void kafka_writer::write_uvarint(uint32_t x) {
  write_varint_bits(x);
}

void kafka_writer::write_varint(int32_t x) {
  write_varint_bits(
    (static_cast<uint32_t>(x) << 1) ^ static_cast<uint32_t>(x >> 31));
}

void kafka_writer::write_varlong(int64_t x) {
  write_varint_bits(
    (static_cast<uint64_t>(x) << 1) ^ static_cast<uint64_t>(x >> 63));
}

void kafka_writer::write_raw(std::string_view x) {
  if (x.empty())
    return;
  std::memcpy(make_room(x.size()), x.data(), x.size());
  at_ += x.size();
}

void kafka_writer::write_string(bool flexible, std::string_view x) {
  if (flexible) {
    write_uvarint(static_cast<uint32_t>(x.size() + 1));
  } else {
    MILLRACE_ASSERT(
      x.size() <= string_bytes_max, "a string's length fits in 15 bits");
    write_int16(static_cast<int16_t>(x.size()));
  }
  write_raw(x);
}

void kafka_writer::write_string(
  bool flexible, const std::optional<std::string>& x, bool nullable) {
  if (x || !nullable)
    write_string(flexible, x ? std::string_view{*x} : std::string_view{});
  else if (flexible)
    write_uvarint(0);
  else
    write_int16(-1);
}

void kafka_writer::write_sentence(
  bool flexible, const std::optional<std::string>& x, bool nullable) {
  if (!x || x->size() <= string_bytes_max) {
    write_string(flexible, x, nullable);
    return;
  }
  auto end = string_bytes_max;
  while (end > 0 && is_utf8_continuation((*x)[end]))
    --end;
  write_string(flexible, std::string_view{*x}.substr(0, end));
}

void kafka_writer::write_bytes(bool flexible, std::string_view x) {
  write_count(flexible, x.size());
  write_raw(x);
}

void kafka_writer::write_bytes(
  bool flexible, const std::optional<std::string>& x, bool nullable) {
  if (x || !nullable)
    write_bytes(flexible, x ? std::string_view{*x} : std::string_view{});
  else
    write_null_count(flexible);
}

void kafka_writer::write_records(
  bool flexible, const kafka::records& x, bool nullable) {
  if (x.is_null && nullable) {
    write_null_count(flexible);
    return;
  }
  write_count(flexible, x.size());
  if (x.bytes.size() <= copied_bytes_max) {
    write_raw(x.bytes.text());
  } else {
    inserted_ += x.bytes.size();
    out_.inserts.push_back({.at = at_, .bytes = x.bytes, .slice = {}});
  }
  for (const auto& slice : x.slices) {
    inserted_ += slice.size;
    out_.inserts.push_back({.at = at_, .bytes = {}, .slice = slice});
  }
}

void kafka_writer::write_count(bool flexible, size_t count) {
  MILLRACE_ASSERT(count < std::numeric_limits<int32_t>::max(),
    "a count or length fits in 31 bits");
  if (flexible)
    write_uvarint(static_cast<uint32_t>(count + 1));
  else
    write_int32(static_cast<int32_t>(count));
}

void kafka_writer::write_null_count(bool flexible) {
  if (flexible)
    write_uvarint(0);
  else
    write_int32(-1);
}

size_t kafka_writer::begin_tagged(uint32_t tag) {
  write_uvarint(tag);
  return at_;
}

void kafka_writer::end_tagged(size_t begin) {
  const auto size = at_ - begin;
  write_uvarint(static_cast<uint32_t>(size));
  // The size was written behind the content: rotate it to the front.
  auto* first = out_.bytes.data() + begin;
  std::rotate(first, first + size, out_.bytes.data() + at_);
}

} // namespace millrace
