#include "actors/partition_transactions.hpp"

#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"
#include "storage/record_batch.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;
using waiting_produce = partition_state::waiting_produce;

/// A client's transactional batch, as far as its header tells; the log looks
/// at the rest.
bool is_in_transaction(const produce_entry& entry) {
  if (entry.origin != append_origin::client
      || entry.batch.size() < batch_view::header_size)
    return false;
  const batch_view view{entry.batch.span()};
  return view.plausible() && view.is_transactional() && !view.is_control()
         && view.producer().value >= 0;
}

void ask_coordinator(
  self_pointer self, const batch_view& batch, const produce_entry& entry) {
  auto& s = self->state;
  auto& held = s.held[batch.producer()];
  held.ticket = ++s.next_check;
  held.question = {.transactional_id = entry.transactional_id,
    .id = batch.producer(),
    .epoch = batch.producer_epoch(),
    .adds = entry.support == transaction_support::adds_partitions,
    .partitions = {s.options.name}};
  s.checks.emplace(held.ticket, batch.producer());
  tell(self, s.options.transactions,
    check_transaction{held.ticket, held.question});
}

void refuse(self_pointer self, const waiting_produce& waiting,
  kafka_error error, const char* why) {
  produce_results answer;
  auto& r = answer.results.emplace_back();
  r.ticket = waiting.entry.ticket;
  r.error = error;
  r.message = why;
  tell(self, waiting.asker, std::move(answer));
}

} // namespace

void hold_unknown(self_pointer self, std::vector<waiting_produce>& gathered) {
  auto& s = self->state;
  std::erase_if(gathered, [&](waiting_produce& waiting) {
    if (waiting.checked || !is_in_transaction(waiting.entry))
      return false;
    const batch_view view{waiting.entry.batch.span()};
    if (s.log->knows_later(view.producer(), view.producer_epoch())) {
      // Whatever the coordinator says: as Kafka, it is not asked.
      refuse(self, waiting, kafka_error::invalid_producer_epoch,
        "the log has a later epoch of the producer");
      return true;
    }
    const bool behind = s.held.contains(view.producer());
    if (!behind
        && s.log->in_transaction(view.producer(), view.producer_epoch()))
      return false;
    if (!behind)
      ask_coordinator(self, view, waiting.entry);
    s.held[view.producer()].entries.push_back(std::move(waiting));
    return true;
  });
}

bool on_checked(self_pointer self, const transaction_checked& checked) {
  auto& s = self->state;
  const auto asked = s.checks.extract(checked.ticket);
  if (asked.empty())
    return false; // this replica has led no more since
  auto held = s.held.extract(asked.mapped());
  auto& all = held.mapped();
  std::vector<waiting_produce> taken;
  for (auto& waiting : all.entries) {
    const batch_view view{waiting.entry.batch.span()};
    if (view.producer_epoch() != all.question.epoch) {
      // Of another life of the producer: that is another question.
      s.gathered.push_back(std::move(waiting));
      continue;
    }
    const bool ended = all.ended && !planted(bug::transaction_trusts_old_word);
    const auto error
      = ended ? kafka_error::transaction_abortable : checked.error;
    if (error == kafka_error::none) {
      waiting.checked = true;
      taken.push_back(std::move(waiting));
    } else {
      refuse(self, waiting,
        transaction_check_error(waiting.entry.support, error),
        "the coordinator does not know that the transaction has this "
        "partition");
    }
  }
  s.gathered.insert(s.gathered.begin(), std::make_move_iterator(taken.begin()),
    std::make_move_iterator(taken.end()));
  return !s.gathered.empty();
}

void note_marker(partition_state& s, const shared_bytes& batch) {
  const batch_view view{batch.span()};
  if (!view.is_control())
    return;
  if (const auto at = s.held.find(view.producer());
    at != s.held.end()
    && at->second.question.is_ended_by(view.producer_epoch()))
    at->second.ended = true;
}

void fail_held(self_pointer self, kafka_error error) {
  auto& s = self->state;
  s.checks.clear();
  for (const auto& [id, held] : std::exchange(s.held, {}))
    for (const auto& waiting : held.entries)
      refuse(self, waiting, error, "this broker does not lead the partition");
}

} // namespace millrace
