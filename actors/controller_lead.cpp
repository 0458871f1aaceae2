#include "actors/controller_lead.hpp"

#include "actors/controller_forward.hpp"
#include "actors/controller_quorum.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/move_requests.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;
using leadership = controller_actor_state::leadership;

/// What was decided becomes part of the proposal.
void take(leadership& lead, std::vector<metadata_command> commands) {
  for (auto& command : commands) {
    // Where it will stand is not known yet, only in which order.
    lead.core->apply(command, lead.core->image().applied_index() + 1,
      lead.core->image().applied_term());
    lead.proposing.push_back(std::move(command));
  }
}

controller_state fresh_core(const controller_actor_state& s) {
  return {*s.options.config, s.image,
    [env = s.env] {
      return env->random_uuid();
    },
    [&s](node_id id) {
      return s.leading && s.leading->sessions.has_heard(id);
    }};
}

/// Nothing is under way, so that both hold the same; entries without a
/// command may have moved the log on.
void follow_image(controller_actor_state& s) {
  auto& lead = *s.leading;
  if (lead.proposing.empty())
    lead.core->pass(s.image.applied_index(), s.image.applied_term());
}

template <class Request>
admin_reply decide(self_pointer self, const Request& request) {
  auto& lead = *self->state.leading;
  auto decided = lead.core->decide(request);
  take(lead, std::move(decided.records));
  return std::move(decided.reply);
}

/// What makes or deletes partitions is held to the client's quota (KIP-599).
template <changes_partitions Request>
admin_reply decide(
  self_pointer self, const admin_ask& ask, const Request& request) {
  auto& lead = *self->state.leading;
  const auto& quotas = lead.core->image().quotas();
  const auto quota
    = quotas != nullptr && ask.client
        ? lead.mutations.of(*quotas, *ask.client,
            refuses_beyond_quota<Request>(ask.version), monotonic_ms(*self))
        : mutation_quota{};
  auto decided = lead.core->decide(request, quota);
  take(lead, std::move(decided.records));
  return std::move(decided.reply);
}

admin_reply decide(self_pointer self, const auto_create_topics& request) {
  auto& lead = *self->state.leading;
  auto decided = lead.core->decide_auto_creation(request.names);
  take(lead, std::move(decided.records));
  for (const auto& topic : decided.reply)
    if (topic.error != kafka_error::none)
      log::warn("topic {} could not be created on first use: {}",
        log::quoted(topic.name), topic.message);
  return kafka_error::none;
}

admin_reply decide(self_pointer self, const broker_heartbeat& beat) {
  auto& lead = *self->state.leading;
  const bool first
    = lead.sessions.heard(beat.id, beat.broker_epoch, monotonic_ms(*self));
  auto decided = lead.core->decide(beat);
  take(lead, std::move(decided.records));
  if (beat.load && decided.reply.error == kafka_error::none)
    lead.balance.note_load(beat.id, *beat.load, monotonic_ms(*self));
  if (first)
    take(lead, lead.core->decide_heard(beat.id));
  return decided.reply;
}

/// Whether this very node registers with another directory than the one that
/// is known: it leads, so that nobody has missed what it was before.
bool is_wiped_self(
  const controller_actor_state& s, const register_broker& request) {
  const auto* known = s.leading->core->image().find_broker(request.id);
  return request.id == s.options.config->id && known != nullptr
         && !known->fenced && known->directories != request.directories
         && !s.leading->sessions.has_heard(request.id);
}

admin_reply decide(self_pointer self, const register_broker& request) {
  auto& lead = *self->state.leading;
  // What it last knew of the metadata may be old: of all that its earlier self
  // can have written to, it must say what has become of it (R10).
  if (request.opened_up_to == 0)
    return register_broker_reply{
      kafka_error::none, {}, -1, self->state.image.applied_index()};
  if (is_wiped_self(self->state, request))
    take(lead, lead.core->decide_fence({request.id}));
  auto decided = lead.core->decide(request);
  take(lead, std::move(decided.records));
  // It does not ask again; all other refusals may pass.
  if (decided.reply.error == kafka_error::invalid_registration)
    log::warn(
      "node {} is not let in: {}", request.id.value, decided.reply.message);
  return decided.reply;
}

