#include "tests/preload/recording.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <unordered_map>

namespace millrace::preload {

result<recording> recording::read(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return error{errc::not_found, path + " cannot be read"};
  return parse({std::istreambuf_iterator<char>{in}, {}});
}

result<recording> recording::parse(std::string content) {
  recording all;
  all.content_.assign(content.begin(), content.end());
  const std::string_view bytes{all.content_.data(), all.content_.size()};
  std::unordered_map<uint64_t, size_t> running; // calls of this process
  size_t at = 0;
  while (at + sizeof(entry_head) <= bytes.size()) {
    recorded_entry entry;
    std::memcpy(&entry.head, bytes.data() + at, sizeof(entry_head));
    const auto& head = entry.head;
    if (head.magic != entry_head::magic_value)
      return error{
        errc::corrupt, "the record, byte " + std::to_string(at) + ": no entry"};
    const size_t size
      = sizeof(entry_head) + head.path_bytes + size_t{head.data_bytes};
    if (at + size > bytes.size())
      break;
    entry.path = bytes.substr(at + sizeof(entry_head), head.path_bytes);
    entry.data
      = bytes.substr(at + size - head.data_bytes, size_t{head.data_bytes});
    at += size;
    if (const auto zero = entry.path.find('\0');
      zero != std::string_view::npos) {
      entry.other_path = entry.path.substr(zero + 1);
      entry.path = entry.path.substr(0, zero);
    }
    const size_t place = all.entries_.size();
    if (head.kind == call_kind::process) {
      running.clear();
    } else if (head.call != 0 && entry.begins()) {
      running[head.call] = place;
    } else if (const auto begun = running.find(head.call);
      begun != running.end()) {
      entry.partner = begun->second;
      all.entries_[begun->second].partner = place;
      running.erase(begun);
    }
    all.entries_.push_back(entry);
  }
  return all;
}

int64_t recording::result_of(size_t place) const {
  const auto end = entries_[place].partner;
  return end == never ? -1 : entries_[end].head.result;
}

} // namespace millrace::preload
