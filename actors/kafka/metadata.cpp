#include "actors/kafka/sinks.hpp"
#include "actors/log.hpp"
#include "cluster/metadata_answers.hpp"

namespace millrace {

namespace {

/// An answer that would name a leader which may have died a moment ago: it
/// waits for what the controller makes of that.
class pending_metadata : public answer_sink,
                         public std::enable_shared_from_this<pending_metadata> {
public:
  pending_metadata(gateway_core& hub, const reply_slot& slot,
    kafka::metadata_request body, client_view view)
      : hub_(hub), slot_(slot), body_(std::move(body)), view_(std::move(view)) {
  }

  static bool names_a_lost_leader(
    const gateway_core& hub, const kafka::metadata_response& response) {
    for (const auto& topic : response.topics)
      for (const auto& p : topic.partitions)
        if (p.leader_id >= 0
            && hub.absences().has_just_gone({p.leader_id}, hub.now_ms()))
          return true;
    return false;
  }

  void begin() {
    hub_.call_at(
      hub_.now_ms() + node_absences::answer_waits_ms, shared_from_this());
    await_change();
  }
  void on_lost(uint32_t) override {}
  void on_time() override {
    consider();
  }

private:
  void await_change() {
    hub_.when_applied(static_cast<uint64_t>(hub_.image().applied_index()) + 1,
      [self = shared_from_this()] {
        self->consider();
      });
  }

  void consider() {
    if (done_)
      return;
    view_.lately_fenced = hub_.absences().lately_fenced(hub_.now_ms());
    const auto answer
      = answer_metadata(body_, view_, hub_.image(), hub_.config());
    if (names_a_lost_leader(hub_, answer.response)) {
      await_change();
      return;
    }
    done_ = true;
    reply(hub_, slot_, answer.response);
  }

  gateway_core& hub_;
  reply_slot slot_;
  kafka::metadata_request body_;
  client_view view_;
  bool done_ = false;
};

} // namespace

result<void> handle_metadata(gateway_core& hub, kafka_request& request) {
  kafka::metadata_request body;
  MILLRACE_TRY(read_body(request, body));
  auto view = view_of(hub, request);
  view.lately_fenced = hub.absences().lately_fenced(hub.now_ms());
  auto answer = answer_metadata(body, view, hub.image(), hub.config());
  const bool may_create
    = hub.config().auto_create_topics
      && (view.version < 4 || body.allow_auto_topic_creation);
  if (answer.missing.empty() || !may_create) {
    if (pending_metadata::names_a_lost_leader(hub, answer.response))
      std::make_shared<pending_metadata>(
        hub, request.slot, std::move(body), std::move(view))
        ->begin();
    else
      reply(hub, request.slot, answer.response);
    return {};
  }
  // What is made on first use is there when the client hears of it.
  auto again = [&hub, slot = request.slot, body, view] {
    reply(hub, slot,
      answer_metadata(body, view, hub.image(), hub.config()).response);
  };
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [](uint32_t, admin_answer*) {}, again);
  sink->expect();
  hub.ask_admin(
    sink, 0, view.version, auto_create_topics{std::move(answer.missing)});
  sink->asked_all();
  return {};
}

result<void> handle_describe_cluster(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_cluster_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_cluster(body, view_of(hub, request), hub.image()));
  return {};
}

result<void> handle_describe_topic_partitions(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_topic_partitions_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_topic_partitions(
      body, view_of(hub, request), hub.image(), hub.config()));
  return {};
}

result<void> handle_describe_configs(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_configs_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_configs(
      body, view_of(hub, request), hub.image(), hub.config()));
  return {};
}

result<void> handle_list_config_resources(
  gateway_core& hub, kafka_request& request) {
  kafka::list_config_resources_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_list_config_resources(body, view_of(hub, request), hub.image()));
  return {};
}

} // namespace millrace
