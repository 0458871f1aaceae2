#include "cluster/group_state.hpp"

#include "cluster/embedded_protocol.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// The names of a member's protocols, each once.
std::set<std::string_view> names_of(
  const std::vector<group_protocol>& protocols) {
  std::set<std::string_view> names;
  for (const auto& p : protocols)
    names.insert(p.name);
  return names;
}

} // namespace

const char* to_string(group_phase phase) {
  switch (phase) {
  case group_phase::empty:
    return "Empty";
  case group_phase::preparing_rebalance:
    return "PreparingRebalance";
  case group_phase::completing_rebalance:
    return "CompletingRebalance";
  case group_phase::stable:
    return "Stable";
  }
  return "Dead";
}

group_state::group_state(
  std::string id, const kafka::group_metadata_value& record, int64_t now_ms)
    : persisted(true), id_(std::move(id)),
      phase_(record.members.empty() ? group_phase::empty : group_phase::stable),
      phase_since_ms_(record.current_state_timestamp),
      generation_(record.generation) {
  if (!record.protocol_type.empty())
    protocol_type_ = record.protocol_type;
  if (!record.members.empty())
    protocol_name_ = record.protocol;
  for (const auto& m : record.members) {
    group_member member;
    member.id = m.member_id;
    member.instance_id = m.group_instance_id;
    member.client_id = m.client_id;
    member.client_host = m.client_host;
    member.session_timeout_ms = m.session_timeout;
    // Version 0 had no rebalance time-out.
    member.rebalance_timeout_ms
      = m.rebalance_timeout < 0 ? m.session_timeout : m.rebalance_timeout;
    member.protocols = {{protocol_name_.value_or(""), m.subscription}};
    member.assignment = m.assignment;
    add(std::move(member), record.protocol_type);
    refresh(m.member_id, now_ms);
  }
  if (record.leader && members_.contains(*record.leader))
    leader_ = *record.leader;
}

group_state::group_state(std::string id, std::vector<group_member> members,
  int32_t generation, int64_t now_ms, int64_t wall_ms)
    : id_(std::move(id)), phase_(group_phase::stable), phase_since_ms_(wall_ms),
      generation_(generation) {
  for (auto& member : members) {
    auto member_id = member.id;
    add(std::move(member), consumer_protocol);
    refresh(member_id, now_ms);
  }
  protocol_name_ = select_protocol();
}

std::vector<std::string> group_state::member_ids() const {
  std::vector<std::string> ids;
  ids.reserve(members_.size());
  for (const auto& [id, member] : members_)
    ids.push_back(id);
  return ids;
}

const group_member* group_state::find(const std::string& member_id) const {
  const auto it = members_.find(member_id);
  return it == members_.end() ? nullptr : &it->second;
}

group_member& group_state::member(const std::string& member_id) {
  const auto it = members_.find(member_id);
  MILLRACE_ASSERT(it != members_.end(), "the member is in the group");
  return it->second;
}

std::string group_state::static_member(
  const std::optional<std::string>& instance_id) const {
  if (!instance_id)
    return {};
  const auto it = static_members_.find(*instance_id);
  return it == static_members_.end() ? std::string{} : it->second;
}

int64_t group_state::rebalance_timeout_ms() const {
  int32_t longest = 0;
  for (const auto& [id, member] : members_)
    longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

kafka_error group_state::validate(const std::string& member_id,
  const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto owner = static_member(instance_id);
    if (owner.empty())
      return kafka_error::unknown_member_id;
    if (owner != member_id)
      return kafka_error::fenced_instance_id;
  }
  return members_.contains(member_id) ? kafka_error::none
                                      : kafka_error::unknown_member_id;
}

bool group_state::supports(const std::string& protocol_type,
  const std::vector<group_protocol>& protocols) const {
  if (members_.empty())
    return !protocol_type.empty() && !protocols.empty();
  return protocol_type_ == protocol_type
         && std::ranges::any_of(protocols, [&](const group_protocol& p) {
              const auto it = protocol_counts_.find(p.name);
              return it != protocol_counts_.end()
                     && it->second == members_.size();
            });
}

