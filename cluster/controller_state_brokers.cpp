// Brokers that come, live, are shut out and end.

#include "cluster/controller_state.hpp"
#include "cluster/refusal.hpp"

#include <algorithm>
#include <map>

namespace millrace {

namespace {

using commands = std::vector<metadata_command>;

void append(commands& to, commands more) {
  for (auto& command : more)
    to.push_back(std::move(command));
}

bool same_directories(const std::vector<uuid>& a, const std::vector<uuid>& b) {
  return a == b
         || std::find_first_of(a.begin(), a.end(), b.begin(), b.end())
              != a.end();
}

/// The same directory, but as it was before the start that is registered:
/// it lacks what was acknowledged since, and does not know that it does.
bool is_older_copy(
  const register_broker& request, const broker_registration& known) {
  const auto& starts = request.known_starts;
  return !starts.empty()
         && same_directories(known.directories, request.directories)
         && std::find(starts.begin(), starts.end(), known.incarnation)
              == starts.end();
}

/// Why it cannot be let in at all. INVALID_REGISTRATION is for a directory
/// that must not be used again: the broker marks it.
refusal why_not_registered(
  const register_broker& request, const metadata_image& image) {
  if (request.id.value < 0)
    return {kafka_error::invalid_request, "a broker's number is not negative"};
  if (!request.cluster_id.empty() && !image.cluster_id().empty()
      && request.cluster_id != image.cluster_id())
    return {kafka_error::inconsistent_cluster_id,
      "The broker's directory belongs to cluster " + request.cluster_id
        + ", and this is cluster " + image.cluster_id() + "."};
  const auto* known = image.find_broker(request.id);
  // R25: the same directory under a new incarnation has been restarted, and
  // its old self is fenced at once. Another directory is another broker.
  if (known != nullptr && !known->fenced
      && !same_directories(known->directories, request.directories))
    return {kafka_error::duplicate_broker_registration,
      "Another broker with another directory is registered as "
        + std::to_string(request.id.value) + " and has not been fenced."};
  if (known != nullptr && is_older_copy(request, *known))
    return {kafka_error::invalid_registration,
      "The data directory of node " + std::to_string(request.id.value)
        + " is an older copy of itself: there was a later start of the node, "
          "of which it does not know. Empty it, and the node fetches "
          "everything from the others."};
  return {};
}

/// What the broker says of itself about one replica.
class losses {
public:
  explicit losses(const register_broker& request) : request_(request) {
    for (const auto& range : request.lost)
      lost_.insert({range.topic, range.partition});
    for (const auto& cut : request.cut_short)
      cut_.insert_or_assign(std::pair{cut.topic, cut.partition}, &cut);
  }

  /// `p` without what is lost of it, and with what may be.
  partition_registration without(const uuid& topic, partition_registration p,
    const replication_rules& rules) const {
    // Where there is one replica only, nobody else has more.
    if (p.replicas.size() > 1 && lost_.contains({topic, p.index}))
      lose_replica(p, request_.id, true);
    else if (!has_its_directory(p, request_.id, request_.directories))
      lose_replica(p, request_.id, false);
    // What was in memory only may be gone, and is told by nothing (KIP-966).
    // The last one in the ISR is as good as any.
    else if (request_.unclean && !rules.survives_power_loss)
      lose_replica(p, request_.id, false);
    else
      note_cut(topic, p);
    return p;
  }

private:
  void note_cut(const uuid& topic, partition_registration& p) const {
    const auto at = cut_.find({topic, p.index});
    if (p.replicas.size() < 2 || at == cut_.end())
      return;
    std::erase(p.eligible, request_.id);
    if (!has_node(p.isr, request_.id))
      return;
    forget_cut(p, request_.id);
    p.cut_short.push_back(
      {request_.id, at->second->last_epoch, at->second->end});
  }

