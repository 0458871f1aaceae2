// The part of cluster_transactor that is about one transaction.

#include "schema/kafka/add_offsets_to_txn.hpp"
#include "schema/kafka/add_partitions_to_txn.hpp"
#include "schema/kafka/end_txn.hpp"
#include "schema/kafka/produce.hpp"
#include "simulation/cluster_transactor.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr uint64_t batches_max = 4;

/// What an answer says of one transaction's partitions.
kafka_error code_in(const kafka::add_partitions_to_txn_response& response) {
  auto found = kafka_error::none;
  for (const auto& topic : response.results_by_topic_v3_and_below)
    for (const auto& p : topic.results_by_partition) {
      const auto code = static_cast<kafka_error>(p.partition_error_code);
      if (code != kafka_error::none
          && (found == kafka_error::none
              || found == kafka_error::operation_not_attempted))
        found = code;
    }
  return found;
}

/// The builder's batches of idempotent producers, as parts of a transaction.
shared_bytes made_transactional(const shared_bytes& batch) {
  auto made = shared_bytes::copy_of(batch.span());
  patch_attributes(made.writable(),
    static_cast<int16_t>(
      batch_view{made.span()}.attributes() | batch_attributes::transactional));
  patch_crc(made.writable());
  return made;
}

} // namespace

void cluster_transactor::begin() {
  auto t = std::make_shared<transaction>();
  open_ = t;
  t->number = book_.begin(options_.id, instance_, epoch_);
  t->gives_up_at = all_.world.now()
                   + static_cast<sim_time>(all_.world.random(10 * sim_second));
  t->wants_offset = all_.world.random(2) == 0;
  const auto count = 1 + all_.world.random(batches_max);
  for (uint64_t i = 0; i < count; ++i) {
    const auto partition = static_cast<int32_t>(
      all_.world.random(static_cast<uint64_t>(all_.partitions)));
    t->open[partition].push_back(make_batch(*t, partition));
  }
  if (!is_v2()) {
    add(t);
    return;
  }
  std::vector<int32_t> partitions;
  for (const auto& [partition, batches] : t->open)
    partitions.push_back(partition);
  for (const auto partition : partitions)
    produce(t, partition);
}

cluster_transactor::batch cluster_transactor::make_batch(
  transaction& t, int32_t partition) {
  batch made;
  auto& sequence = sequences_[partition];
  record_builder builder;
  builder.set_producer(producer_id{producer_id_}, epoch_, sequence);
  const auto count = 1 + all_.world.random(3);
  for (uint64_t i = 0; i < count; ++i) {
    made.values.push_back(options_.id + "-" + std::to_string(instance_) + "-"
                          + std::to_string(next_value_++));
    book_.sent(t.number, partition, made.values.back());
    builder.add({.timestamp_ms = 1'700'000'000'000 + all_.world.now() / sim_ms,
      .value = made.values.back()});
  }
  auto bytes = builder.finish();
  MILLRACE_ASSERT(bytes.ok(), "records without a codec make a batch");
  made.bytes = made_transactional(*bytes);
  sequence += static_cast<int32_t>(count);
  return made;
}

void cluster_transactor::add(const transaction_pointer& t) {
  kafka::add_partitions_to_txn_request request;
  request.v3_and_below_transactional_id = options_.id;
  request.v3_and_below_producer_id = producer_id_;
  request.v3_and_below_producer_epoch = epoch_;
  auto& topic = request.v3_and_below_topics.emplace_back();
  topic.name = options_.topic;
  for (const auto& [partition, batches] : t->open)
    topic.partitions.push_back(partition);
  ask<kafka::add_partitions_to_txn_response>(api_key::add_partitions_to_txn, 3,
    request, [this, t](const kafka::add_partitions_to_txn_response* r) {
      if (open_ == t)
        on_added(
          t, r == nullptr ? kafka_error::network_exception : code_in(*r));
    });
}

void cluster_transactor::on_added(
  const transaction_pointer& t, kafka_error code) {
  last_answer_ = std::string{"AddPartitionsToTxn: "} + to_string(code);
  if (code == kafka_error::none) {
    t->was_added = true;
    may_be_fenced_ = true; // if it takes too long
    std::vector<int32_t> partitions;
    for (const auto& [partition, batches] : t->open)
      partitions.push_back(partition);
    for (const auto partition : partitions)
      if (open_ == t)
        produce(t, partition);
  } else if (is_fence(code)) {
    fenced("AddPartitionsToTxn");
  } else if (is_to_be_repeated("AddPartitionsToTxn", code)) {
    // Otherwise it may yet have been written.
    if (code != kafka_error::concurrent_transactions)
      may_be_fenced_ = needs_epoch_ = true;
    if (all_.world.now() > t->gives_up_at)
      give_up(t);
    else
      later(t, 200, [this, t] {
        add(t);
      });
  } else {
    fail("AddPartitionsToTxn", code);
  }
}

