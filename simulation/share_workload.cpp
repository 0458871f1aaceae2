#include "simulation/share_workload.hpp"

namespace millrace {

namespace {

constexpr int64_t lock_ms = 4'000;
constexpr int16_t delivery_count_max = 5;
constexpr size_t member_count = 4;

} // namespace

std::map<std::string, std::string> share_workload::settings(int32_t replicas) {
  return {{"share.coordinator.state.topic.num.partitions", "2"},
    {"share.coordinator.state.topic.replication.factor",
      std::to_string(replicas)},
    {"share.coordinator.state.topic.min.isr", replicas >= 2 ? "2" : "1"},
    {"share.coordinator.snapshot.update.records.per.snapshot", "20"},
    {"group.share.record.lock.duration.ms", std::to_string(lock_ms)},
    {"group.share.delivery.count.limit", std::to_string(delivery_count_max)},
    {"group.share.partition.max.record.locks", "300"},
    {"group.share.heartbeat.interval.ms", "1000"},
    {"group.share.session.timeout.ms", "8000"}};
}

share_workload::share_workload(cluster_clients& all, share_invariants& inside)
    : group_{.all = all,
        // No clock gains more than a hundredth.
        .book = share_book{{.delivery_count_max = delivery_count_max,
          .lock = lock_ms * sim_ms * 97 / 100}}},
      admin_(group_) {
  inside.on_exhausted
    = [this](const share_partition_key& key, int64_t first, int64_t last) {
        if (key.group_id == group_.name && key.topic == group_.topic)
          group_.book.exhausted({key.partition, first, last});
      };
}

void share_workload::start() {
  admin_.configure([this] {
    for (size_t i = 0; i < member_count; ++i) {
      members_.push_back(std::make_unique<share_member>(group_));
      members_.back()->start();
    }
  });
}

void share_workload::finish() {
  admin_.await_end([this] {
    for (const auto& member : members_)
      member->stop();
    done_ = true;
  });
}

std::string share_workload::last_answer() const {
  auto text = admin_.last_answer();
  for (const auto& member : members_)
    if (!member->last_answer().empty())
      text += "; " + member->last_answer();
  return text;
}

} // namespace millrace
