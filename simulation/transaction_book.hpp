#pragma once

// What clients with transactional ids sent, and know of their transactions'
// ends, and the judgement of it: of each transaction all is read, or nothing
// (KIP-98), and nothing of a client whose id another one has taken.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// What a read_committed reader has seen of a partition, from its beginning
/// on.
struct committed_view {
  int32_t partition = 0;
  int64_t end = 0;                       ///< it has seen all below
  std::map<int64_t, std::string> values; ///< by offset
};

/// Pure. Times are of one clock for all clients, in any unit.
class transaction_book {
public:
  /// Who uses a transactional id, from its first InitProducerId on.
  using instance = uint32_t;

  [[nodiscard]] instance next_instance() {
    return ++instances_;
  }
  /// An InitProducerId of an instance goes out.
  void asks_for_id(const std::string& id, instance who, int64_t now);
  /// Whether another instance of the id has asked for it since then.
  [[nodiscard]] bool others_have_asked(
    const std::string& id, instance who, int64_t since) const;
  /// It was given its producer's epoch.
  /// @param fences it was new: whoever had the id before is fenced
  void granted(const std::string& id, instance who, int64_t producer,
    int16_t epoch, bool fences, int64_t now);

  /// Returns the number of the new transaction.
  [[nodiscard]] size_t begin(
    const std::string& id, instance who, int16_t epoch);
  /// Values are unique. In the order of sending to each partition.
  void sent(size_t transaction, int32_t partition, const std::string& value);
  void acknowledged(const std::string& value, int64_t offset);
  /// Its group has taken the offset that is its number.
  void offset_taken(size_t transaction);
  /// From now on it may be committed: until then it cannot be.
  void asks_to_commit(size_t transaction, int64_t now);
  void committed(size_t transaction);
  /// Its client has been told that it will never be committed.
  void not_committed(size_t transaction);

  /// One more than the last acknowledged offset of the partition.
  [[nodiscard]] int64_t acknowledged_end(int32_t partition) const;
  /// Transactions that their clients know to be committed.
  [[nodiscard]] uint64_t committed_count() const;

  /// What an offset that the id's group shows breaks (R28), or empty: it is of
  /// a transaction that took it, and that may have been committed. -1 is none.
  [[nodiscard]] std::string check_offset(
    const std::string& id, int64_t found) const;
  /// Whether an offset is of that transaction, which is committed, or of one
  /// that was committed later.
  [[nodiscard]] bool is_at_least(int64_t found, size_t transaction) const;

  /// The first rule that was broken, or empty.
  /// @param last one for each partition, of all that there is in the end
  /// @param earlier of whoever has read meanwhile
  [[nodiscard]] std::string judge(const std::vector<committed_view>& last,
    const std::vector<committed_view>& earlier) const;

private:
  enum class fate : uint8_t { not_committed, unknown, committed };
  struct transaction {
    std::string id;
    instance who = 0;
    int16_t epoch = -1;
    fate is = fate::not_committed;
    int64_t asked_at = -1;
    bool has_offset = false;
    std::vector<std::string> values;
  };
  struct sent_value {
    size_t transaction = 0;
    int32_t partition = 0;
    size_t number = 0;   ///< of all that were sent
    int64_t offset = -1; ///< -1: not acknowledged, or it was there already
  };
  struct grant {
    instance who = 0;
    int64_t producer = -1;
    int16_t epoch = -1;
    bool fences = false;
    int64_t at = 0;
  };
  /// Where the values lie in the end.
  using places = std::map<std::string, int64_t>;

  [[nodiscard]] std::string check_grants() const;
  [[nodiscard]] std::string find_places(
    const std::vector<committed_view>& last, places& found) const;
  [[nodiscard]] std::string check_atomicity(const places& found) const;
  [[nodiscard]] std::string check_transaction(
    const transaction& t, const places& found) const;
  [[nodiscard]] std::string check_order(const committed_view& view) const;
  [[nodiscard]] bool was_fenced_before_asking(const transaction& t) const;

  uint32_t instances_ = 0;
  std::vector<transaction> transactions_;
  std::map<std::string, sent_value> values_;
  std::map<std::string, std::vector<grant>> grants_; ///< by transactional id
  /// When each instance last asked, by transactional id.
  std::map<std::string, std::map<instance, int64_t>> asked_;
  std::map<int32_t, int64_t> ends_; ///< of what was acknowledged
};

} // namespace millrace
