#pragma once

// Incremental fetches (KIP-227): a session remembers which partitions a
// client fetches, so that the client names only what changes and the answer
// holds only what changed. Pure: time and random numbers arrive as
// arguments. One cache belongs to one thread.

#include "schema/kafka/fetch.hpp"
#include "schema/kafka_error.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace millrace {

/// One partition that a fetch wants, by id (v13+) or by name.
struct fetch_partition {
  uuid topic_id;
  std::string topic; ///< empty from v13 on
  int32_t partition = 0;
  int64_t fetch_offset = 0;
  int64_t log_start_offset = -1;
  int32_t max_bytes = 0;
  int32_t current_leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
};

/// What an answer would say of a partition, as far as sessions care.
struct fetch_outcome {
  kafka_error error = kafka_error::none;
  int64_t high_watermark = -1;
  int64_t log_start_offset = -1;
  bool has_records = false;
  /// Preferred read replica, diverging epoch or the like: must be told.
  bool has_news = false;
};

class fetch_session;

/// One fetch request seen through its session.
class fetch_context {
public:
  /// A refusal of the whole request; then there is nothing to fetch.
  [[nodiscard]] kafka_error error() const {
    return error_;
  }
  /// What the answer carries; 0 when there is no session.
  [[nodiscard]] int32_t session_id() const {
    return session_id_;
  }
  [[nodiscard]] bool is_incremental() const {
    return incremental_;
  }
  /// Everything to fetch, in the order in which bytes should be given out:
  /// what got records last comes last.
  [[nodiscard]] const std::vector<fetch_partition>& partitions() const {
    return partitions_;
  }
  /// Whether partition `i` goes into the answer; remembers what the client
  /// now knows. Call once for each partition when the answer is built.
  [[nodiscard]] bool include(size_t i, const fetch_outcome& outcome);

private:
  friend class fetch_session_cache;

  kafka_error error_ = kafka_error::none;
  int32_t session_id_ = 0;
  bool incremental_ = false;
  std::vector<fetch_partition> partitions_;
  std::shared_ptr<fetch_session> session_;
};

class fetch_session_cache {
public:
  /// @param slots sessions kept at most
  /// @param evict_after_ms how long an unused session is safe from all, and
  ///   any session from bigger ones
  /// @param random gives the ids of sessions
  fetch_session_cache(int32_t slots, std::function<uint64_t()> random,
    int64_t evict_after_ms = 120'000);
  ~fetch_session_cache();
  fetch_session_cache(fetch_session_cache&&) noexcept;
  fetch_session_cache& operator=(fetch_session_cache&&) noexcept;

  /// Takes a fetch of `version` apart. A follower's sessions (replica_id >=
  /// 0) may push out consumers'.
  [[nodiscard]] fetch_context begin(
    const kafka::fetch_request& request, int16_t version, int64_t now_ms);

  /// The session that `context` has begun is not wanted: its answer does not
  /// tell of it.
  void forget(const fetch_context& context) {
    sessions_.erase(context.session_id());
  }

  [[nodiscard]] size_t size() const {
    return sessions_.size();
  }
  /// Partitions remembered by all sessions.
  [[nodiscard]] size_t partition_count() const;
  [[nodiscard]] uint64_t evictions() const {
    return evictions_;
  }

private:
  fetch_context full(const kafka::fetch_request& request, bool want_session,
    int16_t version, int64_t now_ms);
  fetch_context incremental(
    const kafka::fetch_request& request, int16_t version, int64_t now_ms);
  bool make_room(bool privileged, size_t size, int64_t now_ms);
  int32_t new_id();

  int32_t slots_;
  int64_t evict_after_ms_;
  std::function<uint64_t()> random_;
  std::unordered_map<int32_t, std::shared_ptr<fetch_session>> sessions_;
  uint64_t evictions_ = 0;
};

} // namespace millrace
