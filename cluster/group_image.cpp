#include "cluster/group_image.hpp"

#include <algorithm>

namespace millrace {

namespace {

// R22: an image key holds at most 500 bytes.
constexpr size_t short_key_max = 480;
constexpr size_t length_size = 4;
constexpr size_t number_size = 8;
constexpr size_t head_size_max = length_size + 2 * number_size;
// What comes behind the length of the record's key, which needs no such bits.
constexpr uint64_t has_offset = uint64_t{1} << 31;
constexpr uint64_t has_producer = uint64_t{1} << 30;

void append_big_endian(std::string& out, uint64_t x, size_t size) {
  for (size_t i = size; i-- > 0;)
    out.push_back(static_cast<char>(x >> (8 * i)));
}

/// Precondition: so many bytes are there.
uint64_t take_big_endian(std::string_view& bytes, size_t size) {
  uint64_t x = 0;
  for (const auto byte : bytes.substr(0, size))
    x = x << 8 | static_cast<uint8_t>(byte);
  bytes.remove_prefix(size);
  return x;
}

/// The image key, were keys of any length.
std::string name_of(const offsets_record& record, producer_id producer) {
  if (producer.value < 0)
    return "k" + record.key;
  std::string name = "p";
  append_big_endian(name, static_cast<uint64_t>(producer.value), number_size);
  return name + record.key;
}

} // namespace

void group_image::note(
  const offsets_record& record, const record_place& place) {
  const auto name = name_of(record, place.producer);
  auto key = image_key(name, record);
  if (!record.value) {
    numbers_.erase(name);
    changes_.insert_or_assign(std::move(key), std::nullopt);
    return;
  }
  const bool pending = place.producer.value >= 0;
  std::string value;
  value.reserve(head_size_max + record.key.size() + record.value->size());
  append_big_endian(value,
    record.key.size() | has_offset | (pending ? has_producer : 0), length_size);
  append_big_endian(value, static_cast<uint64_t>(place.at.value), number_size);
  if (pending)
    append_big_endian(
      value, static_cast<uint64_t>(place.producer.value), number_size);
  value += record.key;
  value += *record.value;
  changes_.insert_or_assign(std::move(key), std::move(value));
}

std::vector<image_change> group_image::take_changes() {
  std::vector<image_change> taken;
  taken.reserve(changes_.size());
  for (auto& [key, value] : changes_)
    taken.push_back({key, std::move(value)});
  changes_.clear();
  return taken;
}

result<image_entry> group_image::load(
  std::string_view key, std::string_view value) {
  const auto bad = [] {
    return error{errc::corrupt, "an entry of the image of consumer offsets"};
  };
  if (key.empty() || value.size() < length_size)
    return bad();
  const auto head = take_big_endian(value, length_size);
  const size_t numbers_size = ((head & has_offset) != 0 ? number_size : 0)
                              + ((head & has_producer) != 0 ? number_size : 0);
  const size_t size = head & ~(has_offset | has_producer);
  if (numbers_size + size > value.size())
    return bad();
  image_entry entry;
  if ((head & has_offset) != 0)
    entry.place.at.value
      = static_cast<int64_t>(take_big_endian(value, number_size));
  if ((head & has_producer) != 0)
    entry.place.producer.value
      = static_cast<int64_t>(take_big_endian(value, number_size));
  entry.record
    = {std::string{value.substr(0, size)}, std::string{value.substr(size)}};
  const auto name = name_of(entry.record, entry.place.producer);
  if (key.front() == 'n') {
    key.remove_prefix(1);
    if (key.size() != number_size)
      return bad();
    const auto number = take_big_endian(key, number_size);
    numbers_[name] = number;
    next_number_ = std::max(next_number_, number + 1);
  } else if (key != name) {
    return bad();
  }
  return entry;
}

void group_image::clear() {
  changes_.clear();
  numbers_.clear();
  next_number_ = 0;
}

std::string group_image::image_key(
  const std::string& name, const offsets_record& record) {
  if (record.key.size() <= short_key_max)
    return name;
  const auto [it, added] = numbers_.try_emplace(name, next_number_);
  if (added)
    ++next_number_;
  std::string key = "n";
  append_big_endian(key, it->second, number_size);
  return key;
}

} // namespace millrace
