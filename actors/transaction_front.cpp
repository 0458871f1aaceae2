#include "actors/transaction_front.hpp"

#include "actors/kafka/sinks.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "schema/planted_bug.hpp"
#include "storage/control_batch.hpp"

namespace millrace {

namespace {

using self_pointer
  = transaction_front_actor::stateful_pointer<transaction_front_state>;

// The requests of both queues share a conversation.
constexpr uint64_t check_request(uint64_t id) {
  return id << 1;
}
constexpr uint64_t marker_request(uint64_t id) {
  return id << 1 | 1;
}
constexpr bool is_about_markers(uint64_t request) {
  return (request & 1) != 0;
}

// -- asking -------------------------------------------------------------------

void answer_checks(
  self_pointer self, const transaction_checks::answers& answers) {
  auto& s = self->state;
  for (const auto& [token, error] : answers) {
    const auto open = s.open.extract(token);
    MILLRACE_ASSERT(!open.empty(), "a token is answered once");
    tell(self, open.mapped().asker,
      transaction_checked{open.mapped().ticket, error});
  }
}

void send_checks(self_pointer self) {
  auto& s = self->state;
  for (auto& request : s.checks.take_due(s.core->now_ms())) {
    const auto* partition
      = s.core->transactions_partition(request.check.transactional_id);
    if (partition == nullptr || partition->leader == no_node) {
      answer_checks(self,
        s.checks.fail(request.id, kafka_error::coordinator_not_available));
      continue;
    }
    s.asked[request.id] = partition->leader;
    s.link->send(
      partition->leader, encode(transaction_message{std::move(request.check)},
                           check_request(request.id)));
  }
}

std::optional<marker_target> find_target(
  const gateway_core& core, const topic_partition& name) {
  const auto* topic = core.image().find_topic(name.topic);
  if (topic == nullptr || name.partition < 0
      || static_cast<size_t>(name.partition) >= topic->partitions.size())
    return std::nullopt;
  const auto& p = topic->partitions[static_cast<size_t>(name.partition)];
  return marker_target{p.leader, p.epoch};
}

void send_markers(self_pointer self) {
  auto& s = self->state;
  const auto find = [&](const topic_partition& name) {
    return find_target(*s.core, name);
  };
  for (auto& request : s.markers.take_due(find, s.core->now_ms()))
    s.link->send(request.to,
      encode(transaction_message{marker_order{
               s.core->own_broker_epoch(), std::move(request.writes)}},
        marker_request(request.id)));
  std::map<int32_t, markers_written> by_coordinator;
  for (auto& written : s.markers.take_written())
    by_coordinator[written.coordinator].markers.push_back(std::move(written));
  for (auto& [index, message] : by_coordinator)
    tell(self, s.coordinators[index], std::move(message));
}

void take_answer(
  self_pointer self, uint64_t request, std::span<const kafka_error> errors) {
  auto& s = self->state;
  const auto now = s.core->now_ms();
  if (is_about_markers(request)) {
    s.markers.on_answer(request >> 1, errors, now);
    return;
  }
  s.asked.erase(request >> 1);
  answer_checks(self, s.checks.on_answer(request >> 1, errors, now));
}

/// Who has been asked may lead no more, and then may never answer.
void on_directory(self_pointer self, directory_update& update) {
  auto& s = self->state;
  s.core->take(update);
  if (update.metadata.commands == nullptr)
    return;
  s.markers.review(
    [&](const topic_partition& name) {
      return find_target(*s.core, name);
    },
    s.core->now_ms());
}

void on_link(self_pointer self, const link_change& change) {
  auto& s = self->state;
  s.core->take(change);
  if (change.state == link_state::up)
    return;
  s.markers.on_lost(change.node, s.core->now_ms());
  for (const auto& [id, node] : std::map{s.asked})
    if (node == change.node) {
      s.asked.erase(id);
      answer_checks(self, s.checks.fail(id, kafka_error::network_exception));
    }
}

void want_markers(self_pointer self, const markers_wanted& wanted) {
  auto& s = self->state;
  const auto& sender = self->current_sender();
  auto& known = s.coordinators[wanted.coordinator];
  if (known != sender) {
    s.markers.drop(wanted.coordinator);
    known = sender;
    self->monitor(sender->address());
  }
  for (const auto& markers : wanted.markers)
    s.markers.add(wanted.coordinator, wanted.coordinator_epoch, markers);
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  for (auto at = s.coordinators.begin(); at != s.coordinators.end(); ++at)
    if (at->second->address() == down.source) {
      s.markers.drop(at->first);
      s.coordinators.erase(at);
      return;
    }
}

// -- answering ----------------------------------------------------------------

/// The errors of one request, sent when the last one is known.
struct answer_round {
  std::shared_ptr<node_link> link;
  node_id to;
  uint64_t request = 0;
  std::vector<kafka_error> errors;

