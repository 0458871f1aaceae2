#pragma once

// Share sessions (KIP-932): which partitions a member fetches from this node,
// so that its requests name only what changes. A session belongs to the
// connection that opened it, and ends with it. Pure; one cache belongs to one
// thread.

#include "schema/kafka_error.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// A partition as share sessions name it.
struct share_session_partition {
  uuid topic;
  int32_t partition = 0;

  friend auto operator<=>(
    const share_session_partition&, const share_session_partition&)
    = default;
};

/// Whose session it is: at most one on a node.
struct share_session_key {
  std::string group;
  std::string member;

  friend auto operator<=>(const share_session_key&, const share_session_key&)
    = default;
};

/// Epochs of requests that are not the next one of their session.
inline constexpr int32_t share_session_begins = 0;
inline constexpr int32_t share_session_ends = -1;

/// What a ShareFetch is about.
struct share_fetch_plan {
  kafka_error error = kafka_error::none; ///< then the rest is empty
  /// Everything to fetch; each epoch begins with another one, so that none
  /// has to wait for the others' records for ever.
  std::vector<share_session_partition> partitions;
  bool ends = false;
};

class share_session_cache {
public:
  /// @param slots sessions kept at most (group.share.max.share.sessions)
  explicit share_session_cache(size_t slots) : slots_(slots) {}

  struct fetch {
    int32_t epoch = 0;
    std::span<const share_session_partition> named;
    std::span<const share_session_partition> forgotten;
    bool acknowledges = false;
    uint64_t connection = 0;
  };
  /// Errors: invalid_request for acknowledgements before there is a session;
  /// share_session_limit_reached, share_session_not_found,
  /// invalid_share_session_epoch. One that ends is still there until end().
  [[nodiscard]] share_fetch_plan begin_fetch(
    const share_session_key& key, const fetch& request);
  /// A ShareAcknowledge. Errors as above; it cannot begin a session.
  [[nodiscard]] kafka_error begin_acknowledge(
    const share_session_key& key, int32_t epoch);

  /// An ended session, and the partitions that have to hear of it.
  struct ended {
    share_session_key key;
    std::vector<share_session_partition> partitions;
  };
  [[nodiscard]] std::optional<ended> end(const share_session_key& key);
  /// The connection is gone: so are its sessions.
  [[nodiscard]] std::vector<ended> end_all_of(uint64_t connection);

  [[nodiscard]] size_t size() const {
    return sessions_.size();
  }

private:
  struct session {
    int32_t next_epoch = 1;
    uint64_t connection = 0;
    std::vector<share_session_partition> partitions; ///< in order, each once
    /// What was fetched once and may still be held.
    std::vector<share_session_partition> forgotten;
  };

  share_fetch_plan begin_session(
    const share_session_key& key, const fetch& request);
  static ended all_of(const share_session_key& key, const session& s);

  size_t slots_;
  std::map<share_session_key, session> sessions_;
};

} // namespace millrace
