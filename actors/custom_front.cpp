#include "actors/custom_front.hpp"

#include "actors/custom_host.hpp"
#include "actors/kafka/sinks.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = caf::stateful_actor<custom_front_state>*;

/// How long an answer of another node is waited for at most; who has asked
/// has given up before.
constexpr int64_t answer_wait_ms = 30'000;
/// After the end of an instance, and before a topic is asked for again.
constexpr int64_t pause_ms = 500;

// -- instances ----------------------------------------------------------------

void review_later(self_pointer self) {
  self->delayed_send(self, std::chrono::milliseconds{pause_ms}, front_review{});
}

/// The topic that an actor's state is kept in.
void make_topic(self_pointer self, const custom_deployment& deployment) {
  auto& s = self->state;
  const auto name = deployment.state_topic();
  if (!s.making.insert(name).second)
    return;
  kafka::create_topics_request request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = deployment.instances;
  topic.replication_factor = -1;
  const auto set = [&](const char* key, const std::string& value) {
    auto& config = topic.configs.emplace_back();
    config.name = key;
    config.value = value;
  };
  set("cleanup.policy", "delete");
  set("retention.ms", "-1"); // nothing of it is ever too old
  set("retention.bytes", "-1");
  set("max.message.bytes", std::to_string(32 << 20));
  // What one node alone has could be lost with it.
  if (s.core->config().default_replication_factor > 2)
    set("min.insync.replicas", "2");
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [self, name](uint32_t, admin_answer* answer) {
      auto& made = self->state.making;
      made.erase(name);
      const auto* reply
        = answer == nullptr
            ? nullptr
            : std::get_if<kafka::create_topics_response>(&answer->reply);
      if (reply == nullptr || reply->topics.empty()
          || reply->topics.front().error_code == 0)
        return;
      const auto why
        = static_cast<kafka_error>(reply->topics.front().error_code);
      if (why != kafka_error::topic_already_exists)
        log::warn("{} cannot be made yet: {} {}", name, to_string(why),
          reply->topics.front().error_message.value_or(""));
    },
    [self] {
      review_later(self);
    });
  sink->expect();
  s.core->ask_admin(sink, 0, 7, std::move(request));
  sink->asked_all();
}

std::map<actor_address, custom_front_state::wanted> find_wanted(
  self_pointer self) {
  auto& s = self->state;
  const auto here = s.core->config().id;
  std::map<actor_address, custom_front_state::wanted> all;
  for (const auto& deployment : s.deployments->all()) {
    if (!deployment.is_placed()) {
      all[{deployment.name, here.value}] = {&deployment, leader_epoch{0}, {}};
      continue;
    }
    const auto name = deployment.state_topic();
    const auto* topic = s.core->image().find_topic(name);
    if (topic == nullptr) {
      make_topic(self, deployment);
      continue;
    }
    for (const auto& p : topic->partitions) {
      const auto& log = s.core->partition(name, p.index);
      if (p.leader == here && log != nullptr && p.index < deployment.instances)
        all[{deployment.name, p.index}] = {&deployment, p.epoch, log};
    }
  }
  return all;
}

void begin(self_pointer self, const actor_address& address,
  const custom_front_state::wanted& wanted) {
  auto& s = self->state;
  const auto host = s.env->spawn_blocking(self->system(), custom_host, s.env,
    custom_host_options{.deployment = *wanted.deployment,
      .address = address,
      .node = s.core->config().id,
      .front = caf::strong_actor_ptr{self->ctrl()},
      .log = wanted.log,
      .nodes = s.nodes,
      .trim_records_min = s.core->config().offsets_trim_records});
  self->monitor(host);
  s.instances[address] = {caf::actor_cast<caf::strong_actor_ptr>(host),
    wanted.epoch, wanted.log, false};
}