std::string group_state::select_protocol() const {
  MILLRACE_ASSERT(!members_.empty(), "members vote for the protocol");
  const auto known_to_all = [&](const group_protocol& p) {
    return protocol_counts_.at(p.name) == members_.size();
  };
  std::map<std::string_view, size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto favourite = std::ranges::find_if(member.protocols, known_to_all);
    MILLRACE_ASSERT(favourite != member.protocols.end(),
      "no member joins without a protocol that all know");
    ++votes[favourite->name];
  }
  const auto fewer = [](const auto& a, const auto& b) {
    return a.second < b.second;
  };
  return std::string{std::ranges::max_element(votes, fewer)->first};
}

std::optional<std::set<std::string>> group_state::subscribed_topics() const {
  if (!uses_consumer_protocol())
    return {};
  std::set<std::string> topics;
  if (members_.empty())
    return topics;
  if (!protocol_name_)
    return {};
  for (const auto& [id, member] : members_) {
    const auto read = read_subscription(member.metadata(*protocol_name_));
    if (!read)
      return {};
    topics.insert(read->topics.begin(), read->topics.end());
  }
  return topics;
}

void group_state::add(group_member member, const std::string& protocol_type) {
  if (members_.empty())
    protocol_type_ = protocol_type;
  if (leader_.empty())
    leader_ = member.id;
  pending_.erase(member.id);
  if (member.instance_id)
    static_members_[*member.instance_id] = member.id;
  if (member.join)
    ++joined_;
  count_protocols(member, 1);
  auto id = member.id;
  const bool added
    = members_.try_emplace(std::move(id), std::move(member)).second;
  MILLRACE_ASSERT(added, "a member is added once");
}

std::optional<group_member> group_state::remove(const std::string& member_id) {
  pending_.erase(member_id);
  awaited_syncs.erase(member_id);
  const auto it = members_.find(member_id);
  if (it == members_.end())
    return {};
  auto member = std::move(it->second);
  members_.erase(it);
  count_protocols(member, -1);
  if (member.join)
    --joined_;
  if (static_member(member.instance_id) == member_id)
    static_members_.erase(*member.instance_id);
  if (leader_ == member_id)
    leader_ = members_.empty() ? std::string{} : members_.begin()->first;
  return member;
}

void group_state::update(const std::string& member_id,
  std::vector<group_protocol> protocols, int32_t session_timeout_ms,
  int32_t rebalance_timeout_ms) {
  auto& m = member(member_id);
  count_protocols(m, -1);
  m.protocols = std::move(protocols);
  count_protocols(m, 1);
  m.session_timeout_ms = session_timeout_ms;
  m.rebalance_timeout_ms = rebalance_timeout_ms;
}

void group_state::rename(const std::string& old_id, const std::string& new_id) {
  const bool led = is_leader(old_id);
  auto node = members_.extract(old_id);
  MILLRACE_ASSERT(!node.empty(), "the member is in the group");
  auto& m = node.mapped();
  MILLRACE_ASSERT(m.instance_id, "only a static member changes its id");
  static_members_[*m.instance_id] = new_id;
  m.id = new_id;
  node.key() = new_id;
  members_.insert(std::move(node));
  if (led)
    leader_ = new_id;
  if (awaited_syncs.erase(old_id) > 0)
    awaited_syncs.insert(new_id);
}

void group_state::park_join(
  const std::string& member_id, parked_request request) {
  auto& m = member(member_id);
  MILLRACE_ASSERT(!m.join, "an older request of the member was answered");
  m.join = request;
  ++joined_;
}

std::optional<parked_request> group_state::unpark_join(
  const std::string& member_id) {
  auto& m = member(member_id);
  if (m.join)
    --joined_;
  return std::exchange(m.join, std::nullopt);
}

bool group_state::elect_joined_leader() {
  if (const auto* current = find(leader_); current && current->join)
    return true;
  const auto it = std::ranges::find_if(members_, [](const auto& entry) {
    return entry.second.join.has_value();
  });
  if (it == members_.end())
    return false;
  leader_ = it->first;
  return true;
}

