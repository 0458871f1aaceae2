#pragma once

// What a partition does before it takes a transactional batch of a client's:
// the coordinator must know that the transaction has this partition, or its
// marker would never come here (KIP-890).

#include "actors/partition.hpp"

namespace millrace {

/// Takes out of `gathered` what may not be appended yet: the batches whose
/// transaction this log has not heard of. Their coordinator is asked, and what
/// the same producer sends meanwhile waits behind them.
void hold_unknown(partition_actor::stateful_pointer<partition_state> self,
  std::vector<partition_state::waiting_produce>& gathered);

/// The coordinator's word: what was held is gathered again, before all else,
/// or refused. Returns whether there is something to append.
[[nodiscard]] bool on_checked(
  partition_actor::stateful_pointer<partition_state> self,
  const transaction_checked& checked);

/// A marker is in the log: the word about that producer, if it is still under
/// way, is about a transaction that has ended (R28).
void note_marker(partition_state& s, const shared_bytes& batch);

/// Answers all that is held.
void fail_held(
  partition_actor::stateful_pointer<partition_state> self, kafka_error error);

} // namespace millrace
