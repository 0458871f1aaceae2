#pragma once

// `<base>.txnindex`: the aborted transactions whose markers are in a segment,
// so that read_committed can pass over what they wrote (KIP-98). On disk it is
// Kafka's: docs/formats/segment-files.md.

#include "schema/result.hpp"
#include "schema/types.hpp"
#include "storage/open_transactions.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Pure: the log reads and writes the file. Unlike the other indexes this one
/// is no hint, as nothing else says the same so shortly: a segment whose file
/// does not make sense is walked again.
class transaction_index {
public:
  /// Notes an aborted transaction, unless one with a later marker is there:
  /// then it was noted before, and the log is being read once more.
  void add(const ended_transaction& aborted);

  /// Forgets the transactions whose marker is at `end` or behind it: they are
  /// open again. Returns whether anything changed.
  bool truncate_to(offset end);
  void clear() {
    entries_.clear();
  }

  /// Adds to `out` the aborted transactions that a read of [from, limit) must
  /// know of: those that end at `from` or behind it and begin before `limit`.
  /// Returns whether no later segment's index can have any.
  bool collect(
    offset from, offset limit, std::vector<ended_transaction>& out) const;

  [[nodiscard]] const std::vector<ended_transaction>& entries() const {
    return entries_;
  }

  [[nodiscard]] std::string encode() const;
  /// The index of a segment that holds [base, end). errc::corrupt for entries
  /// that make no sense there.
  [[nodiscard]] static result<transaction_index> decode(
    std::string_view bytes, offset base, offset end);

private:
  std::vector<ended_transaction> entries_; // by marker
};

} // namespace millrace