  const register_broker& request_;
  std::set<std::pair<uuid, int32_t>> lost_;
  std::map<std::pair<uuid, int32_t>, const replica_cut*> cut_;
};

} // namespace

commands controller_state::restart(const register_broker& request) const {
  commands all;
  const losses lost{request};
  auto brokers = standings();
  if (node_.is_clustered()) {
    brokers.gone.insert(request.id);
  } else { // alone, it leads at once, what it led before in a new epoch (R7)
    brokers.back = request.id;
    brokers.back_directories = request.directories;
  }
  const replication_rules_finder finder{image_, node_};
  for (const auto& [name, topic] : image_.topics()) {
    for (const auto& p : topic->partitions) {
      if (!has_node(p.replicas, request.id))
        continue;
      const auto rules = finder.of(topic->configs);
      auto next = lost.without(topic->id, p, rules);
      if (auto moved = settled(next, brokers, rules))
        next = std::move(*moved);
      if (next == p)
        continue;
      next.partition_epoch = p.partition_epoch + 1;
      all.push_back(partition_changed{topic->id, std::move(next)});
    }
  }
  return all;
}

metadata_decision<register_broker_reply> controller_state::decide(
  const register_broker& request) const {
  const auto* known = image_.find_broker(request.id);
  if (known != nullptr && known->incarnation == request.incarnation)
    return {{kafka_error::none, {}, known->broker_epoch}, {}};
  if (auto why = why_not_registered(request, image_))
    return {{why.error, std::move(why.message), -1}, {}};
  metadata_decision<register_broker_reply> decided;
  auto& epoch = decided.reply.broker_epoch;
  epoch = image_.next_broker_epoch();
  // It keeps its places in ISRs that it has not lost anything of (R1), and
  // leads again when it has applied this (R25).
  decided.records = restart(request);
  decided.records.push_back(
    broker_registered{request.id, request.incarnation, request.directories,
      request.endpoints, request.rack, epoch, node_.is_clustered()});
  return decided;
}

metadata_decision<broker_heartbeat_reply> controller_state::decide(
  const broker_heartbeat& request) const {
  const auto* broker = image_.find_broker(request.id);
  if (broker == nullptr)
    return {{kafka_error::broker_id_not_registered}, {}};
  if (broker->broker_epoch != request.broker_epoch)
    return {{kafka_error::stale_broker_epoch}, {}};
  if (request.want_shutdown)
    return decide_shutdown(*broker);
  metadata_decision<broker_heartbeat_reply> decided;
  auto& reply = decided.reply;
  // R25: it must know at least that it was registered, or fenced, and why.
  reply.caught_up = request.applied_index >= broker->standing_since;
  reply.fenced = broker->fenced && !reply.caught_up;
  if (!broker->fenced || reply.fenced)
    return decided;
  decided.records.push_back(
    broker_fenced{broker->id, broker->broker_epoch, false});
  auto brokers = standings();
  brokers.back = broker->id;
  brokers.back_directories = broker->directories;
  append(decided.records, settle(brokers, [&](const auto& p) {
    return p.leader == no_node && has_node(p.replicas, broker->id);
  }));
  return decided;
}

metadata_decision<broker_heartbeat_reply> controller_state::decide_shutdown(
  const broker_registration& broker) const {
  metadata_decision<broker_heartbeat_reply> decided;
  decided.reply.fenced = broker.fenced;
  decided.reply.caught_up = true;
  auto brokers = standings();
  brokers.gone.insert(broker.id);
  decided.records = settle(
    brokers,
    [&](const auto& p) {
      return p.leader == broker.id || has_node(p.isr, broker.id);
    },
    false);
  if (!broker.fenced && (!broker.shutting_down || !decided.records.empty())) {
    // Once more when the others have had time to hear of it.
    if (!broker.shutting_down)
      decided.records.push_back(
        broker_fenced{broker.id, broker.broker_epoch, false, true});
    return decided;
  }
  // It leads nothing; whoever still asks it for something asks another.
  decided.reply.should_shutdown = true;
  decided.reply.fenced = true;
  if (!broker.fenced)
    append(decided.records, decide_fence(broker.id));
  return decided;
}

commands controller_state::decide_fence(const std::set<node_id>& ids) const {
  commands all;
  auto brokers = standings();
  for (const auto id : ids)
    if (image_.is_alive(id)) {
      brokers.gone.insert(id);
      all.push_back(
        broker_fenced{id, image_.find_broker(id)->broker_epoch, true});
    }
  if (brokers.gone.empty())
    return all;
  append(all, settle(brokers, [&](const auto& p) {
    return brokers.gone.contains(p.leader)
           || std::any_of(p.isr.begin(), p.isr.end(), [&](node_id id) {
                return brokers.gone.contains(id);
              });
  }));
  return all;
}

commands controller_state::decide_fence(node_id id) const {
  return decide_fence(std::set<node_id>{id});
}

} // namespace millrace