/// Ends what does not belong here any more, and begins what does. The next
/// life of an instance begins when the one before has really ended.
void review(self_pointer self) {
  auto& s = self->state;
  if (!s.core->ready())
    return;
  const auto wanted = find_wanted(self);
  for (auto& [address, running] : s.instances) {
    const auto at = wanted.find(address);
    const bool stays = at != wanted.end() && at->second.epoch == running.epoch
                       && at->second.log == running.log;
    if (stays || std::exchange(running.ends, true))
      continue;
    log::info("actor {} moves away from this node", to_string(address));
    caf::anon_send_exit(
      caf::actor_cast<caf::actor>(running.host), caf::exit_reason::kill);
  }
  for (const auto& [address, what] : wanted) {
    if (s.instances.contains(address))
      continue;
    if (const auto at = s.not_before_ms.find(address);
      at != s.not_before_ms.end() && at->second > s.core->now_ms())
      continue; // a review comes then
    begin(self, address, what);
  }
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  for (const auto& [address, running] : s.instances) {
    if (running.host->address() != down.source)
      continue;
    // It ended by itself: not at once again.
    if (!running.ends) {
      s.not_before_ms[address] = monotonic_ms(*self) + pause_ms;
      review_later(self);
    }
    s.instances.erase(address);
    review(self);
    return;
  }
}

void tell_nodes(self_pointer self) {
  auto& s = self->state;
  std::set<node_id> alive;
  for (const auto& [id, broker] : s.core->image().brokers())
    if (s.core->image().is_alive(id))
      alive.insert(id);
  if (alive == s.nodes)
    return;
  s.nodes = std::move(alive);
  for (const auto& [address, running] : s.instances)
    tell(self, running.host, nodes_up{s.nodes});
}

// -- letters ------------------------------------------------------------------

/// The node that runs an instance, or should.
node_id node_of(const custom_front_state& s, const actor_address& address) {
  const auto* deployment = s.deployments->find(address.name);
  if (deployment == nullptr)
    return no_node;
  if (!deployment->is_placed())
    return node_id{address.instance};
  const auto* topic = s.core->image().find_topic(deployment->state_topic());
  if (topic == nullptr || address.instance < 0
      || static_cast<size_t>(address.instance) >= topic->partitions.size())
    return no_node;
  return topic->partitions[static_cast<size_t>(address.instance)].leader;
}

void hand_in(self_pointer self, actor_letter letter) {
  auto& s = self->state;
  if (const auto at = s.instances.find(letter.to); at != s.instances.end())
    tell(self, at->second.host, letter_in{std::move(letter)});
}

void carry(self_pointer self, actor_letter letter) {
  auto& s = self->state;
  const auto node = node_of(s, letter.to);
  if (node == s.link->self())
    hand_in(self, std::move(letter));
  else if (node.value >= 0)
    s.link->send(node, encode(custom_message{std::move(letter)}));
  else
    log::debug("a letter to {} is lost: nobody runs it", to_string(letter.to));
}

// -- questions ----------------------------------------------------------------

node_id leader_of(
  const custom_front_state& s, const std::string& topic, int32_t partition) {
  const auto* found = s.core->image().find_topic(topic);
  if (found == nullptr || partition < 0
      || static_cast<size_t>(partition) >= found->partitions.size())
    return no_node;
  return found->partitions[static_cast<size_t>(partition)].leader;
}

void forget_old_questions(custom_front_state& s) {
  const auto now = s.core->now_ms();
  while (!s.asked.empty() && s.asked.begin()->second.until_ms < now)
    s.asked.erase(s.asked.begin());
}

void ask(self_pointer self, const front_ask& ask) {
  auto& s = self->state;
  const auto host = self->current_sender();
  const auto to = ask.topic.empty() ? s.link->self()
                                    : leader_of(s, ask.topic, ask.partition);
  if (to == s.link->self()) {
    s.core->serve(
      ask.frame, [self, host, ticket = ask.ticket](shared_bytes answer) {
        tell(self, host, front_answer{ticket, std::move(answer)});
      });
    return;
  }
  if (to.value < 0) {
    tell(self, host, front_answer{ask.ticket, {}});
    return;
  }
  forget_old_questions(s);
  const auto id = s.next_request++;
  s.asked[id] = {host, ask.ticket, s.core->now_ms() + answer_wait_ms};
  s.link->send(to, encode(custom_message{forwarded_request{ask.frame}}, id));
}