void cluster_transactor::produce(
  const transaction_pointer& t, int32_t partition) {
  client_.with_leader(
    partition, [this, t, partition](cluster_client::lead leader) {
      if (open_ != t || t->is_ending)
        return;
      if (leader.node >= 0) {
        send(t, partition, leader.node);
        return;
      }
      last_answer_ = "no leader is known";
      produce_again(t, partition);
    });
}

void cluster_transactor::send(
  const transaction_pointer& t, int32_t partition, int32_t leader) {
  may_be_fenced_ = true; // if the transaction takes too long
  kafka::produce_request request;
  request.transactional_id = options_.id;
  request.acks = -1;
  request.timeout_ms = 5000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = options_.topic;
  auto& data = topic.partition_data.emplace_back();
  data.index = partition;
  data.records.bytes = t->open.at(partition).front().bytes;
  client_.request<kafka::produce_response>(leader, api_key::produce,
    is_v2() ? 12 : 9, request,
    [this, t, partition](const kafka::produce_response* response) {
      if (open_ != t || t->is_ending)
        return;
      if (response == nullptr) {
        on_produced(
          t, partition, kafka_error::network_exception, -1, "no answer");
        return;
      }
      const auto& p = response->responses.front().partition_responses.front();
      on_produced(t, partition, static_cast<kafka_error>(p.error_code),
        p.base_offset, p.error_message.value_or(""));
    });
}

void cluster_transactor::on_produced(const transaction_pointer& t,
  int32_t partition, kafka_error code, int64_t base_offset,
  const std::string& message) {
  last_answer_ = std::string{"Produce: "} + to_string(code) + " " + message;
  auto& batches = t->open.at(partition);
  if (code == kafka_error::none) {
    for (const auto& value : batches.front().values)
      book_.acknowledged(value, base_offset++);
    batches.pop_front();
    if (!batches.empty()) {
      produce(t, partition);
      return;
    }
    t->open.erase(partition);
    repeat_last_end();
    if (!t->open.empty())
      return;
    if (!t->wants_offset)
      choose_end(t);
    else if (is_v2())
      commit_offset(t);
    else
      add_offsets(t);
  } else if (code == kafka_error::transaction_abortable
             || code == kafka_error::invalid_txn_state || is_fence(code)) {
    // Its time is up, or another client has come: the end will tell.
    give_up(t);
  } else if (is_retriable(code)) {
    client_.forget(partition);
    produce_again(t, partition);
  } else {
    fail("Produce to partition " + std::to_string(partition) + ": " + message,
      code);
  }
}

void cluster_transactor::produce_again(
  const transaction_pointer& t, int32_t partition) {
  if (all_.world.now() > t->gives_up_at) {
    give_up(t);
    return;
  }
  later(t, 300, [this, t, partition] {
    produce(t, partition);
  });
}

// -- its offset ---------------------------------------------------------------

/// Version 2 leaves that to the group's coordinator.
void cluster_transactor::add_offsets(const transaction_pointer& t) {
  kafka::add_offsets_to_txn_request request;
  request.transactional_id = options_.id;
  request.producer_id = producer_id_;
  request.producer_epoch = epoch_;
  request.group_id = options_.id;
  ask<kafka::add_offsets_to_txn_response>(api_key::add_offsets_to_txn, 3,
    request, [this, t](const kafka::add_offsets_to_txn_response* r) {
      if (open_ != t || t->is_ending)
        return;
      const auto code = r == nullptr ? kafka_error::network_exception
                                     : static_cast<kafka_error>(r->error_code);
      t->offset_was_added = code == kafka_error::none;
      on_offset(t, "AddOffsetsToTxn", code);
    });
}

void cluster_transactor::commit_offset(const transaction_pointer& t) {
  offsets_.commit(
    {producer_id_, epoch_, is_v2()}, t->number, [this, t](kafka_error code) {
      if (open_ != t || t->is_ending)
        return;
      if (code != kafka_error::none) {
        on_offset(t, "TxnOffsetCommit", code);
        return;
      }
      // Before its end nobody sees it.
      offsets_.look(false, std::nullopt, [this, t] {
        if (open_ == t && !t->is_ending)
          choose_end(t);
      });
    });
}

