#include "simulation/sim_workload.hpp"

#include "schema/kafka/fetch.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka/offset_commit.hpp"
#include "schema/kafka/offset_fetch.hpp"
#include "schema/kafka_error.hpp"
#include "storage/record_builder.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr const char* group = "watchers";

sim_time pause(sim_world& world, int64_t ms_max) {
  return static_cast<sim_time>(
    world.random(static_cast<uint64_t>(ms_max) * sim_ms));
}

kafka::fetch_request fetch_from(int32_t partition, int64_t from) {
  kafka::fetch_request request;
  request.max_wait_ms = 200;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  kafka::fetch_request::fetch_topic topic;
  topic.topic = sim_topic;
  kafka::fetch_request::fetch_partition p;
  p.partition = partition;
  p.fetch_offset = from;
  p.partition_max_bytes = 1 << 16;
  topic.partitions.push_back(p);
  request.topics.push_back(std::move(topic));
  return request;
}

/// Calls `visit` for the records of a fetch's one partition; the offset to go
/// on with, or nothing if the fetch has to be repeated.
std::optional<int64_t> records_of(const kafka::fetch_response* response,
  int64_t from, const std::function<void(int64_t, std::string)>& visit) {
  if (response == nullptr || response->error_code != 0
      || response->responses.empty())
    return std::nullopt;
  const auto& p = response->responses.front().partitions.front();
  if (p.error_code != 0)
    return std::nullopt;
  auto next = for_each_record(
    p.records.bytes.span(), offset{from}, [&](const record_view& record) {
      if (record.at.value >= from)
        visit(record.at.value, std::string{record.value.value_or("")});
    });
  MILLRACE_ASSERT(next.ok(), "what a node sends can be read");
  return next->value;
}

} // namespace

sim_producer::sim_producer(sim_clients& all, int32_t number)
    : all_(all), client_(all.world, all.link), number_(number),
      partition_(number % all.partitions) {}

void sim_producer::start() {
  client_.request<kafka::init_producer_id_response>(
    api_key::init_producer_id, 4,
    [] {
      kafka::init_producer_id_request request;
      request.transactional_id.reset();
      return request;
    }(),
    [this](const kafka::init_producer_id_response* response) {
      if (response == nullptr || response->error_code != 0) {
        all_.world.after(pause(all_.world, 300), [this] {
          start();
        });
        return;
      }
      producer_id_ = response->producer_id;
      producer_epoch_ = response->producer_epoch;
      next_batch();
    });
}

void sim_producer::next_batch() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  idle_ = false;
  batch_.clear();
  const auto count = 1 + all_.world.random(4);
  record_builder builder;
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

void sim_producer::send() {
  kafka::produce_request request;
  request.transactional_id.reset();
  request.acks = -1;
  request.timeout_ms = 30'000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = sim_topic;
  auto& data = topic.partition_data.emplace_back();
  data.index = partition_;
  data.records.bytes = bytes_;
  client_.request<kafka::produce_response>(
    api_key::produce, 9, request, [this](const kafka::produce_response* r) {
      on_answer(r);
    });
}

void sim_producer::again() {
  all_.world.after(pause(all_.world, 300), [this] {
    send();
  });
}

void sim_producer::on_answer(const kafka::produce_response* response) {
  if (response == nullptr) {
    again();
    return;
  }
  const auto& p = response->responses.front().partition_responses.front();
  const auto code = static_cast<kafka_error>(p.error_code);
  if (code == kafka_error::none) {
    for (size_t i = 0; i < batch_.size(); ++i)
      all_.history.acknowledged(
        batch_[i], p.base_offset + static_cast<int64_t>(i), all_.world.now());
    ++all_.acknowledged;
    sequence_ += static_cast<int32_t>(batch_.size());
    all_.world.after(pause(all_.world, 20), [this] {
      next_batch();
    });
    return;
  }
  if (!is_retriable(code)) {
    all_.history.fail(std::string{"a producer that repeats what was not "
                                  "acknowledged gets on: "}
                      + to_string(code) + " " + p.error_message.value_or(""));
    return;
  }
  again();
}

