#include "simulation/ledger_reader.hpp"

#include "schema/kafka_error.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_reader.hpp"

#include <algorithm>
#include <set>

namespace millrace {

namespace {

constexpr int8_t read_committed = 1;
/// So many fetches at a follower, and it asks the leader again.
constexpr uint64_t lease = 20;
/// So many fetches, and it begins anew.
constexpr uint64_t restart_every = 40;

kafka::fetch_request fetch_from_offset(
  const std::string& name, int32_t partition, int64_t from, int32_t epoch) {
  kafka::fetch_request request;
  request.max_wait_ms = 200;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  request.isolation_level = read_committed;
  auto& topic = request.topics.emplace_back();
  topic.topic = name;
  auto& p = topic.partitions.emplace_back();
  p.partition = partition;
  p.current_leader_epoch = epoch;
  p.fetch_offset = from;
  p.partition_max_bytes = 1 << 14;
  return request;
}

/// Whose batches are to be passed over, as a fetch goes on.
class aborted_producers {
public:
  explicit aborted_producers(const kafka::fetch_response::partition_data& p) {
    if (p.aborted_transactions)
      to_come_ = *p.aborted_transactions;
    std::sort(
      to_come_.begin(), to_come_.end(), [](const auto& a, const auto& b) {
        return a.first_offset < b.first_offset;
      });
  }

