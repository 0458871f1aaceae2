#include "apps/client/partitioner.hpp"

#include "schema/assert.hpp"
#include "storage/murmur2.hpp"

namespace millrace::client {

partitioner::partitioner(int32_t partition_count, uint32_t seed)
    : partition_count_(partition_count) {
  MILLRACE_ASSERT(partition_count > 0, "a topic has a partition");
  sticky_ = static_cast<int32_t>(seed % static_cast<uint32_t>(partition_count));
}

int32_t partitioner::choose(const std::optional<std::string>& key) const {
  if (!key)
    return sticky_;
  // Java takes the hash as signed and clears its sign bit.
  const auto hash = static_cast<uint32_t>(murmur2(*key)) & 0x7fffffffu;
  return static_cast<int32_t>(hash % static_cast<uint32_t>(partition_count_));
}

void partitioner::batch_sent(int32_t partition) {
  if (partition == sticky_)
    sticky_ = (sticky_ + 1) % partition_count_;
}

} // namespace millrace::client
