#include "actors/controller_forward.hpp"

#include "actors/controller_codec.hpp"
#include "actors/controller_lead.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;

/// A message may be lost; then the question is asked again.
constexpr int64_t ask_again_ms = 1'000;
/// No client waits for longer.
constexpr int64_t give_up_ms = 30'000;

void send_question(self_pointer self, uint64_t id,
  controller_actor_state::open_question& question) {
  auto& s = self->state;
  question.sent_ms = monotonic_ms(*self);
  if (s.leading)
    take_case(self, {s.options.config->id, id, question.ask});
  else if (s.leader != no_node)
    s.options.link->send(s.leader, encode_question(id, *question.ask));
}

void ask_leader(self_pointer self, const caf::strong_actor_ptr& asker,
  std::shared_ptr<const admin_ask> ask) {
  auto& s = self->state;
  const auto id = s.next_request++;
  const auto [at, fresh]
    = s.questions.emplace(id, controller_actor_state::open_question{
                                asker, std::move(ask), monotonic_ms(*self), 0});
  MILLRACE_ASSERT(fresh, "request ids are used once");
  send_question(self, id, at->second);
}

int64_t own_broker_epoch(const controller_actor_state& s) {
  const auto* own = s.image.find_broker(s.options.config->id);
  return own != nullptr && own->incarnation == s.options.incarnation
           ? own->broker_epoch
           : -1;
}

// -- producer ids: given by each node out of its own block (R14)
// ---------------

void answer_producer(self_pointer self, const caf::strong_actor_ptr& asker,
  uint64_t ticket, kafka_error error) {
  auto& s = self->state;
  kafka::init_producer_id_response response;
  response.error_code = static_cast<int16_t>(error);
  response.producer_epoch = error == kafka_error::none ? 0 : -1;
  if (error == kafka_error::none)
    response.producer_id = s.next_producer_id++;
  tell(self, asker, admin_answer{ticket, 0, std::move(response)});
}

void give_producer_ids(self_pointer self) {
  auto& s = self->state;
  auto waiting = std::exchange(s.waiting_producers, {});
  for (auto& one : waiting) {
    if (s.next_producer_id < s.producer_id_end)
      answer_producer(self, one.asker, one.ticket, kafka_error::none);
    else
      s.waiting_producers.push_back(std::move(one));
  }
  if (s.waiting_producers.empty() || s.asked_for_producer_ids)
    return;
  s.asked_for_producer_ids = true;
  ask_leader(self, nullptr,
    std::make_shared<const admin_ask>(admin_ask{
      0, 0, allocate_producer_ids{s.options.config->id, own_broker_epoch(s)}}));
}

void on_producer_ids(
  self_pointer self, const allocate_producer_ids_reply& reply) {
  auto& s = self->state;
  s.asked_for_producer_ids = false;
  if (reply.error == kafka_error::none) {
    s.next_producer_id = reply.first.value;
    s.producer_id_end = s.next_producer_id + reply.count;
    give_producer_ids(self);
    return;
  }
  // Retriable: this broker is about to be registered.
  for (auto& one : std::exchange(s.waiting_producers, {}))
    answer_producer(
      self, one.asker, one.ticket, kafka_error::coordinator_load_in_progress);
}

void ask_producer_id(self_pointer self, const admin_ask& ask) {
  auto& s = self->state;
  s.waiting_producers.push_back({self->current_sender(), ask.ticket});
  give_producer_ids(self);
}

// -- leaving ------------------------------------------------------------------

/// How long a node waits for what it leads to be taken over.
constexpr int64_t leave_ms = 3'000;

/// Whether some other node is there to take anything over.
bool has_successor(const controller_actor_state& s) {
  const auto& brokers = s.image.brokers();
  return std::any_of(brokers.begin(), brokers.end(), [&s](const auto& other) {
    return other.first != s.options.config->id && !other.second.fenced
           && !s.refused.contains(other.first);
  });
}

void end_leaving(self_pointer self) {
  auto& s = self->state;
  s.has_left = true;
  tell(self, std::exchange(s.leaving, nullptr), left_cluster{});
}

void beat(self_pointer self, int64_t now);

void on_heartbeat_answer(
  self_pointer self, const broker_heartbeat_reply& reply) {
  auto& s = self->state;
  if (s.leaving == nullptr)
    return;
  if (reply.should_shutdown || reply.error != kafka_error::none) {
    end_leaving(self);
  } else {
    s.next_heartbeat_ms = 0; // the first word was heard; now the last one
    beat(self, monotonic_ms(*self));
  }
}

// -- answers
// --------------------------------------------------------------------

/// What this actor has asked for itself.
void on_own_answer(self_pointer self, const admin_answer& answer) {
  if (const auto* ids = std::get_if<allocate_producer_ids_reply>(&answer.reply))
    on_producer_ids(self, *ids);
  else if (const auto* beat
           = std::get_if<broker_heartbeat_reply>(&answer.reply))
    on_heartbeat_answer(self, *beat);
}