sim_consumer::sim_consumer(sim_clients& all, int32_t partition)
    : all_(all), client_(all.world, all.link), partition_(partition),
      run_(all.history.begin_run()) {}

void sim_consumer::start() {
  poll();
}

void sim_consumer::poll() {
  if (all_.stopping)
    return;
  client_.request<kafka::fetch_response>(api_key::fetch, 12,
    fetch_from(partition_, next_),
    [this](const kafka::fetch_response* response) {
      const auto next
        = records_of(response, next_, [&](int64_t at, std::string value) {
            if (at != next_)
              all_.history.fail("offsets are dense: after "
                                + std::to_string(next_ - 1) + " of partition "
                                + std::to_string(partition_) + " came "
                                + std::to_string(at));
            next_ = at + 1;
            all_.history.read(run_, partition_, at, value);
          });
      if (next && *next > 0)
        ++all_.acknowledged;
      if (all_.world.random(50) == 0) {
        next_ = static_cast<int64_t>(
          all_.world.random(static_cast<uint64_t>(next_) + 1));
        run_ = all_.history.begin_run();
      }
      all_.world.after(pause(all_.world, next ? 30 : 300), [this] {
        poll();
      });
    });
}

sim_committer::sim_committer(sim_clients& all)
    : all_(all), client_(all.world, all.link) {}

void sim_committer::start() {
  commit();
}

void sim_committer::later(void (sim_committer::*what)()) {
  all_.world.after(pause(all_.world, 200), [this, what] {
    (this->*what)();
  });
}

void sim_committer::commit() {
  if (all_.stopping) {
    idle_ = true;
    return;
  }
  idle_ = false;
  kafka::offset_commit_request request;
  request.group_id = group;
  auto& topic = request.topics.emplace_back();
  topic.name = sim_topic;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = 0;
  p.committed_offset = ++last_sent_;
  client_.request<kafka::offset_commit_response>(api_key::offset_commit, 8,
    request, [this](const kafka::offset_commit_response* response) {
      const bool done
        = response != nullptr && !response->topics.empty()
          && response->topics.front().partitions.front().error_code == 0;
      if (done) {
        all_.history.committed(last_sent_);
        ++all_.acknowledged;
      }
      later(&sim_committer::fetch);
    });
}

void sim_committer::fetch() {
  kafka::offset_fetch_request request;
  auto& g = request.groups.emplace_back();
  g.group_id = group;
  auto& topic = g.topics->emplace_back();
  topic.name = sim_topic;
  topic.partition_indexes.push_back(0);
  client_.request<kafka::offset_fetch_response>(api_key::offset_fetch, 8,
    request, [this](const kafka::offset_fetch_response* response) {
      if (response == nullptr || response->groups.front().error_code != 0) {
        later(&sim_committer::fetch);
        return;
      }
      const auto& topics = response->groups.front().topics;
      const auto found = topics.empty()
                           ? -1
                           : topics.front().partitions.front().committed_offset;
      all_.history.check_committed(found, last_sent_);
      later(&sim_committer::commit);
    });
}

sim_final_read::sim_final_read(sim_clients& all)
    : all_(all), client_(all.world, all.link), run_(all.history.begin_run()) {}

void sim_final_read::start() {
  next_partition();
}

void sim_final_read::next_partition() {
  if (++partition_ == all_.partitions) {
    all_.history.finish(run_);
    done_ = true;
    return;
  }
  next_ = 0;
  read_on();
}

void sim_final_read::read_on() {
  client_.request<kafka::fetch_response>(api_key::fetch, 12,
    fetch_from(partition_, next_),
    [this](const kafka::fetch_response* response) {
      const auto before = next_;
      const auto next
        = records_of(response, next_, [&](int64_t at, std::string value) {
            all_.history.read(run_, partition_, at, value);
          });
      if (!next) {
        all_.world.after(pause(all_.world, 100), [this] {
          read_on();
        });
        return;
      }
      next_ = *next;
      if (next_ == before)
        next_partition(); // nobody writes any more: this is the end
      else
        read_on();
    });
}

} // namespace millrace
