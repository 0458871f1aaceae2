#include "simulation/cluster_committer.hpp"

#include "schema/kafka/offset_commit.hpp"
#include "schema/kafka/offset_fetch.hpp"
#include "schema/kafka_error.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;
constexpr const char* group = "watchers";

std::string text_of(int16_t code) {
  return to_string(static_cast<kafka_error>(code));
}

} // namespace

cluster_committer::cluster_committer(cluster_clients& all)
    : all_(all), client_(all) {}

void cluster_committer::start() {
  next();
}

void cluster_committer::next() {
  // Ends only after it has looked at what it committed last.
  if (all_.stopping && commits_next_) {
    idle_ = true;
    return;
  }
  idle_ = false;
  if (coordinator_ < 0)
    find_coordinator();
  else if (commits_next_)
    commit();
  else
    fetch();
}

/// Asking for it makes __consumer_offsets.
void cluster_committer::find_coordinator() {
  client_.find_coordinator(
    group_key, group, [this](int32_t node, const std::string& why) {
      coordinator_ = node;
      if (!why.empty())
        last_answer_ = why;
      all_.later(coordinator_ < 0 ? 300 : 10, [this] {
        next();
      });
    });
}

void cluster_committer::lose_coordinator(const std::string& why) {
  last_answer_ = why;
  coordinator_ = -1;
}

void cluster_committer::commit() {
  kafka::offset_commit_request request;
  request.group_id = group;
  auto& topic = request.topics.emplace_back();
  topic.name = all_.topic;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = 0;
  p.committed_offset = ++last_sent_;
  client_.request<kafka::offset_commit_response>(coordinator_,
    api_key::offset_commit, 8, request,
    [this](const kafka::offset_commit_response* response) {
      if (response == nullptr || response->topics.empty()) {
        lose_coordinator("no answer to a commit");
      } else if (const auto code
                 = response->topics.front().partitions.front().error_code;
        code != 0) {
        lose_coordinator("OffsetCommit: " + text_of(code));
      } else {
        all_.history.committed(last_sent_);
        ++all_.acknowledged;
      }
      commits_next_ = false;
      all_.later(200, [this] {
        next();
      });
    });
}

/// A coordinator that has been deposed without knowing it may answer what was
/// so before: as in Kafka, whose readers are not fenced. So it asks again, and
/// commits nothing more until what it committed is there.
void cluster_committer::take(int64_t found) {
  if (found < all_.history.committed_offset()) {
    lose_coordinator("node " + std::to_string(coordinator_ + 1) + " has offset "
                     + std::to_string(found) + " of "
                     + std::to_string(all_.history.committed_offset()));
    return;
  }
  all_.history.check_committed(found, last_sent_);
  commits_next_ = true;
}

void cluster_committer::fetch() {
  kafka::offset_fetch_request request;
  auto& g = request.groups.emplace_back();
  g.group_id = group;
  auto& topic = g.topics->emplace_back();
  topic.name = all_.topic;
  topic.partition_indexes.push_back(0);
  client_.request<kafka::offset_fetch_response>(coordinator_,
    api_key::offset_fetch, 8, request,
    [this](const kafka::offset_fetch_response* response) {
      if (response == nullptr || response->groups.empty()) {
        lose_coordinator("no answer to an OffsetFetch");
      } else if (const auto& answered = response->groups.front();
        answered.error_code != 0) {
        lose_coordinator("OffsetFetch: " + text_of(answered.error_code));
      } else {
        const auto& topics = answered.topics;
        take(topics.empty()
               ? -1
               : topics.front().partitions.front().committed_offset);
      }
      all_.later(200, [this] {
        next();
      });
    });
}

} // namespace millrace
