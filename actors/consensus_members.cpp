#include "actors/consensus_members.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/raft_quorum.hpp"
#include "schema/group_hello.hpp"

namespace millrace {

namespace {

using self_pointer = consensus_actor::stateful_pointer<consensus_state>;

constexpr int64_t hello_period_ms = 200;
constexpr int64_t acquaintance_ms = 2'000;
constexpr int64_t complaint_period_ms = 10'000;

bool is_controller(const consensus_state& s, node_id node) {
  const auto& all = s.options.controllers;
  return std::find(all.begin(), all.end(), node) != all.end();
}

void say_hello(consensus_state& s, node_id to, bool is_answer) {
  s.options.link->send(
    to, encode(group_hello{s.options.group, s.options.self, is_in_group(s)},
          is_answer));
}

/// Those of the other controllers that have not said lately that they know
/// no group.
std::vector<node_id> not_ready(const consensus_state& s, int64_t now_ms) {
  std::vector<node_id> missing;
  for (const auto node : s.options.controllers) {
    if (node == s.options.self.node)
      continue;
    const auto at = s.known.find(node);
    if (at == s.known.end() || now_ms - at->second.heard_ms > acquaintance_ms)
      missing.push_back(node);
  }
  return missing;
}

void complain(
  consensus_state& s, const std::vector<node_id>& missing, int64_t now_ms) {
  if (now_ms < s.next_complaint_ms)
    return;
  s.next_complaint_ms = now_ms + complaint_period_ms;
  std::string names;
  for (const auto node : missing)
    names += (names.empty() ? "" : ", ") + std::to_string(node.value);
  log::warn("the cluster is formed when all of its controllers are there; "
            "still missing: node {}",
    names);
}

/// Those that learn, but for whoever has come back with another directory and
/// was given up before it could take its old place: it says hello again.
std::vector<raft_member> settled_learners(const raft_configuration& now) {
  auto learners = now.learners;
  std::erase_if(learners, [&now](const raft_member& m) {
    return std::any_of(
      now.voters.begin(), now.voters.end(), [&m](const raft_member& voter) {
        return voter.node == m.node;
      });
  });
  return learners;
}

/// Takes `node` out. Returns whether it was in.
bool leave(std::vector<raft_member>& members, node_id node) {
  return std::erase_if(members, [node](const raft_member& m) {
    return m.node == node;
  }) > 0;
}

/// Whether the group has this node as what it wants to be.
bool is_settled(consensus_state& s) {
  const auto& now = s.core->configuration();
  if (is_voter(s.core->configuration_at(s.core->committed()), s.options.self))
    s.has_voted = true;
  if (is_voter(now, s.options.self))
    return true;
  // A learner that hears nobody may have been taken off the list. And a
  // controller that still learns is on its way to a vote, where the change
  // that was to give it one may have ended halfway.
  return members_of(now).contains(s.options.self) && s.core->leader()
         && (s.has_voted || !is_controller(s, s.options.self.node));
}

/// The first entry of all: this node alone. Durable before it counts.
void form(self_pointer self) {
  auto& s = self->state;
  s.forming = true;
  log::info("all controllers are there: this node forms the cluster");
  tell(self, s.options.disk, store_vote{{1, std::nullopt}});
  tell(self, s.options.disk,
    write_log{{0, std::nullopt, {first_entry_of_group(s.options.self)}}});
}

} // namespace

bool is_in_group(const consensus_state& s) {
  return s.forming || s.core->log().last_index() > 0;
}

void look_for_group(self_pointer self) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  if (s.forming || s.options.controllers.empty() || now < s.next_hello_ms
      || is_settled(s))
    return;
  s.next_hello_ms = now + hello_period_ms;
  for (const auto node : s.options.controllers)
    if (node != s.options.self.node)
      say_hello(s, node, false);
  const auto first = *std::min_element(
    s.options.controllers.begin(), s.options.controllers.end());
  if (is_in_group(s) || first != s.options.self.node)
    return;
  if (const auto missing = not_ready(s, now); !missing.empty()) {
    complain(s, missing, now);
    return;
  }
  const bool exists
    = std::any_of(s.known.begin(), s.known.end(), [](const auto& other) {
        return other.second.in_group;
      });
  if (!exists)
    form(self);
}

