#include "cluster/topic_hash.hpp"

#include <string_view>

namespace millrace {

namespace {

/// FNV-1a, 64 bits: only equality with what this server wrote matters.
class hash_of_bytes {
public:
  void add(std::string_view text) {
    add(text.size());
    for (const auto byte : text)
      mix(static_cast<uint8_t>(byte));
  }
  void add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      mix(static_cast<uint8_t>(number >> shift));
  }
  int64_t value() const {
    return static_cast<int64_t>(hash_);
  }

private:
  void mix(uint8_t byte) {
    hash_ = (hash_ ^ byte) * 0x100000001b3;
  }

  uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace

int64_t topic_hash(
  const std::set<std::string>& names, const topic_view& topics) {
  hash_of_bytes hash;
  bool any = false;
  for (const auto& name : names)
    if (const auto* topic = topics.find(name)) {
      any = true;
      hash.add(topic->name);
      hash.add(topic->id.high);
      hash.add(topic->id.low);
      hash.add(static_cast<uint64_t>(topic->partitions));
    }
  return any ? hash.value() : 0;
}

} // namespace millrace
