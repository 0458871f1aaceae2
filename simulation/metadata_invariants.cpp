#include "simulation/metadata_invariants.hpp"

#include "actors/broker.hpp"
#include "actors/consensus.hpp"
#include "actors/controller.hpp"
#include "simulation/actor_state.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// So many images are kept for those who come later.
constexpr size_t images_max = 512;

uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

/// But for the members of the group.
bool is_same(const metadata_image& a, const metadata_image& b) {
  const auto same_topic = [](const auto& x, const auto& y) {
    return x.second == y.second || *x.second == *y.second;
  };
  return a.brokers() == b.brokers()
         && std::equal(a.topics().begin(), a.topics().end(), b.topics().begin(),
           b.topics().end(), same_topic)
         && a.all_configs() == b.all_configs() && a.features() == b.features()
         && a.next_producer_id() == b.next_producer_id()
         && a.next_broker_epoch() == b.next_broker_epoch();
}

} // namespace

void metadata_invariants::fail(int32_t node, const std::string& what) {
  if (violation_.empty())
    violation_ = what + " (node " + std::to_string(node + 1) + ", "
                 + std::to_string(cluster_.world().now() / sim_ms) + " ms)";
}

void metadata_invariants::forget(int32_t node) {
  leads_since_.erase(node);
  seen_.erase(node);
}

void metadata_invariants::check(int32_t node, caf::actor_id actor) {
  if (!cluster_.node(node).running())
    return;
  const auto& core = cluster_.node(node).core();
  if (core.consensus != nullptr && core.consensus->id() == actor) {
    check_consensus(node);
  } else if (core.controller->id() == actor) {
    if (const auto* s = state_of<controller_actor_state>(core.controller))
      check_image(node, s->image, seen_[node].applied, true);
  } else if (core.broker->id() == actor) {
    if (const auto* s = state_of<broker_state>(core.broker))
      check_image(node, s->image, seen_[node].broker_applied, false);
  }
}

void metadata_invariants::check_consensus(int32_t node) {
  const auto* s
    = state_of<consensus_state>(cluster_.node(node).core().consensus);
  if (s == nullptr || s->core == nullptr)
    return;
  const auto& core = *s->core;
  const auto& log = core.log();
  durable_[core.self()]
    = {log.durable(), log.term_at(log.durable()).value_or(0)};
  check_leader(node, core);
  check_commit(node, core);
}

/// Election safety: at most one leader in a term (§5.2). Leader completeness:
/// it has everything that was committed before (§5.4).
void metadata_invariants::check_leader(int32_t node, const raft_core& core) {
  if (core.role() != raft_role::leader)
    return;
  const auto [at, is_new] = leaders_.try_emplace(core.term(), core.self());
  if (at->second != core.self())
    fail(node,
      "a term of the metadata has one leader: " + std::to_string(core.term()));
  if (!is_new)
    return;
  auto last = committed_.size();
  // What was committed later may be unknown to it.
  while (last > 0 && committed_[last - 1].term >= core.term())
    --last;
  const auto& log = core.log();
  if (last > 0 && last >= log.start().index
      && log.term_at(last) != committed_[last - 1].term)
    fail(node,
      "a leader of the metadata has all that is committed: it lacks entry "
        + std::to_string(last));
}

