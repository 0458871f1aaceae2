#pragma once

// The offsets that a client with a transactional id commits with its
// transactions (KIP-447), and what it sees of them afterwards (R28). The
// offset is the transaction's number in the book, so that each tells which
// transaction it came with.

#include "schema/kafka_error.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/transaction_book.hpp"

#include <optional>

namespace millrace {

class transactor_offsets {
public:
  using then = std::function<void(kafka_error)>;

  /// @param id transactional; its group has the same name
  transactor_offsets(cluster_clients& all, transaction_book& book,
    std::string topic, std::string id);

  /// Whose transaction it is.
  struct producer {
    int64_t id = -1;
    int16_t epoch = -1;
    bool is_v2 = true;
  };

  /// Once; that nobody answered is network_exception.
  void commit(producer who, size_t transaction, then done);
  /// Asks what is committed, and has the book judge it.
  /// @param stable what has ended counts, and what is pending is waited for
  /// @param at_least asks until it is from this transaction or a later one: a
  /// coordinator that is deposed and does not know it says what was before
  void look(
    bool stable, std::optional<size_t> at_least, std::function<void()> done);
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

private:
  void find_coordinator(std::function<void()> found);
  void forget_coordinator(const std::string& why);
  void send(const producer& who, size_t transaction, then done);
  /// Whether that is the end of looking.
  [[nodiscard]] bool take(int64_t found, std::optional<size_t> at_least);

  cluster_clients& all_;
  transaction_book& book_;
  std::string topic_;
  std::string id_;
  cluster_client client_;
  int32_t coordinator_ = -1;
  std::string last_answer_;
};

} // namespace millrace