void group_state::add_pending(
  const std::string& member_id, int64_t deadline_ms) {
  pending_[member_id] = deadline_ms;
  wake_by(deadline_ms);
}

void group_state::start_rebalance(int64_t wall_ms) {
  MILLRACE_ASSERT(phase_ != group_phase::preparing_rebalance,
    "one rebalance at a time is prepared");
  set_sync_deadline(never_ms);
  awaited_syncs.clear();
  proposal.reset();
  enter(group_phase::preparing_rebalance, wall_ms);
}

void group_state::start_generation(int64_t wall_ms) {
  MILLRACE_ASSERT(phase_ == group_phase::preparing_rebalance,
    "a generation follows a rebalance");
  set_join_deadline(never_ms);
  initial.reset();
  awaited_syncs.clear();
  // Wraps as Kafka's does, without its undefined twin in C++.
  generation_ = static_cast<int32_t>(static_cast<uint32_t>(generation_) + 1);
  if (members_.empty()) {
    protocol_name_.reset();
    leader_.clear();
    enter(group_phase::empty, wall_ms);
    rebalances.settled(wall_ms);
  } else {
    protocol_name_ = select_protocol();
    enter(group_phase::completing_rebalance, wall_ms);
  }
}

void group_state::become_stable(int64_t wall_ms) {
  MILLRACE_ASSERT(phase_ == group_phase::completing_rebalance,
    "an assignment ends a rebalance");
  proposal.reset();
  enter(group_phase::stable, wall_ms);
  rebalances.settled(wall_ms);
}

void group_state::set_join_deadline(int64_t at_ms) {
  join_deadline_ms_ = at_ms;
  wake_by(at_ms);
}

void group_state::set_sync_deadline(int64_t at_ms) {
  sync_deadline_ms_ = at_ms;
  wake_by(at_ms);
}

void group_state::set_deadline(group_member& member, int64_t at_ms) {
  member.deadline_ms = at_ms;
  wake_by(at_ms);
}

void group_state::refresh(const std::string& member_id, int64_t now_ms) {
  auto& m = member(member_id);
  set_deadline(m, now_ms + m.session_timeout_ms);
}

void group_state::recompute_wake() {
  wake_ms_ = std::min(join_deadline_ms_, sync_deadline_ms_);
  for (const auto& [id, deadline_ms] : pending_)
    wake_by(deadline_ms);
  for (const auto& [id, member] : members_)
    if (member.can_expire())
      wake_by(member.deadline_ms);
}

kafka::group_metadata_value group_state::to_record(
  const std::map<std::string, std::string>* assignment) const {
  kafka::group_metadata_value record;
  record.protocol_type = protocol_type_.value_or("");
  record.generation = generation_;
  record.protocol = protocol_name_;
  record.leader.reset();
  if (!leader_.empty())
    record.leader = leader_;
  record.current_state_timestamp = phase_since_ms_;
  record.members.reserve(members_.size());
  for (const auto& [id, member] : members_) {
    auto& m = record.members.emplace_back();
    m.member_id = id;
    m.group_instance_id = member.instance_id;
    m.client_id = member.client_id;
    m.client_host = member.client_host;
    m.rebalance_timeout = member.rebalance_timeout_ms;
    m.session_timeout = member.session_timeout_ms;
    m.subscription = member.metadata(protocol_name_.value_or(""));
    if (!assignment)
      m.assignment = member.assignment;
    else if (const auto it = assignment->find(id); it != assignment->end())
      m.assignment = it->second;
  }
  return record;
}

void group_state::enter(group_phase phase, int64_t wall_ms) {
  phase_ = phase;
  phase_since_ms_ = wall_ms;
}

void group_state::count_protocols(const group_member& member, int change) {
  for (const auto name : names_of(member.protocols)) {
    auto& count = protocol_counts_[std::string{name}];
    count += static_cast<size_t>(change);
    if (count == 0)
      protocol_counts_.erase(protocol_counts_.find(name));
  }
}

} // namespace millrace
