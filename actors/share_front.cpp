#include "actors/share_front.hpp"

#include "actors/kafka/sinks.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/share_state_wire.hpp"
#include "schema/share_message.hpp"

namespace millrace {

namespace {

using self_pointer = share_front_actor::stateful_pointer<share_front_state>;

/// How long an answer is waited for at most, and before that a coordinator.
constexpr int64_t answer_wait_ms = 5'000;
/// After which time who was too early asks again, at first and at most.
constexpr int64_t early_wait_min_ms = 20;
constexpr int64_t early_wait_max_ms = 500;
/// How long the topic of the states may take before it is asked for again.
constexpr int64_t topic_wait_ms = 1'000;

share_state_answer refused(kafka_error error) {
  return {error, "", {}};
}

bool begins(const share_state_question& q) {
  return std::holds_alternative<share_state_question::initialize>(q.what);
}

/// Whether nothing was done, for a coordinator that may be there soon.
bool is_early(kafka_error error) {
  return error == kafka_error::coordinator_load_in_progress
         || error == kafka_error::not_coordinator;
}

/// Has it asked again later, if it may be: else it is refused.
void wait_early(self_pointer self, share_state_question question,
  share_front_state::answer_function done, int64_t early_until_ms,
  kafka_error error) {
  auto& s = self->state;
  const auto now = s.core->now_ms();
  if (!begins(question) || now >= early_until_ms
      || s.early.contains(question.key)) {
    done(refused(error));
    return;
  }
  if (s.early.empty()) {
    s.early_wait_ms = early_wait_min_ms;
    s.early_again_ms = now + s.early_wait_ms;
  }
  const auto key = question.key;
  s.early.emplace(key, share_front_state::early_question{
                         std::move(question), std::move(done), early_until_ms});
}

/// Ends a question that is still open, or has it asked again later.
void end_question(self_pointer self, uint64_t id, share_state_answer answer) {
  auto& s = self->state;
  auto found = s.open.extract(id);
  if (found.empty())
    return;
  auto& open = found.mapped();
  if (begins(open.question) && is_early(answer.error))
    wait_early(self, std::move(open.question), std::move(open.done),
      open.early_until_ms, answer.error);
  else
    open.done(std::move(answer));
}

/// With an empty frame if there is no answer.
void take_frame(self_pointer self, uint64_t id, const shared_bytes& frame) {
  const auto at = self->state.open.find(id);
  if (at != self->state.open.end()) // else it has come too late
    end_question(self, id, decode_share_answer(at->second.question, frame));
}

// -- asking -------------------------------------------------------------------

/// Whose log it is about, and what its topic is called.
struct target {
  const partition_registration* partition = nullptr;
  std::string topic;
};

target target_of(const gateway_core& core, const share_state_question& q) {
  if (!std::holds_alternative<share_state_question::log_end>(q.what))
    return {core.share_states_partition(to_string(q.key)), ""};
  const auto* topic = core.image().find_topic(q.key.topic);
  const auto index = static_cast<size_t>(q.key.partition);
  if (topic == nullptr || q.key.partition < 0
      || index >= topic->partitions.size())
    return {};
  return {&topic->partitions[index], topic->name};
}

/// The topic is made when the first share partition begins, which is asked
/// about again until it is there.
void make_topic(self_pointer self) {
  auto& s = self->state;
  if (s.core->now_ms() < s.topic_again_ms)
    return;
  s.topic_again_ms = s.core->now_ms() + topic_wait_ms;
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [](uint32_t, admin_answer*) {}, [] {});
  sink->expect();
  s.core->ask_admin(sink, 0, 0, auto_create_topics{{share_states_topic_name}});
  sink->asked_all();
}

void ask(self_pointer self, share_state_question question,
  share_front_state::answer_function done, int64_t early_until_ms) {
  auto& s = self->state;
  if (!s.core->ready() || s.early.contains(question.key)) {
    done(refused(kafka_error::coordinator_not_available));
    return;
  }
  const auto to = target_of(*s.core, question);
  if (to.partition == nullptr || to.partition->leader == no_node) {
    if (begins(question)
        && s.core->image().find_topic(share_states_topic_name) == nullptr)
      make_topic(self);
    wait_early(self, std::move(question), std::move(done), early_until_ms,
      kafka_error::coordinator_not_available);
    return;
  }
  const auto id = s.next_request++;
  const auto frame = encode_share_question(question, to.topic);
  const auto node = to.partition->leader;
  s.open.emplace(
    id, share_front_state::open_question{std::move(question), std::move(done),
          node, s.core->now_ms() + answer_wait_ms, early_until_ms});
  if (node == s.core->config().id) {
    s.core->serve(frame, [self, id](const shared_bytes& answer) {
      take_frame(self, id, answer);
    });
    return;
  }
  s.link->send(node,
    encode(
      share_message{share_request{s.core->own_broker_epoch(), frame}}, id));
}

void ask_again(self_pointer self) {
  auto& s = self->state;
  if (s.early.empty() || s.core->now_ms() < s.early_again_ms)
    return;
  const auto wait_ms = std::min(2 * s.early_wait_ms, early_wait_max_ms);
  for (auto& [key, one] : std::exchange(s.early, {}))
    ask(self, std::move(one.question), std::move(one.done), one.early_until_ms);
  s.early_wait_ms = wait_ms;
  s.early_again_ms = s.core->now_ms() + wait_ms;
}

void give_up_late(self_pointer self) {
  auto& s = self->state;
  while (!s.open.empty() && s.open.begin()->second.until_ms <= s.core->now_ms())
    end_question(
      self, s.open.begin()->first, {kafka_error::request_timed_out, "", {}});
}

void on_link(self_pointer self, const link_change& change) {
  auto& s = self->state;
  s.core->take(change);
  if (change.state == link_state::up)
    return;
  std::vector<uint64_t> lost;
  for (const auto& [id, question] : s.open)
    if (question.to == change.node)
      lost.push_back(id);
  for (const auto id : lost)
    end_question(self, id, refused(kafka_error::network_exception));
}

// -- answering ----------------------------------------------------------------

/// Whether a request is one that fronts make.
bool is_of_fronts(const shared_bytes& frame) {
  kafka_reader reader{frame};
  const auto key = static_cast<kafka::api_key>(reader.read_int16("API key"));
  switch (key) {
  case kafka::api_key::list_offsets:
  case kafka::api_key::initialize_share_group_state:
  case kafka::api_key::read_share_group_state:
  case kafka::api_key::write_share_group_state:
  case kafka::api_key::delete_share_group_state:
  case kafka::api_key::read_share_group_state_summary:
    return reader.status("request of a share front", 0).ok();
  default:
    return false;
  }
}

void take(self_pointer self, const from_node& in) {
  auto& s = self->state;
  auto message = decode_share_message(in.message);
  if (!message) {
    log::warn("what node {} says about share groups is not understood: {}",
      in.node.value, to_string(message.error()));
    return;
  }
  const auto id = in.message.request_id;
  if (const auto* answer = std::get_if<share_response>(&*message)) {
    take_frame(self, id, answer->frame);
    return;
  }
  const auto& request = std::get<share_request>(*message);
  if (!is_of_fronts(request.frame)) {
    log::warn(
      "node {} asks for share groups what is not for them", in.node.value);
    return;
  }
  if (!s.core->ready() || !s.order.admit(in.node, request.broker_epoch, id))
    return; // who has asked gives up, and asks again
  s.core->serve(
    request.frame, [link = s.link, to = in.node, id](shared_bytes answer) {
      link->send(
        to, encode(share_message{share_response{std::move(answer)}}, id));
    });
}

/// What a loop does between two waits.
void end_turn(self_pointer self) {
  auto& s = self->state;
  give_up_late(self);
  ask_again(self);
  s.core->flush_asks();
  auto due = s.core->next_deadline();
  if (!s.open.empty())
    due = std::min(due.value_or(INT64_MAX), s.open.begin()->second.until_ms);
  if (!s.early.empty())
    due = std::min(due.value_or(INT64_MAX), s.early_again_ms);
  if (!due || (s.timer_at_ms >= 0 && s.timer_at_ms <= *due))
    return;
  s.timer_at_ms = std::max<int64_t>(*due, 0);
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(
    self, std::chrono::milliseconds{wait}, share_state_timer{++s.timer});
}

} // namespace

