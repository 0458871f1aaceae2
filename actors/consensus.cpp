#include "actors/consensus.hpp"

#include "actors/consensus_members.hpp"
#include "actors/consensus_snapshot.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/raft_codec.hpp"

namespace millrace {

namespace {

using self_pointer = consensus_actor::stateful_pointer<consensus_state>;

constexpr size_t read_bytes_max = 1u << 20;

/// A group of one that leads has nobody to hear and nothing to send.
bool needs_ticks(const consensus_state& s) {
  return s.core->role() != raft_role::leader || !s.core->peers().empty();
}

void arm_tick(self_pointer self) {
  auto& s = self->state;
  if (s.ticking || s.machine == nullptr || !needs_ticks(s))
    return;
  s.ticking = true;
  self->delayed_send(self,
    std::chrono::milliseconds{s.options.raft.heartbeat_ms / 2},
    consensus_tick{});
}

/// Tells the machine what is there, up to what has to be read first.
void deliver(self_pointer self) {
  auto& s = self->state;
  while (!s.deliveries.empty() && !s.reading) {
    auto& front = s.deliveries.front();
    if (front.unread) {
      s.reading = true;
      tell(self, s.options.disk, read_log{0, *front.unread, read_bytes_max});
      return;
    }
    tell(self, s.machine,
      log_committed{std::make_shared<const std::vector<raft_entry>>(
        std::move(front.entries))});
    s.deliveries.pop_front();
  }
}

void note_committed(consensus_state& s, raft_range range) {
  const auto in_memory = s.core->log().memory_first();
  if (range.first < in_memory)
    s.deliveries.push_back(
      {{}, raft_range{range.first, std::min(range.last, in_memory - 1)}});
  if (range.last >= in_memory)
    s.deliveries.push_back({s.core->log().read(std::max(range.first, in_memory),
                              range.last, SIZE_MAX),
      std::nullopt});
}

void on_log_read(self_pointer self, const log_read& answer) {
  auto& s = self->state;
  if (answer.ticket != 0) {
    const auto at = s.reads.find(answer.ticket);
    if (at == s.reads.end())
      return;
    s.core->entries_read(at->second, answer.entries);
    s.reads.erase(at);
    drain(self);
    return;
  }
  s.reading = false;
  auto& front = s.deliveries.front();
  MILLRACE_ASSERT(!answer.entries.empty()
                    && answer.entries.front().index == front.unread->first,
    "what is committed here can be read here");
  const auto last = answer.entries.back().index;
  tell(self, s.machine,
    log_committed{
      std::make_shared<const std::vector<raft_entry>>(answer.entries)});
  if (last == front.unread->last)
    s.deliveries.pop_front();
  else
    front.unread->first = last + 1;
  deliver(self);
}

void tell_role(self_pointer self, const raft_role_change& role) {
  auto& s = self->state;
  const bool leads = role.role == raft_role::leader;
  tell(self, s.machine,
    role_changed{role.role, role.term,
      role.leader ? role.leader->node : node_id{-1},
      leads ? s.core->leadership_index() : 0});
  if (leads && !s.options.controllers.empty())
    log::info("this node leads the {} of the cluster, in term {}",
      s.options.group, role.term);
}

void on_message(self_pointer self, const from_node& from) {
  auto& s = self->state;
  auto decoded = decode_raft_message(from.message);
  if (!decoded) {
    log::warn("node {} has sent what is no message of consensus: {}",
      from.node.value, to_string(decoded.error()));
    return;
  }
  if (decoded->group != s.options.group
      || decoded->message.from.node != from.node)
    return;
  s.core->step(decoded->message);
  drain(self);
}

quorum_view view_of(const consensus_state& s) {
  quorum_view view;
  const auto& core = *s.core;
  view.term = core.term();
  if (core.leader())
    view.leader = core.leader()->node;
  view.committed = core.committed();
  const auto add = [&](const raft_member& m, bool is_voter) {
    quorum_view::member row{m, is_voter, 0, -1};
    if (m == core.self()) {
      row.log_end = core.log().durable();
      row.heard_ms_ago = 0;
    } else if (const auto at = core.peers().find(m); at != core.peers().end()) {
      row.log_end = at->second.match();
      row.heard_ms_ago = core.now_ms() - at->second.heard_ms();
    }
    view.members.push_back(std::move(row));
  };
  for (const auto& m : core.configuration().voters)
    add(m, true);
  for (const auto& m : core.configuration().learners)
    add(m, false);
  std::sort(
    view.members.begin(), view.members.end(), [](const auto& a, const auto& b) {
      return a.id < b.id;
    });
  return view;
}

} // namespace

void drain(self_pointer self) {
  auto& s = self->state;
  if (s.machine == nullptr)
    return;
  auto actions = s.core->take();
  if (actions.vote)
    tell(self, s.options.disk, store_vote{*actions.vote});
  if (actions.write)
    tell(self, s.options.disk, write_log{std::move(*actions.write)});
  for (const auto& message : actions.messages)
    s.options.link->send(message.to.node, encode(s.options.group, message));
  if (actions.committed)
    note_committed(s, *actions.committed);
  deliver(self);
  // A leader that was taken out of the group can say so before it steps down.
  if (actions.change_ended)
    on_change_ended(self, *actions.change_ended);
  if (actions.role)
    tell_role(self, *actions.role);
  for (const auto& wanted : actions.entries_wanted) {
    const auto ticket = s.next_ticket++;
    s.reads.emplace(ticket, wanted.peer);
    tell(
      self, s.options.disk, read_log{ticket, wanted.range, wanted.bytes_max});
  }
  on_snapshot_actions(self, actions);
  arm_tick(self);
}

consensus_actor::behavior_type consensus(
  self_pointer self, consensus_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.core = std::make_unique<raft_core>(state.options.raft,
    state.options.self, state.options.restart, state.options.seed);
  state.options.restart = {};
  const auto own = caf::strong_actor_ptr{self->ctrl()};
  state.options.link->bind(conversation::raft, own);
  state.options.link->bind(conversation::group, own);
  state.options.link->watch(own);
  return {
    [=](follow_log) {
      auto& s = self->state;
      s.machine = self->current_sender();
      s.core->tick(monotonic_ms(*self));
      look_for_group(self);
      drain(self);
    },
    [=](const propose& message) {
      auto& s = self->state;
      const auto where = s.core->propose(message.commands);
      // Before it can be told as committed.
      tell(self, self->current_sender(),
        placed{message.ticket, where.refused, where.last});
      drain(self);
    },
    [=](const from_node& from) {
      if (from.message.conversation == conversation::group)
        on_group_message(self, from);
      else
        on_message(self, from);
    },
    [=](const link_change& change) {
      auto& s = self->state;
      if (change.state == link_state::refused && s.core->leader()
          && s.core->leader()->node == change.node) {
        s.core->leader_gone();
        drain(self);
      }
    },
    [=](consensus_tick) {
      auto& s = self->state;
      s.ticking = false;
      s.core->tick(monotonic_ms(*self));
      drain(self); // a change that ends here comes before the next one
      look_for_group(self);
      take_in(self);
      forget_old_snapshot(self);
      drain(self);
    },
    [=](const log_written& done) {
      auto& s = self->state;
      if (s.forming) {
        on_formed(self);
        return;
      }
      s.core->persisted(done.number);
      drain(self);
    },
    [=](const vote_stored& done) {
      auto& s = self->state;
      if (s.forming)
        return; // the core begins with it
      s.core->vote_persisted(done.vote);
      drain(self);
    },
    [=](const log_read& answer) {
      on_log_read(self, answer);
    },
    [=](const log_dropped& done) {
      on_log_dropped(self, done);
    },
    [=](const snapshot_made& made) {
      self->state.core->snapshot_taken(made.index);
      drain(self);
    },
    [=](const state_told& state_now) {
      on_state_told(self, state_now);
    },
    [=](state_installed) {
      on_state_installed(self);
    },
    [=](const ask_quorum& ask) {
      auto view = view_of(self->state);
      view.ticket = ask.ticket;
      tell(self, self->current_sender(), std::move(view));
    },
    [=](const change_member& message) {
      on_change_member(self, message);
    },
    [=](const hand_over& message) {
      on_hand_over(self, message);
    },
  };
}

} // namespace millrace