void on_formed(self_pointer self) {
  auto& s = self->state;
  s.forming = false;
  raft_restart restart;
  restart.vote = {1, std::nullopt};
  const auto added = restart.add(first_entry_of_group(s.options.self));
  MILLRACE_ASSERT(added.ok(), "what was written can be read");
  s.core = std::make_unique<raft_core>(
    s.options.raft, s.options.self, restart, s.options.seed);
  s.core->tick(monotonic_ms(*self));
  drain(self);
}

namespace {

bool is_member_node(const consensus_state& s, node_id node) {
  const auto members = members_of(s.core->configuration());
  return std::any_of(
    members.begin(), members.end(), [node](const raft_member& m) {
      return m.node == node;
    });
}

void note_joining(self_pointer self, const raft_member& member) {
  self->state.joining[member.node] = member;
  take_in(self);
  drain(self);
}

} // namespace

void on_group_message(self_pointer self, const from_node& from) {
  auto& s = self->state;
  auto hello = decode_group_hello(from.message);
  if (!hello) {
    log::warn("node {}: {}", from.node.value, to_string(hello.error()));
    return;
  }
  if (hello->group != s.options.group)
    return;
  if (hello->member.node != from.node) {
    if (is_member_node(s, from.node))
      note_joining(self, hello->member);
    return;
  }
  if (is_controller(s, from.node))
    s.known[from.node] = {hello->member, hello->in_group, monotonic_ms(*self)};
  if (from.message.is_answer)
    return;
  say_hello(s, from.node, true);
  // Who asks knows the controllers by their list; whoever leads may be
  // another one.
  if (const auto& leader = s.core->leader();
    leader && leader->node != s.options.self.node && leader->node != from.node)
    s.options.link->send(leader->node, encode(*hello, true));
  note_joining(self, hello->member);
}

void take_in(self_pointer self) {
  auto& s = self->state;
  if (s.core->role() != raft_role::leader) {
    s.joining.clear();
    return;
  }
  const auto& now = s.core->configuration();
  std::erase_if(s.joining, [&](const auto& one) {
    return is_voter(now, one.second)
           || (members_of(now).contains(one.second)
               && !is_controller(s, one.first));
  });
  if (s.joining.empty())
    return;
  for (const auto& [node, member] : s.joining)
    s.core->note_replaced_by(member);
  auto voters = now.voters;
  auto learners = settled_learners(now);
  std::string parts;
  for (const auto& [node, member] : s.joining) {
    // R24: with another directory it is not the one that it was; but what it
    // was is what it is meant to be.
    const bool votes = leave(voters, node) || is_controller(s, node);
    leave(learners, node);
    (votes ? voters : learners).push_back(member);
    parts += (parts.empty() ? "node " : ", node ") + std::to_string(node.value)
             + (votes ? " as a voter" : " as a learner");
  }
  if (std::none_of(voters.begin(), voters.end(), [&](const auto& m) {
        return is_voter(now, m);
      }))
    return; // it would be a group of those only that know nothing
  // Refused while another change is under way: tried again at the next tick.
  if (s.core->change_members(voters, learners) == raft_refusal::none)
    log::info("taken into the {} of the cluster: {}", s.options.group, parts);
}

void on_change_member(self_pointer self, const change_member& message) {
  auto& s = self->state;
  const auto& now = s.core->configuration();
  auto voters = now.voters;
  auto learners = settled_learners(now);
  leave(voters, message.member.node);
  leave(learners, message.member.node);
  if (message.part != raft_part::none)
    (message.part == raft_part::voter ? voters : learners)
      .push_back(message.member);
  // It may have come back with another directory since somebody asked.
  const auto refused = members_of(now).contains(message.member)
                         ? s.core->change_members(voters, learners)
                         : raft_refusal::invalid;
  if (refused == raft_refusal::none)
    s.changing = {self->current_sender(), message.ticket};
  else
    tell(self, self->current_sender(), member_changed{message.ticket, refused});
  drain(self);
}

void on_hand_over(self_pointer self, const hand_over& message) {
  auto& s = self->state;
  const auto to = s.core->best_successor();
  const auto refused = to ? s.core->transfer(*to) : raft_refusal::not_a_voter;
  tell(self, self->current_sender(), member_changed{message.ticket, refused});
  drain(self);
}

void on_change_ended(self_pointer self, raft_refusal how) {
  auto& s = self->state;
  if (how != raft_refusal::none)
    log::warn("a change of the members of the {} has not been made: {}",
      s.options.group, to_string(how));
  s.joining.clear(); // whoever is still not in says hello again
  if (const auto asked = std::exchange(s.changing, {}))
    tell(self, asked->asker, member_changed{asked->ticket, how});
}

} // namespace millrace
