#include "storage/record_batch_cursor.hpp"

#include "storage/record_field.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

constexpr size_t window_size = 32u << 10;

/// Reads one field of [at, end); nullptr on a bad one.
inline const std::byte* skip_bytes(
  const std::byte* at, const std::byte* end, int32_t& size, bool may_be_null) {
  at = load_varint(at, end, size);
  if (at == nullptr || size < (may_be_null ? -1 : 0) || size > end - at)
    return nullptr;
  return size > 0 ? at + size : at;
}

/// Reads a record's body, which must end at `end` exactly.
inline bool parse_body(
  const std::byte* at, const std::byte* end, record_head& head) {
  if (at == end)
    return false;
  ++at; // attributes, of which none is used
  at = load_varint(at, end, head.timestamp_delta);
  if (at == nullptr)
    return false;
  at = load_varint(at, end, head.offset_delta);
  if (at == nullptr)
    return false;
  at = skip_bytes(at, end, head.key_size, true);
  if (at == nullptr)
    return false;
  at = skip_bytes(at, end, head.value_size, true);
  if (at == nullptr)
    return false;
  int32_t headers = 0;
  at = load_varint(at, end, headers);
  if (at == nullptr || headers < 0)
    return false;
  for (; headers > 0; --headers) {
    int32_t size = 0;
    at = skip_bytes(at, end, size, false);
    if (at == nullptr)
      return false;
    at = skip_bytes(at, end, size, true);
    if (at == nullptr)
      return false;
  }
  return at == end;
}

} // namespace

record_cursor::record_cursor(std::span<const std::byte> plain)
    : at_(plain.data()), end_(plain.data() + plain.size()) {}

record_cursor::record_cursor(
  compression_codec codec, std::span<const std::byte> input, size_t size_max)
    : reader_(make_decompressor(codec, input, size_max)), window_(window_size),
      at_(window_.data()), end_(window_.data()), size_left_(size_max),
      reader_ended_(false) {}

bool record_cursor::next(record_head& head) {
  if (failure_.code != errc::none) [[unlikely]]
    return false;
  if (reader_ != nullptr && !ensure(varint_bytes_max)
      && failure_.code != errc::none)
    return false;
  if (at_ == end_)
    return false;
  int32_t size = 0;
  const auto* body = load_varint(at_, end_, size);
  if (body == nullptr || size < 0)
    return fail("a record's length makes no sense");
  at_ = body;
  if (reader_ != nullptr && static_cast<size_t>(size) > window_size)
    return next_in_steps(head, size);
  if (reader_ != nullptr && !ensure(static_cast<size_t>(size)))
    return fail("a record is cut");
  if (size > end_ - at_)
    return fail("a record is longer than what is there");
  if (!parse_body(at_, at_ + size, head))
    return fail("a record's fields do not fill its length");
  at_ += size;
  return true;
}

bool record_cursor::next_in_steps(record_head& head, int64_t size) {
  int64_t left = size;
  int8_t attributes = 0;
  int32_t headers = 0;
  if (!ensure(1))
    return fail("a record is cut");
  attributes = static_cast<int8_t>(*at_++);
  static_cast<void>(attributes); // none of its bits is used
  --left;
  if (!take(head.timestamp_delta, left) || !take(head.offset_delta, left)
      || !take(head.key_size, left) || !skip(head.key_size, left)
      || !take(head.value_size, left) || !skip(head.value_size, left)
      || !take(headers, left) || headers < 0)
    return fail("a record's fields make no sense");
  for (; headers > 0; --headers) {
    int32_t field = 0;
    if (!take(field, left) || field < 0 || !skip(field, left)
        || !take(field, left) || !skip(field, left))
      return fail("a record's headers make no sense");
  }
  if (left != 0)
    return fail("a record's fields do not fill its length");
  return true;
}

bool record_cursor::fail(const char* what) {
  if (failure_.code == errc::none)
    failure_ = {errc::corrupt, what};
  return false;
}

bool record_cursor::ensure(size_t size) {
  auto have = static_cast<size_t>(end_ - at_);
  if (have >= size || reader_ended_)
    return have >= size;
  std::memmove(window_.data(), at_, have);
  at_ = window_.data();
  while (have < size && !reader_ended_) {
    auto got = reader_->read(std::span{window_}.subspan(have));
    if (!got) {
      failure_ = got.error();
      reader_ended_ = true;
    } else if (*got > size_left_) {
      failure_ = {errc::too_large, "the records decompress to too much"};
      reader_ended_ = true;
    } else {
      reader_ended_ = *got == 0;
      size_left_ -= *got;
      have += *got;
    }
  }
  end_ = at_ + have;
  return have >= size && failure_.code == errc::none;
}

template <class T>
bool record_cursor::take(T& value, int64_t& left) {
  if (!ensure(varint_bytes_max) && failure_.code != errc::none)
    return false;
  const auto* after = load_varint(at_, end_, value);
  if (after == nullptr)
    return false;
  left -= after - at_;
  at_ = after;
  return left >= 0;
}

bool record_cursor::skip(int64_t size, int64_t& left) {
  if (size < -1 || size > left)
    return false;
  size = std::max<int64_t>(size, 0);
  left -= size;
  while (size > 0) {
    if (at_ == end_ && !ensure(1))
      return false;
    const auto part = std::min<int64_t>(size, end_ - at_);
    at_ += part;
    size -= part;
  }
  return true;
}

} // namespace millrace
