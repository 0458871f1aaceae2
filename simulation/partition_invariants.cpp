#include "simulation/partition_invariants.hpp"

#include "actors/broker.hpp"
#include "cluster/partition_settling.hpp"
#include "simulation/actor_state.hpp"
#include "storage/record_batch.hpp"

namespace millrace {

namespace {

uint64_t hash_of(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

/// A leader may have more than it has told.
int64_t high_watermark_of(const partition_state& state) {
  auto high = state.high_watermark;
  if (state.leads())
    high = std::max(high, state.replicas->high_watermark());
  return high.value;
}

/// A replica that has a place in its partition, after it has registered.
bool has_role(const partition_state& state) {
  return state.leads() || (state.follow && state.follow->matches);
}

/// As far as the node knows.
bool is_counted_on(const partition_state& state) {
  const auto& p = state.options.registration;
  const auto self = state.options.node;
  return has_node(p.isr, self) || has_node(p.eligible, self);
}

} // namespace

void partition_invariants::fail(
  int32_t node, const partition_view& p, const std::string& what) {
  if (violation_.empty())
    violation_ = what + " (" + p.name + ", node " + std::to_string(node + 1)
                 + ", " + std::to_string(cluster_.world().now() / sim_ms)
                 + " ms)";
}

void partition_invariants::forget(int32_t node) {
  for (auto& [k, p] : partitions_)
    p.replicas.erase(node);
  names_.erase(node);
}

void partition_invariants::check(int32_t node, caf::actor_id actor) {
  if (!cluster_.node(node).running())
    return;
  const auto* broker
    = state_of<broker_state>(cluster_.node(node).core().broker);
  if (broker == nullptr)
    return;
  auto& names = names_[node];
  if (cluster_.node(node).core().broker->id() == actor) {
    learn(node, *broker);
    return;
  }
  const auto known = names.find(actor);
  if (known == names.end())
    return;
  const auto& name = known->second;
  const auto at = broker->replicas.find(name);
  if (at == broker->replicas.end() || at->second.actor == nullptr
      || at->second.actor->id() != actor)
    return; // it ends
  const auto* state = state_of<partition_state>(at->second.actor);
  if (state == nullptr || state->log == nullptr)
    return;
  auto& p = partitions_[{at->second.topic_id, name.partition}];
  if (p.name.empty())
    p.name = to_string(name);
  check_replica(node, p, *state);
}

void partition_invariants::learn(int32_t node, const broker_state& broker) {
  auto& names = names_[node];
  for (auto i = names.begin(); i != names.end();) {
    const auto at = broker.replicas.find(i->second);
    const bool is_held = at != broker.replicas.end();
    const bool is_there = is_held && at->second.actor != nullptr
                          && at->second.actor->id() == i->first;
    if (is_there) {
      ++i;
      continue;
    }
    // A broker that starts again holds nothing yet, and gives nothing up.
    if (!is_held && broker.registered)
      give_up(node, i->second);
    i = names.erase(i);
  }
  for (const auto& [name, replica] : broker.replicas)
    if (replica.actor != nullptr)
      names.try_emplace(replica.actor->id(), name);
  if (broker.registered)
    forgive(node, broker);
}

/// Damage of a log that has gone counts no more.
void partition_invariants::forgive(int32_t node, const broker_state& broker) {
  const auto has
    = [&](const key& k, const topic_partition& name, const uuid& topic) {
        return topic == k.first && name.partition == k.second;
      };
  for (auto& [k, p] : partitions_) {
    if (!p.damaged.contains(node) || !broker.failed.empty())
      continue;
    bool is_there = false;
    for (const auto& [name, replica] : broker.replicas)
      is_there = is_there || has(k, name, replica.topic_id);
    for (const auto& [name, topic] : broker.closing)
      is_there = is_there || has(k, name, topic);
    if (!is_there)
      p.damaged.erase(node);
  }
}

void partition_invariants::give_up(int32_t node, const topic_partition& name) {
  for (auto& [k, p] : partitions_)
    if (p.name == to_string(name)) {
      p.replicas.erase(node);
      p.promised.erase(node);
      p.gave_up.insert(node);
    }
}

const partition_state* partition_invariants::find(
  int32_t node, const topic_partition& name, const uuid& topic) const {
  if (!cluster_.node(node).running())
    return nullptr;
  const auto* broker
    = state_of<broker_state>(cluster_.node(node).core().broker);
  if (broker == nullptr)
    return nullptr;
  const auto at = broker->replicas.find(name);
  if (at == broker->replicas.end() || at->second.topic_id != topic
      || at->second.actor == nullptr)
    return nullptr;
  const auto* state = state_of<partition_state>(at->second.actor);
  return state == nullptr || state->log == nullptr ? nullptr : state;
}

void partition_invariants::check_replica(
  int32_t node, partition_view& p, const partition_state& state) {
  auto& r = p.replicas[node];
  const auto& log = *state.log;
  p.gave_up.erase(node);
  free_others(p, state.options.registration);
  // What this disk was counted on for stays on it, through every end of the
  // process (R2, R5) and every change of leader (R11).
  if (const auto promised = p.promised.find(node);
    promised != p.promised.end() && !log.offline()
    && log.log_end_offset().value < promised->second)
    fail(node, p,
      "what a disk was counted on for is on it: the log ends at "
        + std::to_string(log.log_end_offset().value) + ", not at "
        + std::to_string(promised->second));
  if (p.damaged.contains(node))
    check_repair(node, p, state);
  if (state.leads())
    check_leadership(node, p, r, state);
  else
    r.led = false;
  const auto high = high_watermark_of(state);
  // What has to be fetched again is not known to be committed any more.
  if (high < r.high_watermark && !p.damaged.contains(node))
    fail(node, p,
      "a high watermark never falls: from " + std::to_string(r.high_watermark)
        + " to " + std::to_string(high));
  // Of a log whose cut has failed nothing is served any more.
  if (high > log.log_end_offset().value && !log.offline())
    fail(node, p,
      "a high watermark lies in the log: " + std::to_string(high) + " of "
        + std::to_string(log.log_end_offset().value));
  if (high == r.high_watermark)
    return;
  const auto before = std::exchange(r.high_watermark, high);
  if (state.leads())
    check_commit(node, p, state, before);
  else if (high > p.committed)
    check_told(node, p, state, high);
  compare(node, p, state, high);
}

/// Nobody counts on nodes any more that are no replicas.
void partition_invariants::free_others(
  partition_view& p, const partition_registration& now) {
  if (now.partition_epoch <= p.newest)
    return;
  p.newest = now.partition_epoch;
  std::erase_if(p.promised, [&](const auto& each) {
    return !has_node(now.replicas, sim_cluster::id_of(each.first));
  });
}

void partition_invariants::damaged(int32_t node, const std::string& log) {
  for (auto& [k, p] : partitions_)
    if (p.name == log) {
      p.damaged.insert(node);
      p.promised.erase(node);
    }
}

void partition_invariants::wiped(int32_t node) {
  for (auto& [k, p] : partitions_)
    if (p.promised.erase(node) > 0)
      p.damaged.insert(node);
}

void partition_invariants::damaged(
  int32_t node, const topic_partition& name, const uuid& topic) {
  auto& p = partitions_[{topic, name.partition}];
  if (p.name.empty())
    p.name = to_string(name);
  p.damaged.insert(node);
  p.promised.erase(node);
}

bool partition_invariants::any_damaged() const {
  return std::any_of(
    partitions_.begin(), partitions_.end(), [](const auto& each) {
      return !each.second.damaged.empty();
    });
}

/// It is whole when the cluster counts on it and it has all that is
/// committed, byte for byte. Until then somebody may yet find out what is bad,
/// and the log is looked at from where it was the last time.
void partition_invariants::check_repair(
  int32_t node, partition_view& p, const partition_state& state) {
  auto& from = p.replicas[node].compared;
  from = std::min(from, state.log->log_end_offset().value);
  if (!has_role(state)
      || !has_node(state.options.registration.isr, state.options.node)
      || state.log->first_lost()
      || state.log->durable_end_offset().value < p.committed
      || !difference(p, *state.log, from, p.committed, false).empty()
      || from < p.committed)
    return;
  p.damaged.erase(node);
}

/// One leader in an epoch, which has everything that was committed.
void partition_invariants::check_leadership(int32_t node, partition_view& p,
  replica_view& r, const partition_state& state) {
  const auto epoch = state.replicas->partition().epoch.value;
  if (r.led && r.epoch == epoch)
    return;
  r.led = true;
  r.epoch = epoch;
  const auto self = sim_cluster::id_of(node);
  const auto [at, is_new] = p.leaders.try_emplace(epoch, self);
  if (at->second != self)
    fail(node, p,
      "an epoch has one leader: " + std::to_string(epoch) + " has node "
        + std::to_string(at->second.value) + " too");
  if (!is_new)
    return;
  ++leaderships_;
  // A deposed one may come to know of its leadership late.
  if (p.leaders.rbegin()->first != epoch)
    return;
  if (state.log->log_end_offset().value < p.committed)
    fail(node, p,
      "a new leader has all that is committed: it ends at "
        + std::to_string(state.log->log_end_offset().value) + ", "
        + std::to_string(p.committed) + " is committed");
  compare(node, p, state, p.committed);
}

/// The leader says that more is committed: enough replicas are in sync (R4),
/// and each of them has it on disk (R2).
void partition_invariants::check_commit(int32_t node, partition_view& p,
  const partition_state& state, int64_t before) {
  const auto high = high_watermark_of(state);
  const auto& isr = state.replicas->isr();
  // A new leader may take up what an earlier one had committed.
  const bool is_news = high > p.committed;
  if (is_news
      && static_cast<int32_t>(isr.size())
           < state.options.settings.min_insync_replicas)
    fail(node, p,
      "nothing is committed with too few in sync: " + std::to_string(before)
        + " to " + std::to_string(high) + " with "
        + std::to_string(isr.size()));
  p.committed = std::max(p.committed, high);
  compare(node, p, state, high);
  if (!is_news)
    return;
  for (const auto& member : isr) {
    const auto index = member.value - 1;
    if (p.damaged.contains(index))
      continue;
    const auto* other = find(index, state.options.name, state.options.topic_id);
    // Who is away is judged when it comes back.
    if (other == nullptr) {
      if (!p.gave_up.contains(index))
        p.promised[index] = std::max(p.promised[index], high);
      continue;
    }
    // A leader may count on one that it has yet to hear the end of.
    if (!is_counted_on(*other)
        && other->options.registration.partition_epoch
             > state.options.registration.partition_epoch)
      continue;
    p.promised[index] = std::max(p.promised[index], high);
    if (other->log->durable_end_offset().value < high)
      fail(node, p,
        "what is committed is on disk wherever it is in sync: node "
          + std::to_string(member.value) + " has "
          + std::to_string(other->log->durable_end_offset().value) + " of "
          + std::to_string(high));
    compare(index, p, *other, high);
  }
}

/// A follower's high watermark is one that a leader had. The leader of its
/// epoch was seen when it moved its own, unless it ended in that message.
void partition_invariants::check_told(
  int32_t node, partition_view& p, const partition_state& state, int64_t high) {
  const auto& registration = state.options.registration;
  const auto* leader = find(
    registration.leader.value - 1, state.options.name, state.options.topic_id);
  if (leader != nullptr && leader->leads()
      && leader->options.registration.epoch == registration.epoch)
    fail(node, p,
      "a follower's high watermark is one that a leader had: "
        + std::to_string(high) + " of " + std::to_string(p.committed));
  p.committed = high;
}

/// Whether this log has the committed batches up to `end`; batches that are
/// new become the committed ones. Of one that a fault has damaged nothing is
/// expected.
void partition_invariants::compare(
  int32_t node, partition_view& p, const partition_state& state, int64_t end) {
  if (p.damaged.contains(node))
    return;
  auto& from = p.replicas[node].compared;
  const auto what = difference(p, *state.log, from, end, true);
  // The machine may have lost its power in the middle of this step.
  if (!what.empty() && !cluster_.node(node).disks().files.stopped()
      && !state.log->offline())
    fail(node, p, what);
}

/// How the batches from `from` on are others than the committed ones; empty if
/// they are not. `from` moves behind those that are the same.
/// @param trusted what nobody has seen yet is what is committed
std::string partition_invariants::difference(partition_view& p,
  const partition_log& log, int64_t& from, int64_t end, bool trusted) {
  const size_t bytes_max = trusted ? 1 << 20 : 1;
  from = std::max(from, log.log_start_offset().value);
  while (from < end) {
    auto bytes = log.read_bytes(offset{from}, offset{end}, bytes_max, true);
    if (!bytes || bytes->empty())
      return "what is committed can be read: offset " + std::to_string(from)
             + (bytes ? "" : ": " + to_string(bytes.error()));
    for (auto rest = bytes->span(); !rest.empty();) {
      const batch_view batch{rest};
      if (batch.size() < static_cast<int64_t>(batch_view::header_size)
          || batch.size() > static_cast<int64_t>(rest.size()))
        return "what is committed is whole: offset " + std::to_string(from);
      const auto size = static_cast<size_t>(batch.size());
      const auto base = batch.base_offset().value;
      const partition_view::batch found{
        batch.last_offset().value + 1, hash_of(rest.first(size))};
      if (!trusted && !p.batches.contains(base))
        return "nobody knows of offset " + std::to_string(base);
      const auto [at, is_new] = p.batches.try_emplace(base, found);
      batches_compared_ += is_new ? 0 : 1;
      if (at->second.hash != found.hash || at->second.end != found.end)
        return "an offset below the high watermark has one value: "
               + std::to_string(base);
      from = found.end;
      rest = rest.subspan(size);
    }
  }
  return {};
}

} // namespace millrace
