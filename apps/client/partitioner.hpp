#pragma once

// Which partition a record goes to when its sender did not say.

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::client {

/// Kafka's default partitioner: a key always goes to the partition that its
/// murmur2 hash names, as with the Java client; records without a key stick
/// to one partition until a batch of it was sent (KIP-480).
class partitioner {
public:
  /// @param partition_count at least 1
  /// @param seed chooses where the first records without a key go
  partitioner(int32_t partition_count, uint32_t seed);

  [[nodiscard]] int32_t choose(const std::optional<std::string>& key) const;

  /// The sticky partition's batch was sent: the next one's turn.
  void batch_sent(int32_t partition);

private:
  int32_t partition_count_;
  int32_t sticky_;
};

} // namespace millrace::client