share_front_actor::behavior_type share_front(
  self_pointer self, gateway_wiring wiring) {
  auto& state = self->state;
  state.link = wiring.link;
  state.core = std::make_unique<gateway_core>(std::move(wiring));
  state.core->advance(monotonic_ms(*self));
  state.core->bind(caf::strong_actor_ptr{self->ctrl()}, nullptr);
  state.link->bind(conversation::shares, caf::strong_actor_ptr{self->ctrl()});
  self->set_exit_handler([=](const caf::exit_msg& message) {
    auto& s = self->state;
    s.core->unbind();
    s.open.clear();
    s.early.clear();
    self->quit(message.reason);
  });
  // Begins a step, and ends it when `what` has been done.
  const auto step = [self](auto&& what) {
    self->state.core->advance(monotonic_ms(*self));
    what();
    end_turn(self);
  };
  const auto give_core = [=](auto& message) {
    step([&] {
      self->state.core->take(message);
    });
  };
  return {
    [=](share_state_ask& m) {
      step([&] {
        ask(
          self, std::move(m.question),
          [self, asker = self->current_sender(), ticket = m.ticket](
            share_state_answer answer) {
            tell(self, asker, share_state_result{ticket, std::move(answer)});
          },
          self->state.core->now_ms() + answer_wait_ms);
      });
    },
    [=](const from_node& m) {
      step([&] {
        take(self, m);
      });
    },
    [=](const link_change& m) {
      step([&] {
        on_link(self, m);
      });
    },
    [=](directory_update& m) {
      give_core(m);
    },
    [=](share_state_result& m) {
      give_core(m);
    },
    [=](log_answer& m) {
      give_core(m);
    },
    [=](admin_answer& m) {
      give_core(m);
    },
    [=](const share_state_timer& timer) {
      step([&] {
        if (timer.generation == self->state.timer)
          self->state.timer_at_ms = -1;
      });
    },
  };
}

} // namespace millrace
