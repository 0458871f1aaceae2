#pragma once

// One member of a classic consumer group.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// A way to assign partitions that a member can follow, with what it tells
/// the leader about itself. The metadata is opaque (rules.md C 6).
struct group_protocol {
  std::string name;
  std::string metadata;

  bool operator==(const group_protocol&) const = default;
};

/// A request whose answer waits for other members or for the log.
struct parked_request {
  uint64_t token = 0;
  int16_t version = 0;
};

struct group_member {
  std::string id;
  std::optional<std::string> instance_id; ///< static membership (KIP-345)
  std::string client_id;
  std::string client_host;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  std::vector<group_protocol> protocols; ///< the most preferred first
  std::string assignment;                ///< of the current generation

  /// Has joined and was never given a generation.
  bool is_new = false;
  std::optional<parked_request> join; ///< a JoinGroup that waits
  std::optional<parked_request> sync; ///< a SyncGroup that waits
  /// When it is taken for dead, in monotonic time.
  int64_t deadline_ms = 0;

  /// Whether its deadline counts: whoever waits for us is alive, except a
  /// new member, whose disconnect nobody would notice.
  [[nodiscard]] bool can_expire() const {
    return is_new || (!join && !sync);
  }
  /// The metadata for `protocol`; empty when the member does not know it.
  [[nodiscard]] std::string_view metadata(std::string_view protocol) const {
    for (const auto& p : protocols)
      if (p.name == protocol)
        return p.metadata;
    return {};
  }
};

} // namespace millrace