admin_reply decide(self_pointer, const kafka::init_producer_id_request&) {
  MILLRACE_ASSERT(false, "each node gives producer ids out of its own block");
  return kafka_error::unknown_server_error;
}

template <class Request>
  requires about_quorum<Request>
admin_reply decide(self_pointer, const Request&) {
  MILLRACE_ASSERT(false, "the consensus actor is asked about its members");
  return kafka_error::unknown_server_error;
}

/// So many answers are kept for questions that come again.
constexpr size_t answers_kept = 1'000;

bool may_decide(const controller_actor_state& s) {
  return s.leading && s.leading->core && !s.leading->under_way;
}

/// Decides everything that waits, unless a proposal is under way.
void decide_waiting(self_pointer self) {
  auto& s = self->state;
  if (!may_decide(s))
    return;
  auto& lead = *s.leading;
  follow_image(s);
  while (!lead.waiting.empty()) {
    auto asked = std::move(lead.waiting.front());
    lead.waiting.pop_front();
    auto reply = std::visit(
      [&]<class Question>(const Question& question) {
        if constexpr (changes_partitions<Question>)
          return decide(self, *asked.ask, question);
        else
          return decide(self, question);
      },
      asked.ask->question);
    lead.parked.push_back({std::move(asked), {0, 0, std::move(reply)}});
  }
  if (lead.proposing.empty()) {
    for (auto& parked : std::exchange(lead.parked, {})) {
      parked.answer.index
        = static_cast<uint64_t>(std::max<int64_t>(s.image.applied_index(), 0));
      settle_case(self, parked.asked, std::move(parked.answer));
    }
    return;
  }
  propose message;
  for (const auto& command : lead.proposing)
    message.commands.push_back(encode(command));
  lead.proposing.clear();
  lead.under_way = true;
  lead.placed.reset();
  tell(self, s.options.consensus, std::move(message));
}

/// Decisions begin on what is committed, and with full sessions for all: a
/// new leader has heard nobody yet (R27).
void begin_deciding(self_pointer self) {
  auto& s = self->state;
  auto& lead = *s.leading;
  lead.core.emplace(fresh_core(s));
  lead.sessions = broker_sessions{s.options.config->broker_session_ms};
  for (const auto& [id, broker] : s.image.brokers())
    if (!broker.fenced)
      lead.sessions.grant(id, broker.broker_epoch, monotonic_ms(*self));
  lead.mutations = mutation_quotas{s.options.config->mutation_windows};
  lead.balance = auto_rebalance{{s.options.config->auto_rebalance,
    s.options.config->auto_rebalance_delay_ms}};
  lead.gone = s.refused; // it may be why this node leads now
  take(lead, lead.core->decide_bootstrap());
  take(lead, lead.core->decide_rest());
  look_after_brokers(self);
}

void log_balance(const auto_rebalance::step& next, bool applies) {
  if (next.planned != 0)
    log::info("{}{} partitions would be moved so that all nodes hold and lead "
              "about as much: millrace rebalance --apply moves them",
      next.planned,
      next.planned == auto_rebalance::counted_max ? " or more" : "");
  for (const auto& plan : next.hot)
    log::info("{}", to_sentence(plan, applies));
  if (!next.start.empty() && next.hot.empty())
    log::info("{} partitions are moved so that all nodes hold and lead about "
              "as much",
      next.start.size());
  if (!next.cancel.empty())
    log::warn("{} moves of partitions are taken back, as a node has gone",
      next.cancel.size());
}

} // namespace

void settle_case(
  self_pointer self, const admin_case& asked, admin_answer answer) {
  auto& lead = *self->state.leading;
  const leadership::question_id id{asked.node, asked.request_id};
  lead.open.erase(id);
  if (asked.node != self->state.options.config->id) {
    lead.answered.emplace(id, answer);
    lead.answered_order.push_back(id);
    if (lead.answered_order.size() > answers_kept) {
      lead.answered.erase(lead.answered_order.front());
      lead.answered_order.pop_front();
    }
  }
  answer_case(self, asked, std::move(answer));
}

