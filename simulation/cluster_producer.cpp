#include "simulation/cluster_producer.hpp"

#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka_error.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

using kafka::api_key;

cluster_producer::cluster_producer(
  cluster_clients& all, int32_t number, bool waits_for_all)
    : all_(all), client_(all), number_(number),
      partition_(number % all.partitions), waits_for_all_(waits_for_all) {}

void cluster_producer::start() {
  if (!waits_for_all_) {
    next_batch();
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
      next_batch();
    });
}

void cluster_producer::next_batch() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  idle_ = false;
  batch_.clear();
  const auto count = 1 + all_.world.random(4);
  record_builder builder;
  if (waits_for_all_)
    builder.set_producer(producer_id{producer_id_}, producer_epoch_, sequence_);
  for (uint64_t i = 0; i < count; ++i) {
    const auto value = "p" + std::to_string(number_) + "-"
                       + std::to_string(next_value_++)
                       + std::string(all_.world.random(200), '.');
    batch_.push_back(all_.history.sent(
      partition_, static_cast<uint32_t>(number_), value, all_.world.now()));
    builder.add({.timestamp_ms = 1'700'000'000'000 + all_.world.now() / sim_ms,
      .value = value});
  }
  auto bytes = builder.finish();
  MILLRACE_ASSERT(bytes.ok(), "records without a codec make a batch");
  bytes_ = std::move(*bytes);
  send();
}

void cluster_producer::send() {
  client_.with_leader(partition_, [this](cluster_client::lead leader) {
    if (leader.node < 0) {
      again("no leader is known");
      return;
    }
    kafka::produce_request request;
    request.transactional_id.reset();
    request.acks = waits_for_all_ ? int16_t{-1} : int16_t{1};
    request.timeout_ms = 5000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = all_.topic;
    auto& data = topic.partition_data.emplace_back();
    data.index = partition_;
    data.records.bytes = bytes_;
    client_.request<kafka::produce_response>(leader.node, api_key::produce, 9,
      request, [this](const kafka::produce_response* r) {
        on_answer(r);
      });
  });
}

void cluster_producer::again(const std::string& why) {
  last_answer_ = why;
  client_.forget(partition_);
  all_.later(300, [this] {
    send();
  });
}

void cluster_producer::on_answer(const kafka::produce_response* response) {
  if (response == nullptr) {
    take(kafka_error::network_exception, -1, "no answer");
    return;
  }
  const auto& p = response->responses.front().partition_responses.front();
  take(static_cast<kafka_error>(p.error_code), p.base_offset,
    p.error_message.value_or(""));
}

void cluster_producer::take(
  kafka_error code, int64_t base_offset, const std::string& message) {
  if (code == kafka_error::none) {
    for (size_t i = 0; i < batch_.size(); ++i) {
      const auto at = base_offset + static_cast<int64_t>(i);
      if (waits_for_all_)
        all_.history.acknowledged(batch_[i], at, all_.world.now());
      else
        all_.history.accepted(batch_[i], at, all_.world.now());
    }
    ++all_.acknowledged;
    sequence_ += static_cast<int32_t>(batch_.size());
    all_.later(120, [this] {
      next_batch();
    });
  } else if (!waits_for_all_) {
    // It may be there or not.
    client_.forget(partition_);
    all_.later(300, [this] {
      next_batch();
    });
  } else if (is_retriable(code)) {
    again(std::string{to_string(code)} + " " + message);
  } else {
    all_.history.fail(
      "a producer that repeats what was not acknowledged gets on: producer "
      + std::to_string(number_) + ", partition " + std::to_string(partition_)
      + ": " + to_string(code) + " " + message);
  }
}

} // namespace millrace
