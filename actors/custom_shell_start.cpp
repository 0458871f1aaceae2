#include "actors/custom_shell.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "storage/record_reader.hpp"

// From the log of its state to the actor's first turns.

namespace millrace {

namespace {

/// Between two looks at a log that is not committed to its end yet, and
/// before anything that has failed is asked again.
constexpr int64_t pause_ms = 20;
constexpr int64_t answer_wait_ms = 5000;

/// The producer id of an instance: the same in every life, and far above those
/// that InitProducerId gives. 45 bits of its name; the others take over from
/// the epoch, which has 15, after so many lives.
custom_producer producer_of(const actor_address& address, int64_t beginning) {
  constexpr uint64_t own_range = uint64_t{1} << 62;
  constexpr int epoch_bits = 15;
  constexpr int later_bits = 17;
  uint64_t hash = 0xcbf29ce484222325ull; // FNV-1a
  for (const char c : to_string(address))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  const auto lives = static_cast<uint64_t>(beginning);
  const auto later = (lives >> epoch_bits) & ((1u << later_bits) - 1);
  return {
    static_cast<int64_t>(own_range | (hash >> (64 - 45)) << later_bits | later),
    static_cast<int16_t>(lives & ((1u << epoch_bits) - 1))};
}

} // namespace

void custom_shell::replay_some() {
  tell(
    self_, options_.log, log_ask{replay_ticket, ask_bytes{offset{log_end_}}});
}

void custom_shell::take(const log_answer& answer) {
  if (ended_)
    return;
  if (answer.ticket == trim_ticket) {
    if (answer.error != kafka_error::none)
      log::warn("the log of actor {} cannot be trimmed: {} {}",
        to_string(options_.address), to_string(answer.error), answer.message);
    return;
  }
  const auto later = [this] {
    set_timer(
      pause_ms,
      [this] {
        replay_some();
      },
      false);
  };
  if (answer.error == kafka_error::not_leader_or_follower) {
    later(); // the partition has yet to hear that it leads
    return;
  }
  if (answer.error != kafka_error::none) {
    fail(std::string{"its state cannot be loaded: "} + to_string(answer.error)
         + " " + answer.message);
    return;
  }
  log_end_ = std::max(log_end_, answer.log_start.value);
  auto next = for_each_record(
    answer.bytes.span(), offset{log_end_}, [this](const record_view& record) {
      ++logged_;
      if (record.key)
        memory_.replay(*record.key, record.value);
    });
  if (!next) {
    fail("its state cannot be loaded: " + to_string(next.error()));
    return;
  }
  log_end_ = next->value;
  if (log_end_ < answer.high_watermark.value)
    replay_some();
  else if (log_end_ < answer.log_end.value)
    later(); // earlier leaders left it: it will be committed (R20)
  else
    begin_life();
}

void custom_shell::begin_life() {
  producer_ = producer_of(options_.address, memory_.begin());
  commit(); // run() comes when it is durable
}

void custom_shell::ask_for_producer_id() {
  kafka::init_producer_id_request request;
  request.transactional_id.reset();
  client_->ask<kafka::init_producer_id_response>({}, 0,
    kafka::api_key::init_producer_id, 4, request, answer_wait_ms,
    [this](const kafka::init_producer_id_response* response) {
      if (response == nullptr || response->error_code != 0) {
        client_->after(5 * pause_ms, [this] {
          ask_for_producer_id();
        });
        return;
      }
      producer_ = {response->producer_id, response->producer_epoch};
      run();
    });
}

void custom_shell::run() {
  writer_->begin(producer_);
  auto unfinished = memory_.writes();
  if (!unfinished) {
    fail("its state cannot be read: " + to_string(unfinished.error()));
    return;
  }
  for (auto& [number, record] : *unfinished)
    writer_->write(number, std::move(record));
  log::info("actor {} runs on this node", to_string(options_.address));
  turn([this] {
    actor_ = options_.deployment.make(*this);
    actor_->on_start();
  });
  for (const auto node : std::set<node_id>{nodes_})
    turn([&] {
      actor_->on_node({node, true});
    });
  for (auto& letter : std::exchange(early_, {}))
    turn([&] {
      actor_->on_message(actor_message{std::move(letter)});
    });
}

} // namespace millrace