  void send() const {
    link->send(
      to, encode(transaction_message{transaction_errors{errors}}, request));
  }
};

kafka::add_partitions_to_txn_request request_of(
  const transaction_check& check) {
  kafka::add_partitions_to_txn_request request;
  auto& asked = request.transactions.emplace_back();
  asked.transactional_id = check.transactional_id;
  asked.producer_id = check.id.value;
  asked.producer_epoch = check.epoch;
  asked.verify_only = !check.adds;
  for (const auto& [topic, partition] : check.partitions)
    asked.topics.push_back({topic, {partition}});
  return request;
}

/// A topic for each partition, as they were asked for.
void take_errors(const kafka::add_partitions_to_txn_response& response,
  std::vector<kafka_error>& errors) {
  size_t i = 0;
  for (const auto& transaction : response.results_by_transaction)
    for (const auto& topic : transaction.topic_results)
      for (const auto& partition : topic.results_by_partition)
        if (i < errors.size())
          errors[i++]
            = static_cast<kafka_error>(partition.partition_error_code);
}

void answer_check(self_pointer self, const std::shared_ptr<answer_round>& round,
  const transaction_check& check) {
  auto& s = self->state;
  round->errors.assign(check.partitions.size(), kafka_error::not_coordinator);
  const auto& coordinator
    = s.core->transaction_coordinator(check.transactional_id);
  if (coordinator == nullptr) {
    round->send();
    return;
  }
  auto sink = std::make_shared<gather_sink<transaction_result>>(
    [round](uint32_t, transaction_result* result) {
      if (result != nullptr)
        take_errors(
          std::get<kafka::add_partitions_to_txn_response>(result->reply),
          round->errors);
    },
    [round] {
      round->send();
    });
  sink->expect();
  constexpr int16_t verifies = 4;
  constexpr int16_t adds = 5;
  s.core->ask_transactions(coordinator, sink, 0,
    {.version = check.adds ? adds : verifies, .question = request_of(check)});
  sink->asked_all();
}

void write_markers(self_pointer self,
  const std::shared_ptr<answer_round>& round, const marker_order& order) {
  auto& s = self->state;
  round->errors.assign(
    order.writes.size(), kafka_error::not_leader_or_follower);
  auto sink = std::make_shared<gather_sink<produce_result>>(
    [round](uint32_t part, produce_result* result) {
      if (result != nullptr)
        round->errors[part] = result->error;
    },
    [round] {
      round->send();
    });
  for (uint32_t part = 0; part < order.writes.size(); ++part) {
    const auto& write = order.writes[part];
    const auto target = marker_writer(*s.core, write.partition);
    if (target.error != kafka_error::none) {
      round->errors[part] = target.error;
      continue;
    }
    sink->expect();
    s.core->ask_produce(target.partition, sink, part,
      {.batch = make_control_batch(
         {write.id, write.epoch, write.commit, write.coordinator_epoch},
         s.core->env().wall_clock_ms()),
        .origin = append_origin::coordinator,
        .transaction_version = write.transaction_version,
        .leadership = planted(bug::transaction_takes_belated_markers)
                        ? no_leader_epoch
                        : write.leadership});
  }
  sink->asked_all();
}

void take(self_pointer self, const from_node& in) {
  auto& s = self->state;
  auto message = decode_transaction_message(in.message);
  if (!message) {
    log::warn("what node {} says about transactions is not understood: {}",
      in.node.value, to_string(message.error()));
    return;
  }
  const auto id = in.message.request_id;
  if (const auto* answer = std::get_if<transaction_errors>(&*message)) {
    take_answer(self, id, answer->errors);
    return;
  }
  if (!s.core->ready())
    return; // it comes again
  auto round = std::make_shared<answer_round>();
  round->link = s.link;
  round->to = in.node;
  round->request = id;
  if (const auto* check = std::get_if<transaction_check>(&*message))
    answer_check(self, round, *check);
  else if (const auto& order = std::get<marker_order>(*message);
    s.order.admit(in.node, order.broker_epoch, id)
    || planted(bug::transaction_takes_belated_markers))
    write_markers(self, round, order);
}

/// What a loop does between two waits.
void end_turn(self_pointer self) {
  auto& s = self->state;
  if (s.core->ready()) {
    answer_checks(self, s.checks.take_late(s.core->now_ms()));
    send_checks(self);
    send_markers(self);
  }
  s.core->flush_asks();
  std::optional<int64_t> due = s.core->next_deadline();
  for (const auto& other :
    {s.checks.next_deadline(), s.markers.next_deadline()})
    if (other && s.core->ready())
      due = std::min(due.value_or(INT64_MAX), *other);
  if (!due || (s.timer_at_ms >= 0 && s.timer_at_ms <= *due))
    return;
  s.timer_at_ms = std::max<int64_t>(*due, 0);
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(
    self, std::chrono::milliseconds{wait}, transaction_timer{++s.timer});
}

} // namespace

transaction_front_actor::behavior_type transaction_front(
  self_pointer self, gateway_wiring wiring) {
  auto& state = self->state;
  state.link = wiring.link;
  state.core = std::make_unique<gateway_core>(std::move(wiring));
  state.core->advance(monotonic_ms(*self));
  state.core->bind(caf::strong_actor_ptr{self->ctrl()}, nullptr);
  state.link->bind(
    conversation::transactions, caf::strong_actor_ptr{self->ctrl()});
  self->set_down_handler([=](const caf::down_msg& down) {
    on_down(self, down);
  });
  self->set_exit_handler([=](const caf::exit_msg& message) {
    self->state.core->unbind();
    self->state.coordinators.clear();
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
    [=](check_transaction& m) {
      step([&] {
        auto& s = self->state;
        const auto token = s.next_token++;
        s.open[token] = {self->current_sender(), m.ticket};
        s.checks.add(token, std::move(m.check), s.core->now_ms());
      });
    },
    [=](const markers_wanted& m) {
      step([&] {
        want_markers(self, m);
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
      step([&] {
        on_directory(self, m);
      });
    },
    [=](produce_results& m) {
      give_core(m);
    },
    [=](transaction_result& m) {
      give_core(m);
    },
    [=](const transaction_timer& timer) {
      step([&] {
        if (timer.generation == self->state.timer)
          self->state.timer_at_ms = -1;
      });
    },
  };
}

} // namespace millrace
