#include "actors/controller.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;

constexpr auto save_delay = std::chrono::seconds{1};

/// What was decided becomes part of the proposal under way.
void take(controller_actor_state& s, std::vector<metadata_command> commands) {
  for (auto& command : commands) {
    // The log's first entry has index 1.
    const auto index = static_cast<uint64_t>(
      std::max<int64_t>(s.core->image().applied_index(), 0) + 1);
    s.core->apply(command, static_cast<int64_t>(index),
      static_cast<int64_t>(s.options.term));
    s.unsaved.note(command, s.core->image());
    s.proposing.push_back({index, s.options.term, std::move(command)});
  }
}

template <class Request>
admin_reply decide(controller_actor_state& s, const Request& request) {
  auto decided = s.core->decide(request);
  take(s, std::move(decided.records));
  return std::move(decided.reply);
}

admin_reply decide(
  controller_actor_state& s, const auto_create_topics& request) {
  auto decided = s.core->decide_auto_creation(request.names);
  take(s, std::move(decided.records));
  for (const auto& topic : decided.reply)
    if (topic.error != kafka_error::none)
      log::warn("topic {} could not be created on first use: {}",
        log::quoted(topic.name), topic.message);
  return kafka_error::none;
}

admin_reply decide(
  controller_actor_state& s, const kafka::init_producer_id_request& request) {
  kafka::init_producer_id_response response;
  if (request.transactional_id) {
    // Not retriable: transactions are not there yet.
    response.error_code = static_cast<int16_t>(
      kafka_error::transactional_id_authorization_failed);
    response.producer_epoch = -1;
    return response;
  }
  if (s.next_producer_id == s.producer_id_end) {
    const auto* broker = s.core->image().find_broker(s.options.config->id);
    auto decided = s.core->decide(allocate_producer_ids{
      s.options.config->id, broker != nullptr ? broker->broker_epoch : -1});
    if (decided.reply.error != kafka_error::none) {
      response.error_code = static_cast<int16_t>(decided.reply.error);
      response.producer_epoch = -1;
      return response;
    }
    take(s, std::move(decided.records));
    s.next_producer_id = decided.reply.first.value;
    s.producer_id_end = s.next_producer_id + decided.reply.count;
  }
  response.producer_id = s.next_producer_id++;
  response.producer_epoch = 0;
  return response;
}

void welcome_subscribers(self_pointer self) {
  auto& s = self->state;
  if (s.new_subscribers.empty())
    return;
  auto image = std::make_shared<const metadata_image>(s.core->image());
  for (auto& subscriber : s.new_subscribers) {
    tell(self, subscriber, metadata_snapshot{image});
    s.subscribers.push_back(std::move(subscriber));
  }
  s.new_subscribers.clear();
}

void answer_parked(self_pointer self, uint64_t index) {
  for (auto& parked : std::exchange(self->state.parked, {})) {
    parked.answer.index = index;
    tell(self, parked.asker, std::move(parked.answer));
  }
}

/// Decides everything that waits. Precondition: nothing is under way.
void decide_waiting(self_pointer self) {
  auto& s = self->state;
  welcome_subscribers(self);
  const auto before = static_cast<uint64_t>(
    std::max<int64_t>(s.core->image().applied_index(), 0));
  while (!s.waiting.empty()) {
    auto [asker, ask] = std::move(s.waiting.front());
    s.waiting.pop_front();
    auto reply = std::visit(
      [&](const auto& question) {
        return decide(s, question);
      },
      ask.question);
    s.parked.push_back({asker, {ask.ticket, 0, std::move(reply)}});
  }
  if (s.proposing.empty()) {
    answer_parked(self, before);
    return;
  }
  propose message;
  for (const auto& entry : s.proposing)
    message.commands.push_back(encode(entry.command));
  tell(self, s.options.consensus, std::move(message));
}

void arm_save(self_pointer self) {
  auto& s = self->state;
  if (s.save_armed || s.unsaved.empty())
    return;
  s.save_armed = true;
  self->delayed_send(self, save_delay, save_image{});
}

void on_committed(self_pointer self, const proposed& outcome) {
  auto& s = self->state;
  if (!outcome.ok) {
    // This state is ahead of the log: start again from what is on disk (R20).
    self->quit(caf::exit_reason::unhandled_exception);
    return;
  }
  MILLRACE_ASSERT(
    !s.proposing.empty() && s.proposing.back().index == outcome.last_index,
    "the log has exactly the entries that were proposed");
  metadata_update update;
  update.commands = std::make_shared<const std::vector<committed_command>>(
    std::exchange(s.proposing, {}));
  for (const auto& subscriber : s.subscribers)
    tell(self, subscriber, update);
  answer_parked(self, outcome.last_index);
  arm_save(self);
  decide_waiting(self);
}

} // namespace

controller_actor::behavior_type controller(
  self_pointer self, environment* env, controller_options options) {
  auto& state = self->state;
  state.env = env;
  state.options = std::move(options);
  state.unsaved = std::move(state.options.unsaved);
  state.core.emplace(*state.options.config, state.options.image, [env] {
    return env->random_uuid();
  });
  take(state, state.core->decide_bootstrap());
  if (!state.proposing.empty())
    decide_waiting(self);
  return {
    [=](admin_ask& ask) {
      auto& s = self->state;
      s.waiting.push_back({self->current_sender(), std::move(ask)});
      if (s.proposing.empty())
        decide_waiting(self);
    },
    [=](const proposed& outcome) {
      on_committed(self, outcome);
    },
    [=](subscribe_metadata) {
      auto& s = self->state;
      s.new_subscribers.push_back(self->current_sender());
      if (s.proposing.empty())
        decide_waiting(self);
    },
    [=](save_image) {
      auto& s = self->state;
      s.save_armed = false;
      if (!s.proposing.empty()) {
        arm_save(self); // not before it is committed
        return;
      }
      if (!s.unsaved.empty())
        tell(self, s.options.keeper,
          image_commit{0, s.unsaved.take(s.core->image(), s.options.log_id)});
    },
    [](const image_committed&) {
      // The metadata log is kept whole; nothing waits for its image.
    },
  };
}

} // namespace millrace
