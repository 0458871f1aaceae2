#pragma once

// The questions of a node's partitions to transaction coordinators: whether a
// producer's transaction has them (KIP-890). Those about one transaction are
// asked together, one request at a time.

#include "schema/transaction_message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// Pure.
class transaction_checks {
public:
  struct options {
    int64_t answer_ms = 2'000; ///< how long an answer is waited for
    /// add.partitions.to.txn.retry.backoff.ms and ...max.ms: a coordinator
    /// that is busy with the transaction is asked again for so long.
    int64_t retry_ms = 20;
    int64_t retry_ms_max = 100;
  };
  struct request {
    uint64_t id = 0;
    transaction_check check;
  };
  /// By the token that was given with the question.
  using answers = std::vector<std::pair<uint64_t, kafka_error>>;

  transaction_checks() = default;
  explicit transaction_checks(options o) : options_(o) {}

  /// @param asked about one partition
  void add(uint64_t token, transaction_check asked, int64_t now_ms);

  [[nodiscard]] std::vector<request> take_due(int64_t now_ms);
  /// @param errors in the order of the request's partitions
  [[nodiscard]] answers on_answer(
    uint64_t id, std::span<const kafka_error> errors, int64_t now_ms);
  /// The request could not be sent, or its node is gone.
  [[nodiscard]] answers fail(uint64_t id, kafka_error error);
  /// Those that nobody has answered: NETWORK_EXCEPTION.
  [[nodiscard]] answers take_late(int64_t now_ms);
  [[nodiscard]] std::optional<int64_t> next_deadline() const;

private:
  struct question {
    uint64_t token = 0;
    topic_partition partition;
    int64_t since_ms = 0;
  };
  struct about {
    std::string transactional_id;
    producer_id id{-1};
    int16_t epoch = -1;
    bool adds = false;

    friend auto operator<=>(const about&, const about&) = default;
  };
  struct state {
    std::vector<question> waiting;
    std::vector<question> asked; ///< with the request that is under way
    uint64_t request = 0;        ///< 0: none
    int64_t due_ms = 0; ///< of the next request, or when the answer is late
  };
  using state_map = std::map<about, state>;

  [[nodiscard]] answers end_request(state_map::iterator at,
    std::span<const kafka_error> errors, int64_t now_ms);
  [[nodiscard]] bool asks_again(const about& which, const question& q,
    kafka_error error, int64_t now_ms) const;

  options options_;
  state_map states_;
  std::map<uint64_t, about> requests_;
  uint64_t next_id_ = 1;
};

} // namespace millrace