void cluster_transactor::on_offset(
  const transaction_pointer& t, const std::string& what, kafka_error code) {
  if (code != kafka_error::none) {
    last_answer_ = what + ": " + to_string(code);
    if (code == kafka_error::transaction_abortable
        || code == kafka_error::invalid_txn_state || is_fence(code)
        || all_.world.now() > t->gives_up_at) {
      give_up(t);
      return;
    }
    if (!is_to_be_repeated(what, code)) {
      fail(what, code);
      return;
    }
  }
  later(t, code == kafka_error::none ? 1 : 200, [this, t] {
    if (t->is_ending)
      return;
    if (is_v2() || t->offset_was_added)
      commit_offset(t);
    else
      add_offsets(t);
  });
}

// -- its end ------------------------------------------------------------------

void cluster_transactor::choose_end(const transaction_pointer& t) {
  const auto choice = all_.world.random(10);
  if (choice == 0) {
    walk_away();
    return;
  }
  later(t, 300, [this, t, choice] {
    end(t, choice > 2);
  });
}

/// Aborts although some batches may be on their way.
void cluster_transactor::give_up(const transaction_pointer& t) {
  if (t->is_ending)
    return;
  needs_epoch_ = true;
  if (!is_v2() && !t->was_added) {
    // As far as it knows there is nothing to abort.
    open_.reset();
    init(true);
    return;
  }
  end(t, false);
}

void cluster_transactor::end(const transaction_pointer& t, bool commit) {
  t->is_ending = true;
  if (commit && !t->commit_was_sent) {
    t->commit_was_sent = true;
    book_.asks_to_commit(t->number, all_.world.now());
  }
  kafka::end_txn_request request;
  request.transactional_id = options_.id;
  request.producer_id = producer_id_;
  request.producer_epoch = epoch_;
  request.committed = commit;
  last_end_ = {producer_id_, epoch_, commit};
  ask<kafka::end_txn_response>(api_key::end_txn, is_v2() ? 5 : 3, request,
    [this, t, commit](const kafka::end_txn_response* r) {
      if (open_ != t)
        return;
      if (r == nullptr)
        on_ended(t, commit, kafka_error::network_exception, -1, -1);
      else
        on_ended(t, commit, static_cast<kafka_error>(r->error_code),
          r->producer_id, r->producer_epoch);
    });
}

void cluster_transactor::on_ended(const transaction_pointer& t, bool commit,
  kafka_error code, int64_t id, int16_t epoch) {
  const std::string what = commit ? "EndTxn (commit)" : "EndTxn (abort)";
  last_answer_ = what + ": " + to_string(code);
  if (code == kafka_error::none) {
    if (is_v2()) {
      book_.granted(options_.id, instance_, id, epoch, false, all_.world.now());
      set_producer(id, epoch);
    }
    ended(t, commit);
  } else if (is_fence(code)) {
    if (!t->commit_is_unclear)
      book_.not_committed(t->number);
    fenced(what);
  } else if (code == kafka_error::invalid_txn_state && commit && is_v2()) {
    // The coordinator has aborted it, as its time was up.
    book_.not_committed(t->number);
    fenced(what);
  } else if (is_to_be_repeated(what, code)) {
    if (commit && code != kafka_error::concurrent_transactions)
      t->commit_is_unclear = true;
    later(t, 200, [this, t, commit] {
      end(t, commit);
    });
  } else {
    fail(what, code);
  }
}

void cluster_transactor::ended(const transaction_pointer& t, bool commit) {
  if (commit) {
    book_.committed(t->number);
    ++all_.acknowledged;
  }
  open_.reset();
  if (!t->wants_offset) {
    go_on();
    return;
  }
  const auto at_least = commit ? std::optional{t->number} : std::nullopt;
  offsets_.look(true, at_least, [this] {
    go_on();
  });
}

void cluster_transactor::go_on() {
  may_be_fenced_ = false;
  if (!is_v2() && needs_epoch_) {
    may_be_fenced_ = true; // by what was repeated
    init(true);
    return;
  }
  next();
}

/// A request that was held up somewhere: it must not end the transaction that
/// has begun since (KIP-890).
void cluster_transactor::repeat_last_end() {
  if (!is_v2() || last_end_.producer_id < 0 || coordinator_ < 0
      || all_.world.random(4) != 0)
    return;
  kafka::end_txn_request request;
  request.transactional_id = options_.id;
  request.producer_id = last_end_.producer_id;
  request.producer_epoch = last_end_.epoch;
  request.committed = last_end_.commits;
  last_end_ = {};
  late_client_.request<kafka::end_txn_response>(
    coordinator_, api_key::end_txn, 5, request, [](const auto*) {
      // Whatever it says: what matters is what becomes of the transaction.
    });
}

} // namespace millrace
