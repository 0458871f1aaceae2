#include "cluster/group_image.hpp"

#include <algorithm>

namespace millrace {

namespace {

// R22: an image key holds at most 500 bytes.
constexpr size_t short_key_max = 480;
constexpr size_t length_size = 4;

void append_big_endian(std::string& out, uint64_t x, size_t size) {
  for (size_t i = size; i-- > 0;)
    out.push_back(static_cast<char>(x >> (8 * i)));
}

uint64_t read_big_endian(std::string_view bytes) {
  uint64_t x = 0;
  for (const auto byte : bytes)
    x = x << 8 | static_cast<uint8_t>(byte);
  return x;
}

} // namespace

void group_image::note(const offsets_record& record) {
  auto key = image_key(record);
  if (!record.value) {
    numbers_.erase(record.key);
    changes_.insert_or_assign(std::move(key), std::nullopt);
    return;
  }
  std::string value;
  value.reserve(length_size + record.key.size() + record.value->size());
  append_big_endian(value, record.key.size(), length_size);
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

result<offsets_record> group_image::load(
  std::string_view key, std::string_view value) {
  const auto bad = [] {
    return error{errc::corrupt, "an entry of the image of consumer offsets"};
  };
  if (key.empty() || value.size() < length_size)
    return bad();
  const auto size = read_big_endian(value.substr(0, length_size));
  value.remove_prefix(length_size);
  if (size > value.size())
    return bad();
  offsets_record record{
    std::string{value.substr(0, size)}, std::string{value.substr(size)}};
  if (key.front() == 'n') {
    const auto number = read_big_endian(key.substr(1));
    numbers_[record.key] = number;
    next_number_ = std::max(next_number_, number + 1);
  } else if (key.substr(1) != record.key) {
    return bad();
  }
  return record;
}

void group_image::clear() {
  changes_.clear();
  numbers_.clear();
  next_number_ = 0;
}

std::string group_image::image_key(const offsets_record& record) {
  if (record.key.size() <= short_key_max)
    return "k" + record.key;
  const auto [it, added] = numbers_.try_emplace(record.key, next_number_);
  if (added)
    ++next_number_;
  std::string key = "n";
  append_big_endian(key, it->second, 8);
  return key;
}

} // namespace millrace