void look_after_brokers(self_pointer self) {
  auto& s = self->state;
  if (!may_decide(s))
    return;
  auto& lead = *s.leading;
  follow_image(s);
  for (const auto id : std::exchange(lead.gone, {}))
    lead.sessions.end(id);
  auto gone = lead.sessions.expired(monotonic_ms(*self));
  gone.erase(s.options.config->id); // it leads: nobody else could say so
  for (const auto id : gone) {
    if (lead.core->image().is_alive(id))
      log::warn("node {} has not been heard of and is shut out", id.value);
    lead.sessions.forget(id);
  }
  take(lead, lead.core->decide_fence(gone));
  decide_waiting(self);
}

void look_after_balance(self_pointer self) {
  auto& s = self->state;
  if (!may_decide(s))
    return;
  auto& lead = *s.leading;
  follow_image(s);
  const auto next = lead.balance.look(lead.core->image(), monotonic_ms(*self));
  if (next.nothing())
    return;
  log_balance(next, s.options.config->auto_rebalance == rebalance_mode::apply);
  if (!next.start.empty())
    decide(self, request_moves(next.start));
  if (!next.cancel.empty())
    decide(self, request_no_moves(next.cancel));
  if (!next.elect.empty())
    decide(self, request_first_leaders(next.elect));
  decide_waiting(self);
}

void on_role(self_pointer self, const role_changed& role) {
  auto& s = self->state;
  s.leader = role.leader;
  // What was under way may be committed by the next leader, or not: whoever
  // asked asks again.
  s.leading.reset();
  if (s.options.status != nullptr)
    s.options.status->set_controls(role.role == raft_role::leader);
  if (role.role == raft_role::leader) {
    s.leading.emplace();
    s.leading->index = role.leadership_index;
  }
  if (s.leader != no_node)
    ask_again(self);
}

void on_applied(self_pointer self, const raft_entry& last) {
  auto& s = self->state;
  if (!s.leading)
    return;
  auto& lead = *s.leading;
  if (!lead.core) {
    if (last.index >= lead.index)
      begin_deciding(self);
    return;
  }
  if (!lead.under_way || !lead.placed || last.index < lead.placed->index)
    return;
  lead.under_way = false;
  if (lead.core->image().applied_index()
      != static_cast<int64_t>(lead.placed->index))
    lead.core.emplace(fresh_core(s)); // it stands elsewhere than was thought
  for (auto& parked : std::exchange(lead.parked, {})) {
    parked.answer.index = lead.placed->index;
    if (const auto* gone = std::get_if<kafka::unregister_broker_request>(
          &parked.asked.ask->question))
      forget_learner(self, node_id{gone->broker_id});
    settle_case(self, parked.asked, std::move(parked.answer));
  }
  look_after_brokers(self);
}

void on_placed(self_pointer self, const placed& where) {
  auto& s = self->state;
  if (!s.leading || !s.leading->under_way)
    return;
  auto& lead = *s.leading;
  if (where.refused == raft_refusal::none) {
    lead.placed = where.last;
    return;
  }
  // Nothing of it is in the log: this state is ahead of it. Start over on
  // what is committed; those who asked are told that it was not done.
  lead.under_way = false;
  for (auto& parked : std::exchange(lead.parked, {})) {
    lead.open.erase({parked.asked.node, parked.asked.request_id});
    answer_case(
      self, parked.asked, {0, 0, admin_reply{kafka_error::not_controller}});
  }
  lead.sessions.hear_again();
  lead.core.emplace(fresh_core(s));
  // Not at once: the member knows when it may go on.
  self->delayed_send(self, std::chrono::milliseconds{50}, controller_tick{});
}

void take_case(self_pointer self, admin_case question) {
  auto& lead = *self->state.leading;
  const leadership::question_id id{question.node, question.request_id};
  if (const auto at = lead.answered.find(id); at != lead.answered.end()) {
    answer_case(self, question, at->second);
    return;
  }
  if (!lead.open.insert(id).second)
    return; // it is being decided
  if (is_about_quorum(question.ask->question)) {
    take_quorum_case(self, std::move(question));
    return;
  }
  lead.waiting.push_back(std::move(question));
  decide_waiting(self);
}

void on_link(self_pointer self, const link_change& change) {
  auto& s = self->state;
  if (change.state != link_state::refused) {
    s.refused.erase(change.node);
    return;
  }
  s.refused.insert(change.node);
  if (!s.leading)
    return;
  s.leading->gone.insert(change.node);
  look_after_brokers(self); // or when nothing is under way any more
}

} // namespace millrace
