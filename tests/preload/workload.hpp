#pragma once

// A small load that makes the server do everything that writes: producing to
// several topics with small segments, commits of groups, topics that come and
// go. One thread; several connections, so that requests are under way at the
// same time.

#include "apps/client/broker_connection.hpp"
#include "tests/preload/history.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>

namespace millrace::preload {

class workload {
public:
  explicit workload(uint64_t seed);

  /// Connects to a server that has just started, and asks again what a killed
  /// one has left unanswered. Errors: offline; io_error for an answer that
  /// should not be. These are all of the others, too.
  result<void> begin(const endpoint& server);
  /// Sends a round of requests and waits for their answers.
  result<void> run_round();
  /// Sends a round of requests, takes some of the answers, and leaves the
  /// others to a server that is about to be killed.
  result<void> run_cut_round();

  [[nodiscard]] const history& done() const {
    return history_;
  }

private:
  using connection = client::broker_connection;
  struct sent_operation {
    size_t index; ///< in the history
    connection::ticket ticket;
  };
  /// One producer for one partition.
  struct lane {
    topic_partition at;
    int16_t acks = -1;
    int64_t producer = -1;
    int32_t sequence = 0;
    std::optional<connection> to;
    std::deque<sent_operation> sent; ///< and not answered
  };

  result<connection> connect();
  size_t note(operation o, const connection& by, const connection::ticket& as);
  /// Asks, waits, and asks again while the answer says that this may help.
  template <class Request>
  result<void> ask(operation o, const Request& request);

  result<void> create(const std::string& topic, int32_t partitions);
  result<void> change_passing_topic();
  result<void> cut_topic_change();
  result<void> trim();
  result<void> add_lane(const topic_partition& at, int16_t acks);
  result<void> send_produce(lane& to, operation o);
  result<void> take_produce(lane& of);
  result<void> repeat_unanswered(lane& of);
  result<void> send_round();
  result<void> send_commit();
  result<void> take_commit();
  result<void> fetch(const topic_partition& at);

  [[nodiscard]] bool chance(double probability);
  [[nodiscard]] int64_t between(int64_t least, int64_t most);

  std::mt19937_64 rng_;
  endpoint server_;
  int connection_count_ = 0;
  int round_ = 0;
  int passing_count_ = 0;
  int64_t next_value_ = 0;
  history history_;
  std::optional<connection> admin_;
  std::optional<connection> committer_;
  std::optional<connection> reader_;
  std::deque<lane> lanes_;
  std::deque<sent_operation> commits_;
  int64_t next_commit_ = 0;
  std::string passing_; ///< a topic that is going to be deleted, if any
};

} // namespace millrace::preload