void take_answer(self_pointer self, uint64_t id, admin_answer answer) {
  auto& s = self->state;
  const auto at = s.questions.find(id);
  if (at == s.questions.end())
    return;
  // It was not done, and may be asked again: the tick does, or the next role.
  if (const auto* error = std::get_if<kafka_error>(&answer.reply);
    error != nullptr && *error == kafka_error::not_controller)
    return;
  auto question = std::move(at->second);
  s.questions.erase(at);
  answer.ticket = question.ask->ticket;
  if (question.asker != nullptr)
    tell(self, question.asker, std::move(answer));
  else
    on_own_answer(self, answer);
}

void give_up(
  self_pointer self, controller_actor_state::open_question question) {
  if (question.asker != nullptr) {
    tell(self, question.asker,
      admin_answer{
        question.ask->ticket, 0, admin_reply{kafka_error::request_timed_out}});
    return;
  }
  if (std::holds_alternative<allocate_producer_ids>(question.ask->question))
    on_producer_ids(self, {kafka_error::request_timed_out, {}, 0});
}

void beat(self_pointer self, int64_t now) {
  auto& s = self->state;
  const auto epoch = own_broker_epoch(s);
  if (epoch < 0 || now < s.next_heartbeat_ms || s.leader == no_node
      || s.has_left)
    return;
  s.next_heartbeat_ms = now + s.options.config->broker_heartbeat_ms;
  // The next one says more than a repetition of the last one.
  std::erase_if(s.questions, [](const auto& question) {
    return std::holds_alternative<broker_heartbeat>(
      question.second.ask->question);
  });
  ask_leader(self, nullptr,
    std::make_shared<const admin_ask>(admin_ask{0, 0,
      broker_heartbeat{s.options.config->id, epoch, s.image.applied_index(),
        s.leaving != nullptr, std::exchange(s.load, std::nullopt)}}));
}

} // namespace

void on_admin_ask(self_pointer self, admin_ask& ask) {
  if (std::holds_alternative<kafka::init_producer_id_request>(ask.question)) {
    ask_producer_id(self, ask);
    return;
  }
  ask_leader(self, self->current_sender(),
    std::make_shared<const admin_ask>(std::move(ask)));
}

void begin_to_leave(self_pointer self) {
  auto& s = self->state;
  s.leaving = self->current_sender();
  s.leave_until_ms = monotonic_ms(*self) + leave_ms;
  // One that is not let in yet leads nothing.
  if (own_broker_epoch(s) < 0 || !has_successor(s)) {
    end_leaving(self);
    return;
  }
  s.next_heartbeat_ms = 0;
  beat(self, monotonic_ms(*self));
}

void on_controller_message(self_pointer self, const from_node& from) {
  auto& s = self->state;
  const auto id = from.message.request_id;
  if (from.message.is_answer) {
    const auto at = s.questions.find(id);
    if (at == s.questions.end())
      return; // answered before
    auto answer = decode_answer(from.message, at->second.ask->question);
    if (answer)
      take_answer(self, id, std::move(*answer));
    else
      log::warn("node {}, the controller, has answered what cannot be read: {}",
        from.node.value, to_string(answer.error()));
    return;
  }
  auto ask = decode_question(from.message);
  if (!ask) {
    log::warn("node {} has asked what cannot be read: {}", from.node.value,
      to_string(ask.error()));
    if (ask.error().code == errc::unsupported)
      s.options.link->send(
        from.node, encode_answer(id, 0,
                     {0, 0, admin_reply{kafka_error::unsupported_version}}));
    return;
  }
  const auto version = ask->version;
  if (s.leading)
    take_case(self,
      {from.node, id, std::make_shared<const admin_ask>(std::move(*ask))});
  else
    s.options.link->send(
      from.node, encode_answer(id, version,
                   {0, 0, admin_reply{kafka_error::not_controller}}));
}

void answer_case(
  self_pointer self, const admin_case& asked, admin_answer answer) {
  auto& s = self->state;
  if (asked.node == s.options.config->id)
    take_answer(self, asked.request_id, std::move(answer));
  else
    s.options.link->send(
      asked.node, encode_answer(asked.request_id, asked.ask->version, answer));
}

void ask_again(self_pointer self) {
  auto& s = self->state;
  std::vector<uint64_t> open;
  for (const auto& [id, question] : s.questions)
    open.push_back(id);
  for (const auto id : open)
    if (const auto at = s.questions.find(id); at != s.questions.end())
      send_question(self, id, at->second);
}

void look_after_questions(self_pointer self) {
  auto& s = self->state;
  const auto now = monotonic_ms(*self);
  if (s.leaving != nullptr && (now >= s.leave_until_ms || !has_successor(s)))
    end_leaving(self);
  beat(self, now);
  std::vector<uint64_t> old;
  for (const auto& [id, question] : s.questions)
    if (now - question.sent_ms >= ask_again_ms)
      old.push_back(id);
  for (const auto id : old) {
    const auto at = s.questions.find(id);
    if (at == s.questions.end())
      continue;
    // A broker wants to be registered for as long as it takes.
    const bool patient
      = std::holds_alternative<register_broker>(at->second.ask->question);
    if (patient || now - at->second.asked_ms < give_up_ms) {
      send_question(self, id, at->second);
      continue;
    }
    auto question = std::move(at->second);
    s.questions.erase(at);
    give_up(self, std::move(question));
  }
}

} // namespace millrace
