#include "simulation/transactor_offsets.hpp"

#include "schema/kafka/offset_fetch.hpp"
#include "schema/kafka/txn_offset_commit.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;

/// Whether it may be another's by now.
bool is_moved(kafka_error code) {
  return code == kafka_error::not_coordinator
         || code == kafka_error::coordinator_not_available;
}

} // namespace

transactor_offsets::transactor_offsets(cluster_clients& all,
  transaction_book& book, std::string topic, std::string id)
    : all_(all), book_(book), topic_(std::move(topic)), id_(std::move(id)),
      client_(all, topic_) {}

void transactor_offsets::find_coordinator(std::function<void()> found) {
  if (coordinator_ >= 0) {
    found();
    return;
  }
  client_.find_coordinator(group_key, id_,
    [this, found = std::move(found)](int32_t node, const std::string& why) {
      if (!why.empty())
        last_answer_ = why;
      coordinator_ = node >= 0 ? node : coordinator_;
      if (coordinator_ >= 0) {
        found();
        return;
      }
      all_.later(300, [this, found] {
        find_coordinator(found);
      });
    });
}

void transactor_offsets::forget_coordinator(const std::string& why) {
  last_answer_ = why;
  coordinator_ = -1;
}

void transactor_offsets::commit(producer who, size_t transaction, then done) {
  find_coordinator([this, who, transaction, done = std::move(done)] {
    send(who, transaction, done);
  });
}

void transactor_offsets::send(
  const producer& who, size_t transaction, then done) {
  kafka::txn_offset_commit_request request;
  request.transactional_id = id_;
  request.group_id = id_;
  request.producer_id = who.id;
  request.producer_epoch = who.epoch;
  auto& topic = request.topics.emplace_back();
  topic.name = topic_;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = 0;
  p.committed_offset = static_cast<int64_t>(transaction);
  client_.request<kafka::txn_offset_commit_response>(coordinator_,
    api_key::txn_offset_commit, who.is_v2 ? 5 : 3, request,
    [this, transaction, done = std::move(done)](
      const kafka::txn_offset_commit_response* response) {
      const auto code
        = response == nullptr || response->topics.empty()
            ? kafka_error::network_exception
            : static_cast<kafka_error>(
                response->topics.front().partitions.front().error_code);
      if (code == kafka_error::none)
        book_.offset_taken(transaction);
      else if (code == kafka_error::network_exception || is_moved(code))
        forget_coordinator(std::string{"TxnOffsetCommit: "} + to_string(code));
      done(code);
    });
}

void transactor_offsets::look(
  bool stable, std::optional<size_t> at_least, std::function<void()> done) {
  find_coordinator([this, stable, at_least, done = std::move(done)] {
    kafka::offset_fetch_request request;
    request.require_stable = stable;
    auto& group = request.groups.emplace_back();
    group.group_id = id_;
    auto& topic = group.topics->emplace_back();
    topic.name = topic_;
    topic.partition_indexes.push_back(0);
    client_.request<kafka::offset_fetch_response>(coordinator_,
      api_key::offset_fetch, 8, request,
      [this, stable, at_least, done](
        const kafka::offset_fetch_response* response) {
        bool is_done = false;
        if (response == nullptr || response->groups.empty()) {
          forget_coordinator("no answer to an OffsetFetch");
        } else if (const auto& answered = response->groups.front();
          answered.error_code != 0) {
          forget_coordinator(
            std::string{"OffsetFetch: "}
            + to_string(static_cast<kafka_error>(answered.error_code)));
        } else if (answered.topics.empty()) {
          is_done = take(-1, at_least);
        } else if (const auto& p = answered.topics.front().partitions.front();
          p.error_code != 0) {
          last_answer_ = std::string{"OffsetFetch: "}
                         + to_string(static_cast<kafka_error>(p.error_code));
        } else {
          is_done = take(p.committed_offset, at_least);
        }
        if (is_done)
          done();
        else
          all_.later(200, [this, stable, at_least, done] {
            look(stable, at_least, done);
          });
      });
  });
}

bool transactor_offsets::take(int64_t found, std::optional<size_t> at_least) {
  if (auto wrong = book_.check_offset(id_, found); !wrong.empty()) {
    all_.history.fail(std::move(wrong));
    return true;
  }
  if (!at_least || book_.is_at_least(found, *at_least))
    return true;
  forget_coordinator("node " + std::to_string(coordinator_ + 1)
                     + " has the offset of transaction " + std::to_string(found)
                     + ", not yet that of " + std::to_string(*at_least));
  return false;
}

} // namespace millrace
