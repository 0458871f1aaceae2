#pragma once

// A client with a transactional id (KIP-98, 360, 890): one transaction after
// the other, of a few batches to some partitions, which it commits, aborts or
// leaves to the coordinator's time-out. Errors are taken as Kafka's Java
// client takes them. What ends it for good, as that another client has come
// with its id, makes it begin anew after a while, as a process that is started
// again.

#include "schema/kafka_error.hpp"
#include "schema/shared_bytes.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/transaction_book.hpp"
#include "simulation/transactor_offsets.hpp"

#include <deque>
#include <memory>

namespace millrace {

class cluster_transactor {
public:
  struct options {
    std::string topic;
    std::string id; ///< transactional; others may have it too
    /// 1: adds partitions, and keeps its epoch; 2: leaves adding to servers,
    /// and gets an epoch with each end (KIP-890).
    int16_t transaction_version = 2;
    /// Nothing fails: nobody is deposed without knowing it, and says what was
    /// so before.
    bool is_strict = false;
  };

  cluster_transactor(
    cluster_clients& all, transaction_book& book, options options);
  void start();
  [[nodiscard]] bool idle() const {
    return idle_;
  }
  /// What it waits for, for whoever asks why a run does not end.
  [[nodiscard]] std::string last_answer() const {
    return last_answer_ + "; of its offsets: " + offsets_.last_answer();
  }

private:
  struct batch {
    std::vector<std::string> values;
    shared_bytes bytes;
  };
  struct transaction {
    size_t number = 0;                         ///< as the book numbers it
    std::map<int32_t, std::deque<batch>> open; ///< by partition
    bool was_added = false;                    ///< its partitions, in version 1
    bool wants_offset = false;     ///< of its group, once the batches are there
    bool offset_was_added = false; ///< in version 1
    bool is_ending = false;
    bool commit_was_sent = false;
    bool commit_is_unclear = false; ///< it may have been done nevertheless
    sim_time gives_up_at = 0;
  };
  using transaction_pointer = std::shared_ptr<transaction>;
  /// What version 2 may send once more.
  struct sent_end {
    int64_t producer_id = -1;
    int16_t epoch = -1;
    bool commits = false;
  };

  [[nodiscard]] bool is_v2() const {
    return options_.transaction_version >= 2;
  }
  void find_coordinator(std::function<void()> then);
  /// Asks the coordinator; `done` gets null where nobody has answered.
  template <class Response, class Request>
  void ask(kafka::api_key key, int16_t version, const Request& body,
    std::function<void(const Response*)> done) {
    if (coordinator_ >= 0) {
      client_.request<Response>(
        coordinator_, key, version, body, std::move(done));
      return;
    }
    find_coordinator([this, key, version, body, done = std::move(done)] {
      client_.request<Response>(coordinator_, key, version, body, done);
    });
  }
  /// Whether a request is to be sent again: nobody has answered it, or one
  /// that cannot say. Forgets a coordinator that is none.
  bool is_to_be_repeated(const std::string& what, kafka_error code);
  /// Whether the client has to begin anew, unless it was told so of a batch.
  /// That its producer id is unknown says a coordinator that has been deposed
  /// before it was given, and does not know it: as in Kafka.
  [[nodiscard]] static bool is_fence(kafka_error code);

  void begin_anew();
  void init(bool raises);
  void take_id(bool raises, kafka_error code, int64_t id, int16_t epoch);
  void set_producer(int64_t id, int16_t epoch);
  void next();
  void begin();
  [[nodiscard]] batch make_batch(transaction& t, int32_t partition);
  void add(const transaction_pointer& t);
  void on_added(const transaction_pointer& t, kafka_error code);
  void produce(const transaction_pointer& t, int32_t partition);
  void send(const transaction_pointer& t, int32_t partition, int32_t leader);
  void on_produced(const transaction_pointer& t, int32_t partition,
    kafka_error code, int64_t base_offset, const std::string& message);
  void produce_again(const transaction_pointer& t, int32_t partition);
  void add_offsets(const transaction_pointer& t);
  void commit_offset(const transaction_pointer& t);
  void on_offset(
    const transaction_pointer& t, const std::string& what, kafka_error code);
  void choose_end(const transaction_pointer& t);
  void give_up(const transaction_pointer& t);
  void end(const transaction_pointer& t, bool commit);
  void on_ended(const transaction_pointer& t, bool commit, kafka_error code,
    int64_t id, int16_t epoch);
  void ended(const transaction_pointer& t, bool commit);
  void go_on();
  void repeat_last_end();
  void walk_away();
  void fenced(const std::string& what);
  void fail(const std::string& what, kafka_error code);
  /// Calls `what` within `ms_max` unless the transaction is another by then.
  void later(
    const transaction_pointer& t, int64_t ms_max, std::function<void()> what);

  cluster_clients& all_;
  transaction_book& book_;
  options options_;
  cluster_client client_;
  cluster_client late_client_; ///< on connections of its own
  transactor_offsets offsets_;
  int32_t coordinator_ = -1;
  transaction_book::instance instance_ = 0;
  int64_t producer_id_ = -1;
  int16_t epoch_ = -1;
  std::map<int32_t, int32_t> sequences_; ///< the next one, by partition
  transaction_pointer open_;
  sent_end last_end_;
  uint64_t next_value_ = 0;
  sim_time asked_since_ = 0; ///< for its id
  /// Its coordinator may abort a transaction of its own, or may have got an
  /// old request of its own: then it may be fenced without anybody else.
  bool may_be_fenced_ = false;
  /// An InitProducerId of its own may come late, and fence it.
  bool id_is_unclear_ = false;
  /// Version 1 cannot tell late requests from those of the next transaction,
  /// but by an epoch that it asks for (KIP-360).
  bool needs_epoch_ = false;
  bool idle_ = true;
  std::string last_answer_;
};

} // namespace millrace
