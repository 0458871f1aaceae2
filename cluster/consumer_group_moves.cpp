#include "cluster/consumer_group_moves.hpp"

#include <algorithm>

namespace millrace {

consumer_group_moves::consumer_group_moves(
  consumer_group& group, const consumer_group_context& context)
    : group_(group), context_(context),
      change_(group.states.latest(), context.topics, context.config,
        context.wall_ms) {}

group_refusal consumer_group_moves::check_room(const std::string& id) const {
  const auto limit = std::max(context_.config.size_max, 0);
  if (group().members().size() < static_cast<size_t>(limit) || group().find(id))
    return {};
  return {kafka_error::group_max_size_reached,
    "The consumer group has reached its maximum capacity of "
      + std::to_string(context_.config.size_max) + " members."};
}

void consumer_group_moves::replace(
  const std::string& old_id, const std::string& new_id) {
  group_.forget(old_id);
  change_.replace(old_id, new_id);
}

void consumer_group_moves::update(
  const consumer_group_member& member, const owned_claim& owned) {
  const auto* known = group().find(member.id);
  const auto before = known ? *known : consumer_group_member{};
  change_.set_metadata(member);
  update_epoch(before, *group().find(member.id));
  // A member of the classic protocol would come again and again.
  change_.assign(member.classic.has_value());
  change_.reconcile(member.id, owned);
  set_deadlines(before, *group().find(member.id));
  if (group().is_settled())
    group_.rebalances.settled(context_.wall_ms);
}

void consumer_group_moves::update_epoch(
  const consumer_group_member& before, const consumer_group_member& now) {
  // Who comes and subscribes to nothing changes nothing, as with Kafka.
  const bool subscribes_anew = now.topic_names != before.topic_names
                               || now.topic_regex != before.topic_regex;
  const bool topics_changed
    = group_.topics_version != context_.topics.version();
  if (!subscribes_anew && !topics_changed)
    return;
  group_.topics_version = context_.topics.version();
  const bool others_match = change_.resolve_regexes(topics_changed);
  if (!start_epoch(subscribes_anew || others_match))
    return;
  const auto* reason = !subscribes_anew    ? "topics changed"
                       : before.id.empty() ? "joined"
                                           : "changed its subscription";
  group_.rebalances.started(group().epoch(),
    {subscribes_anew ? now.id : std::string{}, reason}, context_.wall_ms);
}

void consumer_group_moves::go_away(const std::string& id) {
  change_.go_away(id);
}

void consumer_group_moves::remove(
  const std::vector<consumer_group::departure>& members) {
  for (const auto& [id, reason] : members) {
    change_.remove(id);
    group_.forget(id);
  }
  change_.resolve_regexes(false);
  (void)start_epoch(true);
  for (const auto& [id, reason] : members)
    group_.rebalances.started(group().epoch(), {id, reason}, context_.wall_ms);
}

bool consumer_group_moves::start_epoch(bool changed) {
  if (!change_.start_epoch(changed))
    return false;
  group_.changed_ms = context_.now_ms;
  return true;
}

void consumer_group_moves::set_deadlines(
  const consumer_group_member& before, const consumer_group_member& after) {
  group_.keep_alive(
    after.id, context_.now_ms
                + after.session_timeout_ms(context_.config.session_timeout_ms));
  if (after.phase != member_phase::unrevoked_partitions)
    group_.end_revocation(after.id);
  else if (before.phase != after.phase || before.epoch != after.epoch)
    group_.await_revocation(
      after.id, after.epoch, context_.now_ms + after.rebalance_timeout_ms);
}

std::vector<consumer_group_record> expire_members(
  consumer_group& group, const consumer_group_context& context) {
  consumer_group_moves moves{group, context};
  const auto gone = group.due(context.now_ms);
  if (!gone.empty())
    moves.remove(gone);
  group.recompute_wake();
  return moves.records();
}

} // namespace millrace
