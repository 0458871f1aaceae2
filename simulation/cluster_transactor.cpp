#include "simulation/cluster_transactor.hpp"

#include "schema/kafka/init_producer_id.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t transaction_key = 1;
/// Others may still get what was sent so long ago.
constexpr sim_time memory = 60 * sim_second;

} // namespace

cluster_transactor::cluster_transactor(
  cluster_clients& all, transaction_book& book, options o)
    : all_(all), book_(book), options_(std::move(o)),
      client_(all, options_.topic), late_client_(all, options_.topic),
      offsets_(all, book, options_.topic, options_.id) {}

void cluster_transactor::start() {
  all_.later(2000, [this] {
    begin_anew();
  });
}

void cluster_transactor::later(
  const transaction_pointer& t, int64_t ms_max, std::function<void()> what) {
  all_.later(ms_max, [this, t, what = std::move(what)] {
    if (open_ == t)
      what();
  });
}

void cluster_transactor::fail(const std::string& what, kafka_error code) {
  all_.history.fail(
    "a client with a transactional id gets on: " + options_.id + ", version "
    + std::to_string(options_.transaction_version) + ", epoch "
    + std::to_string(epoch_) + ": " + what + ": " + to_string(code));
}

// -- the coordinator ----------------------------------------------------------

/// Asking for it makes __transaction_state.
void cluster_transactor::find_coordinator(std::function<void()> then) {
  client_.find_coordinator(transaction_key, options_.id,
    [this, then = std::move(then)](int32_t node, const std::string& why) {
      if (!why.empty())
        last_answer_ = why;
      coordinator_ = node >= 0 ? node : coordinator_;
      if (coordinator_ >= 0)
        then();
      else
        all_.later(300, [this, then] {
          find_coordinator(then);
        });
    });
}

bool cluster_transactor::is_to_be_repeated(
  const std::string& what, kafka_error code) {
  last_answer_ = what + ": " + to_string(code);
  switch (code) {
  case kafka_error::network_exception:
    may_be_fenced_ = needs_epoch_ = true;
    coordinator_ = -1;
    return true;
  case kafka_error::not_coordinator:
  case kafka_error::coordinator_not_available:
    coordinator_ = -1;
    return true;
  case kafka_error::concurrent_transactions:
  case kafka_error::coordinator_load_in_progress:
    return true;
  default:
    return is_retriable(code);
  }
}

bool cluster_transactor::is_fence(kafka_error code) {
  return code == kafka_error::producer_fenced
         || code == kafka_error::invalid_producer_epoch
         || code == kafka_error::invalid_producer_id_mapping;
}

// -- InitProducerId -----------------------------------------------------------

void cluster_transactor::begin_anew() {
  if (all_.stopping)
    return;
  idle_ = false;
  instance_ = book_.next_instance();
  producer_id_ = -1;
  epoch_ = -1;
  last_end_ = {};
  may_be_fenced_ = id_is_unclear_ = needs_epoch_ = false;
  asked_since_ = all_.world.now();
  init(false);
}

/// @param raises it has an id, and wants the next epoch (KIP-360)
void cluster_transactor::init(bool raises) {
  kafka::init_producer_id_request request;
  request.transactional_id = options_.id;
  request.transaction_timeout_ms
    = 2000 + static_cast<int32_t>(all_.world.random(5000));
  request.producer_id = raises ? producer_id_ : -1;
  request.producer_epoch = raises ? epoch_ : int16_t{-1};
  if (!raises)
    book_.asks_for_id(options_.id, instance_, all_.world.now());
  ask<kafka::init_producer_id_response>(api_key::init_producer_id,
    is_v2() ? 5 : 4, request,
    [this, raises](const kafka::init_producer_id_response* r) {
      if (r == nullptr)
        take_id(raises, kafka_error::network_exception, -1, -1);
      else
        take_id(raises, static_cast<kafka_error>(r->error_code), r->producer_id,
          r->producer_epoch);
    });
}

void cluster_transactor::take_id(
  bool raises, kafka_error code, int64_t id, int16_t epoch) {
  last_answer_ = std::string{"InitProducerId: "} + to_string(code);
  if (code == kafka_error::none) {
    book_.granted(options_.id, instance_, id, epoch, !raises, all_.world.now());
    set_producer(id, epoch);
    needs_epoch_ = false;
    next();
  } else if (raises && is_fence(code)) {
    fenced("InitProducerId with an epoch");
  } else if (is_to_be_repeated("InitProducerId", code)) {
    // It may come late, and raise the epoch once more.
    id_is_unclear_ = id_is_unclear_ || !raises;
    all_.later(300, [this, raises] {
      init(raises);
    });
  } else {
    fail("InitProducerId", code);
  }
}

void cluster_transactor::set_producer(int64_t id, int16_t epoch) {
  if (id != producer_id_ || epoch != epoch_)
    sequences_.clear();
  producer_id_ = id;
  epoch_ = epoch;
}

void cluster_transactor::next() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  all_.later(500, [this] {
    if (all_.stopping)
      idle_ = true;
    else
      begin();
  });
}

/// The coordinator is to abort the transaction, by its time or for the next
/// client with that id.
void cluster_transactor::walk_away() {
  open_.reset();
  idle_ = true;
  all_.later(10'000, [this] {
    begin_anew();
  });
}

void cluster_transactor::fenced(const std::string& what) {
  last_answer_ = what + ": fenced";
  if (options_.is_strict && !may_be_fenced_ && !id_is_unclear_
      && !book_.others_have_asked(
        options_.id, instance_, asked_since_ - memory))
    all_.history.fail("only another client, or time, fences one: " + options_.id
                      + ", epoch " + std::to_string(epoch_) + ", " + what);
  walk_away();
}

} // namespace millrace