  bool passes_over(const batch_view& batch) {
    for (; next_ < to_come_.size()
           && to_come_[next_].first_offset <= batch.last_offset().value;
      ++next_)
      now_.insert(to_come_[next_].producer_id);
    if (batch.is_control()) {
      if (const auto marker = marker_in(batch); marker && !marker->commit)
        now_.erase(batch.producer().value);
      return true;
    }
    return batch.is_transactional() && now_.contains(batch.producer().value);
  }

private:
  std::vector<kafka::fetch_response::aborted_transaction> to_come_;
  size_t next_ = 0;
  std::set<int64_t> now_;
};

} // namespace

result<void> take_committed(
  const kafka::fetch_response::partition_data& answer, committed_view& view) {
  aborted_producers aborted{answer};
  auto next = for_each_batch(answer.records.bytes.span(), offset{view.end},
    [&](const batch_view& batch) -> result<void> {
      if (batch.last_offset().value < view.end)
        return {};
      if (batch.base_offset().value > view.end)
        return error{errc::corrupt,
          "after offset " + std::to_string(view.end - 1) + " came "
            + std::to_string(batch.base_offset().value)};
      const bool passes = aborted.passes_over(batch);
      if (!passes)
        MILLRACE_TRY(read_records(batch, [&](const record_view& record) {
          if (record.at.value >= view.end)
            view.values.emplace(
              record.at.value, std::string{record.value.value_or("")});
        }));
      view.end = batch.last_offset().value + 1;
      return {};
    });
  if (!next)
    return next.error();
  return {};
}

ledger_reader::ledger_reader(
  cluster_clients& all, std::string topic, int32_t partition, std::string rack)
    : all_(all), client_(all, topic), topic_(std::move(topic)),
      rack_(std::move(rack)), view_{.partition = partition} {}

committed_view ledger_reader::restart() {
  return std::exchange(view_, committed_view{.partition = view_.partition});
}

void ledger_reader::fetch(std::function<void(bool)> done) {
  client_.with_leader(view_.partition,
    [this, done = std::move(done)](cluster_client::lead leader) {
      if (leader.node < 0) {
        last_answer_ = "no leader is known";
        done(false);
        return;
      }
      fetch_from(leader, done);
    });
}

void ledger_reader::fetch_from(
  cluster_client::lead leader, std::function<void(bool)> done) {
  if (follower_ >= 0 && all_.world.random(lease) == 0)
    follower_ = -1;
  auto request
    = fetch_from_offset(topic_, view_.partition, view_.end, leader.epoch);
  request.rack_id = rack_;
  client_.request<kafka::fetch_response>(
    follower_ >= 0 ? follower_ : leader.node, kafka::api_key::fetch, 12,
    request,
    [this, done = std::move(done)](const kafka::fetch_response* response) {
      const bool good = take(response);
      if (!good) {
        client_.forget(view_.partition);
        follower_ = -1;
      }
      done(good);
    });
}

bool ledger_reader::take(const kafka::fetch_response* response) {
  at_end_ = false;
  if (response == nullptr) {
    last_answer_ = "no answer";
    return false;
  }
  if (response->error_code != 0 || response->responses.empty()) {
    last_answer_ = to_string(static_cast<kafka_error>(response->error_code));
    return false;
  }
  const auto& p = response->responses.front().partitions.front();
  const auto code = static_cast<kafka_error>(p.error_code);
  last_answer_ = std::string{to_string(code)} + ", last stable offset "
                 + std::to_string(p.last_stable_offset) + ", high watermark "
                 + std::to_string(p.high_watermark);
  if (code != kafka_error::none)
    return false;
  if (p.preferred_read_replica >= 0) {
    follower_ = p.preferred_read_replica - 1;
    return true;
  }
  if (auto taken = take_committed(p, view_); !taken)
    all_.history.fail("what a node sends of transactions can be read: "
                      + to_string(taken.error()));
  if (!p.records.bytes.empty() && view_.end > p.last_stable_offset)
    all_.history.fail(
      "nothing is sent from the last stable offset on: " + last_answer_
      + ", came to " + std::to_string(view_.end));
  at_end_
    = p.last_stable_offset == p.high_watermark && view_.end == p.high_watermark;
  return true;
}

ledger_consumer::ledger_consumer(cluster_clients& all, const std::string& topic,
  int32_t partition, const std::string& rack)
    : all_(all), reader_(all, topic, partition, rack) {}

void ledger_consumer::start() {
  if (all_.stopping)
    return;
  reader_.fetch([this](bool good) {
    if (all_.world.random(restart_every) == 0)
      earlier_.push_back(reader_.restart());
    all_.later(good ? 300 : 600, [this] {
      start();
    });
  });
}

std::vector<committed_view> ledger_consumer::views() const {
  auto all = earlier_;
  all.push_back(reader_.view());
  return all;
}

ledger_final_read::ledger_final_read(cluster_clients& all,
  const transaction_book& book, std::string topic, int32_t partitions)
    : all_(all), book_(book), topic_(std::move(topic)),
      partitions_(partitions) {}

void ledger_final_read::start() {
  next_partition();
}

void ledger_final_read::next_partition() {
  if (static_cast<int32_t>(views_.size()) == partitions_) {
    done_ = true;
    return;
  }
  reader_ = std::make_unique<ledger_reader>(
    all_, topic_, static_cast<int32_t>(views_.size()));
  at_end_ = 0;
  read_on();
}

/// A new leader may have yet to learn what is committed, and a coordinator to
/// write its markers: twice the end after the last acknowledged value is it.
void ledger_final_read::read_on() {
  reader_->fetch([this](bool good) {
    at_end_ = reader_->at_end() ? at_end_ + 1 : 0;
    const auto& view = reader_->view();
    if (at_end_ >= 2 && view.end >= book_.acknowledged_end(view.partition)) {
      views_.push_back(view);
      // Not from inside of the reader that is replaced.
      all_.later(1, [this] {
        next_partition();
      });
      return;
    }
    all_.later(good ? 20 : 200, [this] {
      read_on();
    });
  });
}

std::string ledger_final_read::waits_for() const {
  if (reader_ == nullptr)
    return "nobody";
  const auto& view = reader_->view();
  return "partition " + std::to_string(view.partition) + " of " + topic_
         + " from offset " + std::to_string(view.end) + " (acknowledged up to "
         + std::to_string(book_.acknowledged_end(view.partition))
         + "): " + reader_->last_answer();
}

} // namespace millrace
