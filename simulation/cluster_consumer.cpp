#include "simulation/cluster_consumer.hpp"

#include "schema/kafka_error.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

/// So many fetches at a follower, and it asks the leader again.
constexpr uint64_t lease = 20;

kafka::fetch_request fetch_from(
  const std::string& name, int32_t partition, int64_t from, int32_t epoch) {
  kafka::fetch_request request;
  request.max_wait_ms = 200;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = name;
  auto& p = topic.partitions.emplace_back();
  p.partition = partition;
  p.current_leader_epoch = epoch;
  p.fetch_offset = from;
  p.partition_max_bytes = 1 << 16;
  return request;
}

} // namespace

partition_reader::partition_reader(
  cluster_clients& all, int32_t partition, int64_t from, std::string rack)
    : all_(all), client_(all), partition_(partition), rack_(std::move(rack)),
      next_(from), run_(all.history.begin_run()) {}

void partition_reader::seek(int64_t from) {
  next_ = from;
  run_ = all_.history.begin_run();
}

void partition_reader::fetch(std::function<void(bool)> done) {
  client_.with_leader(
    partition_, [this, done = std::move(done)](cluster_client::lead leader) {
      if (leader.node < 0) {
        last_answer_ = "no leader is known";
        done(false);
        return;
      }
      if (follower_ >= 0 && all_.world.random(lease) == 0)
        follower_ = -1;
      auto request = fetch_from(all_.topic, partition_, next_, leader.epoch);
      request.rack_id = rack_;
      client_.request<kafka::fetch_response>(
        follower_ >= 0 ? follower_ : leader.node, kafka::api_key::fetch, 12,
        request, [this, done, leader](const kafka::fetch_response* response) {
          const auto before = next_;
          const bool good = take(response, leader.epoch);
          if (follower_ >= 0 && next_ > before)
            ++all_.follower_reads;
          if (!good) {
            client_.forget(partition_);
            follower_ = -1;
          }
          done(good);
        });
    });
}

bool partition_reader::take(
  const kafka::fetch_response* response, int32_t epoch) {
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
  last_answer_ = to_string(code);
  if (code == kafka_error::offset_out_of_range)
    // Nothing is ever deleted here, and what it has read was committed.
    all_.history.fail("what was read stays: offset " + std::to_string(next_)
                      + " of partition " + std::to_string(partition_)
                      + " is out of range under epoch "
                      + std::to_string(epoch));
  if (code != kafka_error::none)
    return false;
  if (p.preferred_read_replica >= 0)
    return follow_hint(p.preferred_read_replica - 1, !p.records.bytes.empty());
  auto next = for_each_record(
    p.records.bytes.span(), offset{next_}, [&](const record_view& record) {
      if (record.at.value < next_)
        return;
      if (record.at.value != next_)
        all_.history.fail("offsets are dense: after "
                          + std::to_string(next_ - 1) + " of partition "
                          + std::to_string(partition_) + " came "
                          + std::to_string(record.at.value));
      next_ = record.at.value + 1;
      all_.history.read(
        run_, partition_, record.at.value, record.value.value_or(""));
    });
  MILLRACE_ASSERT(next.ok(), "what a node sends can be read");
  return true;
}

/// The leader names a replica that is to be read from (KIP-392).
bool partition_reader::follow_hint(int32_t node, bool has_records) {
  if (rack_.empty() || follower_ >= 0 || has_records || node < 0
      || node >= all_.cluster.size() || all_.cluster.rack_of(node) != rack_)
    all_.history.fail("only a leader sends a consumer, without records, to a "
                      "node of its rack: node "
                      + std::to_string(node + 1));
  follower_ = node;
  return true;
}

cluster_consumer::cluster_consumer(
  cluster_clients& all, int32_t partition, const std::string& rack)
    : all_(all), reader_(all, partition, 0, rack) {}

void cluster_consumer::start() {
  if (all_.stopping)
    return;
  const auto before = reader_.next();
  reader_.fetch([this, before](bool good) {
    if (reader_.next() > before)
      ++all_.acknowledged;
    if (all_.world.random(50) == 0)
      reader_.seek(static_cast<int64_t>(
        all_.world.random(static_cast<uint64_t>(reader_.next()) + 1)));
    all_.later(good ? 100 : 300, [this] {
      start();
    });
  });
}

cluster_final_read::cluster_final_read(cluster_clients& all)
    : all_(all), run_(all.history.begin_run()) {}

void cluster_final_read::start() {
  next_partition();
}

void cluster_final_read::next_partition() {
  if (++partition_ == all_.partitions) {
    all_.history.finish(run_);
    done_ = true;
    return;
  }
  reader_.emplace(all_, partition_, 0);
  reader_->join(run_);
  empty_ = 0;
  read_on();
}

/// Nobody writes any more, but a new leader may have yet to learn what is
/// committed: twice nothing after the last acknowledged record is the end.
void cluster_final_read::read_on() {
  const auto before = reader_->next();
  reader_->fetch([this, before](bool good) {
    const bool more = reader_->next() > before;
    empty_ = !good || more ? 0 : empty_ + 1;
    if (empty_ >= 2
        && reader_->next() >= all_.history.acknowledged_end(partition_)) {
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

std::string cluster_final_read::waits_for() const {
  return "partition " + std::to_string(partition_) + " from offset "
         + std::to_string(reader_->next()) + " (acknowledged up to "
         + std::to_string(all_.history.acknowledged_end(partition_))
         + "): " + reader_->last_answer();
}

} // namespace millrace