/// Nothing committed is ever lost or replaced; committed is what is on a
/// majority's disks, of each half if the configuration is joint.
void metadata_invariants::check_commit(int32_t node, const raft_core& core) {
  auto& seen = seen_[node].committed;
  const auto& log = core.log();
  if (log.committed() < seen)
    fail(node, "a commit index never falls: from " + std::to_string(seen)
                 + " to " + std::to_string(log.committed()));
  // Figure 8: a leader counts copies of entries of its own term only.
  if (core.role() == raft_role::leader && log.committed() > seen
      && leads_since_[node] == core.term()
      && log.term_at(log.committed()) != core.term())
    fail(node, "a leader commits by an entry of its own term: "
                 + std::to_string(log.committed()));
  leads_since_[node] = core.role() == raft_role::leader ? core.term() : 0;
  for (auto i = std::max(seen + 1, log.first_index()); i <= log.committed();
    ++i) {
    const auto term = log.term_at(i).value_or(0);
    if (committed_.size() < i)
      committed_.resize(i);
    auto& known = committed_[i - 1];
    if (known.term == 0) {
      known.term = term;
      if (!is_durable(core.configuration(), {term, i})
          && !is_durable(core.configuration_at(i - 1), {term, i}))
        fail(node, "what is committed is on the disks of a majority: entry "
                     + std::to_string(i));
    } else if (known.term != term) {
      fail(node, "entry " + std::to_string(i)
                   + " of the metadata is one and the same: terms "
                   + std::to_string(known.term) + " and "
                   + std::to_string(term));
    }
    if (i < log.memory_first())
      continue;
    for (const auto& e : log.read(i, i, 1)) {
      const auto hash = hash_of(e.payload.text());
      if (known.payload.value_or(hash) != hash)
        fail(node, "entry " + std::to_string(i)
                     + " of the metadata has the same bytes everywhere");
      known.payload = hash;
    }
  }
  seen = std::max(seen, log.committed());
}

bool metadata_invariants::is_durable(
  const raft_configuration& members, raft_position p) {
  const auto is_held = [&](const std::vector<raft_member>& voters) {
    const auto count
      = std::count_if(voters.begin(), voters.end(), [&](const auto& voter) {
          const auto at = durable_.find(voter);
          return at != durable_.end() && at->second.index >= p.index
                 && at->second.term >= p.term;
        });
    return static_cast<size_t>(count) * 2 > voters.size();
  };
  return is_held(members.voters)
         && (!members.is_joint() || is_held(members.outgoing));
}

void metadata_invariants::check_image(int32_t node, const metadata_image& image,
  int64_t& seen, bool follows_members) {
  const auto index = image.applied_index();
  if (index < seen)
    fail(node, "an image never goes back: from entry " + std::to_string(seen)
                 + " to " + std::to_string(index));
  if (index <= seen)
    return;
  seen = index;
  if (!follows_members && !images_.contains(index))
    return;
  const auto [at, is_new] = images_.try_emplace(index, image);
  if (is_new) {
    check_epochs(image);
    while (images_.size() > images_max)
      images_.erase(images_.begin());
    return;
  }
  ++images_compared_;
  if (follows_members ? at->second != image : !is_same(at->second, image))
    fail(node, "images are prefixes of one log: that of entry "
                 + std::to_string(index) + " differs");
}

/// Epochs never fall; one leader in each; a leader is in sync.
void metadata_invariants::check_epochs(const metadata_image& image) {
  for (const auto& [name, topic] : image.topics())
    for (const auto& p : topic->partitions) {
      auto& known = epochs_[{topic->id, p.index}];
      const auto text = name + "-" + std::to_string(p.index) + " in entry "
                        + std::to_string(image.applied_index());
      // An older image, of a node that comes later, tells nothing new.
      if (p.partition_epoch < known.partition_epoch
          || p.epoch.value < known.leader_epoch) {
        if (images_.rbegin()->first == image.applied_index())
          fail(-1, "epochs never fall: " + text);
        continue;
      }
      if (p.epoch.value == known.leader_epoch && p.leader != no_node
          && known.leader != no_node && p.leader != known.leader)
        fail(-1, "an epoch has one leader: " + text);
      if (p.leader != no_node
          && std::find(p.isr.begin(), p.isr.end(), p.leader) == p.isr.end())
        fail(-1, "a leader is in sync: " + text);
      for (const auto& member : p.isr)
        if (std::find(p.replicas.begin(), p.replicas.end(), member)
            == p.replicas.end())
          fail(-1, "who is in sync is a replica: " + text);
      known = {p.epoch.value, p.partition_epoch, p.leader};
    }
}

} // namespace millrace
