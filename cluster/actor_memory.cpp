#include "cluster/actor_memory.hpp"

#include "schema/assert.hpp"

#include <charconv>

namespace millrace {

namespace {

// The first byte of a key says what it is about.
constexpr char own = 's';
constexpr char read_up_to = 'p';
constexpr char to_be_written = 'w';
constexpr const char* beginnings = "g";

std::string position_key(const std::string& topic, int32_t partition) {
  return read_up_to + topic + "/" + std::to_string(partition);
}

/// Sorts as the numbers do.
std::string write_key(uint64_t number) {
  auto digits = std::to_string(number);
  return to_be_written + std::string(20 - digits.size(), '0') + digits;
}

template <class Int>
Int number_of(std::string_view text) {
  Int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

} // namespace

std::string actor_memory::own_key(std::string_view key) {
  return own + std::string{key};
}

void actor_memory::set(std::string key, std::string value) {
  changed_.insert(key);
  all_[std::move(key)] = std::move(value);
}

void actor_memory::remove(const std::string& key) {
  if (all_.erase(key) != 0)
    changed_.insert(key);
}

const std::string* actor_memory::find(std::string_view key) const {
  const auto at = all_.find(own_key(key));
  return at == all_.end() ? nullptr : &at->second;
}

void actor_memory::put(std::string_view key, std::string value) {
  set(own_key(key), std::move(value));
}

void actor_memory::erase(std::string_view key) {
  remove(own_key(key));
}

std::optional<int64_t> actor_memory::position(
  const std::string& topic, int32_t partition) const {
  const auto at = all_.find(position_key(topic, partition));
  if (at == all_.end())
    return std::nullopt;
  return number_of<int64_t>(at->second);
}

void actor_memory::set_position(
  const std::string& topic, int32_t partition, int64_t next) {
  set(position_key(topic, partition), std::to_string(next));
}

uint64_t actor_memory::add_write(const waiting_write& write) {
  const auto number = next_write_++;
  set(write_key(number), encode(write));
  return number;
}

void actor_memory::finish_write(uint64_t number) {
  remove(write_key(number));
}

result<std::vector<std::pair<uint64_t, waiting_write>>>
actor_memory::writes() const {
  std::vector<std::pair<uint64_t, waiting_write>> found;
  for (auto at = all_.lower_bound(std::string{to_be_written});
    at != all_.end() && at->first.front() == to_be_written; ++at) {
    auto write = decode_waiting_write(at->second);
    if (!write)
      return write.error();
    found.emplace_back(
      number_of<uint64_t>(std::string_view{at->first}.substr(1)),
      std::move(*write));
  }
  return found;
}

int64_t actor_memory::begin() {
  const auto at = all_.find(beginnings);
  const auto number = (at == all_.end() ? 0 : number_of<int64_t>(at->second));
  set(beginnings, std::to_string(number + 1));
  return number + 1;
}

void actor_memory::replay(
  std::string_view key, std::optional<std::string_view> value) {
  MILLRACE_ASSERT(changed_.empty(), "a memory is replayed before it is used");
  // A number is not used again, though its write is long finished: it may
  // stand in effects that are still under way.
  if (!key.empty() && key.front() == to_be_written)
    next_write_ = std::max(next_write_, number_of<uint64_t>(key.substr(1)) + 1);
  if (value)
    all_[std::string{key}] = *value;
  else
    all_.erase(std::string{key});
}

std::vector<actor_memory::record> actor_memory::take_changes() {
  std::vector<record> records;
  for (const auto& key : std::exchange(changed_, {})) {
    const auto at = all_.find(key);
    records.push_back(
      {key, at == all_.end() ? std::nullopt
                             : std::optional<std::string>{at->second}});
  }
  return records;
}

std::vector<actor_memory::record> actor_memory::everything() const {
  std::vector<record> records;
  for (const auto& [key, value] : all_)
    records.push_back({key, value});
  return records;
}

} // namespace millrace
