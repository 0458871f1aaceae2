#include "simulation/cluster_producer.hpp"

#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka_error.hpp"
#include "storage/record_builder.hpp"

#include <algorithm>

namespace millrace {

using kafka::api_key;

namespace {

constexpr size_t window_max = 5; // as many as a broker remembers (R13)

} // namespace

cluster_producer::cluster_producer(
  cluster_clients& all, int32_t number, bool waits_for_all)
    : all_(all), client_(all), number_(number),
      partition_(number % all.partitions), waits_for_all_(waits_for_all),
      window_(waits_for_all ? 1 + all.world.random(window_max) : 1) {}

void cluster_producer::start() {
  if (!waits_for_all_) {
    go_on();
    return;
  }
  kafka::init_producer_id_request request;
  request.transactional_id.reset();
  client_.request<kafka::init_producer_id_response>(client_.any_node(),
    api_key::init_producer_id, 4, request,
    [this](const kafka::init_producer_id_response* response) {
      if (response == nullptr || response->error_code != 0) {
        all_.later(300, [this] {
          start();
        });
        return;
      }
      producer_id_ = response->producer_id;
      producer_epoch_ = response->producer_epoch;
      sequence_ = 0;
      go_on();
    });
}

void cluster_producer::go_on() {
  if (all_.stopping)
    return;
  if (waits_for_all_ && sequence_ > 0 && open_.empty()
      && all_.world.random(30) == 0) {
    start();
    return;
  }
  const size_t at_once = all_.world.random(8) == 0 ? window_ : 1;
  for (size_t i = 0; i < at_once && open_.size() < window_; ++i)
    make_batch();
  send_what_may_be_sent();
  all_.later(250, [this] {
    go_on();
  });
}

void cluster_producer::make_batch() {
  auto one = std::make_shared<flight>();
  const auto count = 1 + all_.world.random(4);
  record_builder builder;
  if (waits_for_all_)
    builder.set_producer(producer_id{producer_id_}, producer_epoch_, sequence_);
  for (uint64_t i = 0; i < count; ++i) {
    const auto value = "p" + std::to_string(number_) + "-"
                       + std::to_string(next_value_++)
                       + std::string(all_.world.random(200), '.');
    one->records.push_back(all_.history.sent(
      partition_, static_cast<uint32_t>(number_), value, all_.world.now()));
    builder.add({.timestamp_ms = 1'700'000'000'000 + all_.world.now() / sim_ms,
      .value = value});
  }
  auto bytes = builder.finish();
  MILLRACE_ASSERT(bytes.ok(), "records without a codec make a batch");
  one->bytes = std::move(*bytes);
  sequence_ += static_cast<int32_t>(count);
  open_.push_back(std::move(one));
}

/// As Kafka's Java client does it: whatever is sent again waits until it is
/// the oldest one, and what comes after it waits behind it. What was never
/// sent waits for nobody's answer.
void cluster_producer::send_what_may_be_sent() {
  if (looks_for_leader_)
    return;
  looks_for_leader_ = true;
  client_.with_leader(partition_, [this](cluster_client::lead leader) {
    looks_for_leader_ = false;
    if (leader.node < 0) {
      last_answer_ = "no leader is known";
      all_.later(300, [this] {
        send_what_may_be_sent();
      });
      return;
    }
    const auto all = open_; // answers may come at once
    for (const auto& one : all) {
      if (one->is_out)
        continue;
      if (one->waits || (one->was_sent && one != open_.front()))
        return;
      send(one, leader.node);
    }
  });
}

void cluster_producer::send(const flight_pointer& one, int32_t leader) {
  one->is_out = one->was_sent = true;
  kafka::produce_request request;
  request.transactional_id.reset();
  request.acks = waits_for_all_ ? int16_t{-1} : int16_t{1};
  request.timeout_ms = 5000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = all_.topic;
  auto& data = topic.partition_data.emplace_back();
  data.index = partition_;
  data.records.bytes = one->bytes;
  client_.request<kafka::produce_response>(leader, api_key::produce, 9, request,
    [this, one](const kafka::produce_response* r) {
      on_answer(one, r);
    });
}

void cluster_producer::again(
  const flight_pointer& one, const std::string& why) {
  last_answer_ = why;
  client_.forget(partition_);
  one->is_out = false;
  one->waits = true;
  all_.later(300, [this, one] {
    one->waits = false;
    send_what_may_be_sent();
  });
}

void cluster_producer::on_answer(
  const flight_pointer& one, const kafka::produce_response* response) {
  if (response == nullptr) {
    take(one, kafka_error::network_exception, -1, "no answer");
    return;
  }
  const auto& p = response->responses.front().partition_responses.front();
  take(one, static_cast<kafka_error>(p.error_code), p.base_offset,
    p.error_message.value_or(""));
}

void cluster_producer::take(const flight_pointer& one, kafka_error code,
  int64_t base_offset, const std::string& message) {
  if (!waits_for_all_) {
    if (code == kafka_error::none)
      acknowledge(*one, base_offset);
    else
      client_.forget(partition_); // it may be there or not
    close(one);
    return;
  }
  // It is there, too long ago for the broker to know where.
  const bool is_there = code == kafka_error::duplicate_sequence_number;
  if (code == kafka_error::none || is_there) {
    acknowledge(*one, is_there ? -1 : base_offset);
    close(one);
  } else if (is_retriable(code)
             || (code == kafka_error::out_of_order_sequence_number
                 && one != open_.front())) {
    again(one, std::string{to_string(code)} + " " + message);
  } else {
    all_.history.fail(
      "a producer that repeats what was not acknowledged gets on: producer "
      + std::to_string(number_) + ", partition " + std::to_string(partition_)
      + ": " + to_string(code) + " " + message);
  }
}

void cluster_producer::acknowledge(const flight& one, int64_t base_offset) {
  for (size_t i = 0; i < one.records.size(); ++i) {
    const auto at
      = base_offset < 0 ? -1 : base_offset + static_cast<int64_t>(i);
    if (waits_for_all_)
      all_.history.acknowledged(one.records[i], at, all_.world.now());
    else
      all_.history.accepted(one.records[i], at, all_.world.now());
  }
  ++all_.acknowledged;
}

void cluster_producer::close(const flight_pointer& one) {
  std::erase(open_, one);
  send_what_may_be_sent();
}

} // namespace millrace
