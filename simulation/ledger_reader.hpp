#pragma once

// Reads partitions as a read_committed consumer does: some now and then from
// the beginning, while transactions go on; and in the end everything.

#include "schema/kafka/fetch.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/transaction_book.hpp"

namespace millrace {

/// Adds what a read_committed consumer makes of one answer to `view`, which
/// has come to `view.end`: no control batches, and nothing of the producers
/// whose transactions the answer says to be aborted (KIP-98).
///
/// Errors: as for_each_batch(); corrupt where the batches are not dense.
[[nodiscard]] result<void> take_committed(
  const kafka::fetch_response::partition_data& answer, committed_view& view);

/// One fetch after the other from one partition, from offset 0 on.
class ledger_reader {
public:
  /// @param rack as in partition_reader
  ledger_reader(cluster_clients& all, std::string topic, int32_t partition,
    std::string rack = {});

  /// Fetches once. `done` gets whether a replica has answered.
  void fetch(std::function<void(bool)> done);
  [[nodiscard]] const committed_view& view() const {
    return view_;
  }
  /// Begins again; gives what was seen.
  committed_view restart();
  /// Whether all that the last answer knew of was committed or aborted.
  [[nodiscard]] bool at_end() const {
    return at_end_;
  }
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  bool take(const kafka::fetch_response* response);
  void fetch_from(cluster_client::lead leader, std::function<void(bool)> done);

  cluster_clients& all_;
  cluster_client client_;
  std::string topic_;
  std::string rack_;
  int32_t follower_ = -1; ///< index of the node that it was sent to
  committed_view view_;
  bool at_end_ = false;
  std::string last_answer_;
};

/// Reads one partition over and over while clients work.
class ledger_consumer {
public:
  ledger_consumer(cluster_clients& all, const std::string& topic,
    int32_t partition, const std::string& rack);
  void start();
  /// All that it has seen.
  [[nodiscard]] std::vector<committed_view> views() const;

private:
  cluster_clients& all_;
  ledger_reader reader_;
  std::vector<committed_view> earlier_;
};

/// Reads all partitions to their ends, once nobody writes any more. It does
/// not end as long as a transaction hangs.
class ledger_final_read {
public:
  ledger_final_read(cluster_clients& all, const transaction_book& book,
    std::string topic, int32_t partitions);
  void start();
  [[nodiscard]] bool done() const {
    return done_;
  }
  [[nodiscard]] const std::vector<committed_view>& views() const {
    return views_;
  }
  [[nodiscard]] std::string waits_for() const;

private:
  void next_partition();
  void read_on();

  cluster_clients& all_;
  const transaction_book& book_;
  std::string topic_;
  int32_t partitions_;
  std::unique_ptr<ledger_reader> reader_;
  std::vector<committed_view> views_;
  int at_end_ = 0; ///< fetches in a row
  bool done_ = false;
};

} // namespace millrace