void take(self_pointer self, const from_node& in) {
  auto& s = self->state;
  auto message = decode_custom_message(in.message);
  if (!message) {
    log::warn("what node {} sends for custom actors is not understood: {}",
      in.node.value, to_string(message.error()));
    return;
  }
  const auto id = in.message.request_id;
  if (auto* letter = std::get_if<actor_letter>(&*message)) {
    hand_in(self, std::move(*letter));
  } else if (auto* request = std::get_if<forwarded_request>(&*message)) {
    if (s.core->ready())
      s.core->serve(
        request->frame, [link = s.link, to = in.node, id](shared_bytes answer) {
          link->send(to,
            encode(custom_message{forwarded_answer{std::move(answer)}}, id));
        });
  } else if (auto asked = s.asked.extract(id); !asked.empty()) {
    tell(self, asked.mapped().host,
      front_answer{
        asked.mapped().ticket, std::get<forwarded_answer>(*message).frame});
  }
}

/// What a loop does between two waits.
void end_turn(self_pointer self) {
  auto& s = self->state;
  s.core->flush_asks();
  const auto due = s.core->next_deadline();
  if (!due || (s.turn_at_ms >= 0 && s.turn_at_ms <= *due))
    return;
  s.turn_at_ms = *due;
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(
    self, std::chrono::milliseconds{wait}, front_turn{++s.turn});
}

void end(self_pointer self, const caf::error& why) {
  auto& s = self->state;
  for (const auto& [address, running] : s.instances)
    caf::anon_send_exit(
      caf::actor_cast<caf::actor>(running.host), caf::exit_reason::kill);
  s.instances.clear();
  s.asked.clear();
  s.core->unbind();
  self->quit(why);
}

} // namespace

caf::behavior custom_front(self_pointer self, environment* env,
  gateway_wiring wiring,
  std::shared_ptr<const custom_deployments> deployments) {
  auto& state = self->state;
  state.env = env;
  state.link = wiring.link;
  state.deployments = std::move(deployments);
  state.core = std::make_unique<gateway_core>(std::move(wiring));
  state.core->advance(monotonic_ms(*self));
  state.core->bind(caf::strong_actor_ptr{self->ctrl()}, nullptr);
  state.link->bind(conversation::custom, caf::strong_actor_ptr{self->ctrl()});
  self->set_down_handler([=](const caf::down_msg& down) {
    on_down(self, down);
  });
  self->set_exit_handler([=](const caf::exit_msg& message) {
    end(self, message.reason);
  });
  // Begins a step, and ends it when `what` has been done.
  const auto step = [self](auto&& what) {
    self->state.core->advance(monotonic_ms(*self));
    what();
    end_turn(self);
  };
  const auto take_answer = [=](auto& message) {
    step([&] {
      self->state.core->take(message);
    });
  };
  return {
    [=](produce_results& m) {
      take_answer(m);
    },
    [=](fetch_answers& m) {
      take_answer(m);
    },
    [=](const data_ready& m) {
      take_answer(m);
    },
    [=](log_answer& m) {
      take_answer(m);
    },
    [=](admin_answer& m) {
      take_answer(m);
    },
    [=](group_answer& m) {
      take_answer(m);
    },
    [=](transaction_result& m) {
      take_answer(m);
    },
    [=](share_answer& m) {
      take_answer(m);
    },
    [=](share_state_result& m) {
      take_answer(m);
    },
    [=](log_dirs_answer& m) {
      take_answer(m);
    },
    [=](const link_change& m) {
      take_answer(m);
    },
    [=](directory_update& m) {
      step([&] {
        self->state.core->take(m);
        tell_nodes(self);
        review(self);
      });
    },
    [=](const from_node& m) {
      step([&] {
        take(self, m);
      });
    },
    [=](const front_ask& m) {
      step([&] {
        ask(self, m);
      });
    },
    [=](letter_out& m) {
      step([&] {
        carry(self, std::move(m.letter));
      });
    },
    [=](front_review) {
      step([&] {
        review(self);
      });
    },
    [=](const front_turn& t) {
      step([&] {
        if (t.generation == self->state.turn)
          self->state.turn_at_ms = -1;
      });
    },
  };
}

} // namespace millrace
