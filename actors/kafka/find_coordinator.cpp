#include "schema/kafka/find_coordinator.hpp"

#include "actors/kafka/sinks.hpp"

namespace millrace {

namespace {

/// What a key names, in the protocol's numbers; share groups (2) are not here.
enum class key_kind : int8_t { group = 0, transaction = 1 };

const partition_registration* partition_of(
  const gateway_core& hub, key_kind kind, std::string_view key) {
  return kind == key_kind::group ? hub.groups_partition(key)
                                 : hub.transactions_partition(key);
}

/// A response, or one of its coordinators.
template <class Out>
void fill(const gateway_core& hub, const reply_slot& slot, int8_t key_type,
  const std::string& key, Out& out) {
  out.node_id = -1;
  out.port = -1;
  if (key_type != static_cast<int8_t>(key_kind::group)
      && key_type != static_cast<int8_t>(key_kind::transaction)) {
    out.error_code = code(kafka_error::invalid_request);
    out.error_message
      = "only coordinators of groups and of transactions are here";
    return;
  }
  const auto kind = static_cast<key_kind>(key_type);
  if (kind == key_kind::transaction && key.empty()) {
    out.error_code = code(kafka_error::invalid_request);
    out.error_message = "a transactional id is not empty";
    return;
  }
  const auto* partition = partition_of(hub, kind, key);
  const auto leader = partition == nullptr ? current_leader{}
                                           : leader_of(*partition,
                                               view_of(hub, slot), hub.image());
  if (!leader.address) {
    out.error_code = code(kafka_error::coordinator_not_available);
    out.error_message = partition == nullptr
                          ? "the topic of the coordinators is not there yet"
                          : "the partition that keeps the key has no leader";
    return;
  }
  if (slot.version < 4)
    out.error_message = "NONE"; // as it has been since v1
  out.node_id = leader.id.value;
  out.host = leader.address->host;
  out.port = leader.address->port;
}

void answer(gateway_core& hub, const reply_slot& slot,
  const kafka::find_coordinator_request& body) {
  kafka::find_coordinator_response response;
  if (slot.version < 4)
    fill(hub, slot, body.key_type, body.key, response);
  else
    for (const auto& key : body.coordinator_keys) {
      auto& out = response.coordinators.emplace_back();
      out.key = key;
      fill(hub, slot, body.key_type, key, out);
    }
  reply(hub, slot, response);
}

} // namespace

/// The topic that coordinators keep their state in is made when somebody asks
/// for the first of them.
result<void> handle_find_coordinator(
  gateway_core& hub, kafka_request& request) {
  kafka::find_coordinator_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto slot = request.slot;
  const auto* topic
    = body.key_type == static_cast<int8_t>(key_kind::group) ? offsets_topic_name
      : body.key_type == static_cast<int8_t>(key_kind::transaction)
        ? transactions_topic_name
        : nullptr;
  if (topic == nullptr || hub.image().find_topic(topic) != nullptr) {
    answer(hub, slot, body);
    return {};
  }
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [](uint32_t, admin_answer*) {},
    [&hub, slot, body] {
      answer(hub, slot, body);
    });
  sink->expect();
  hub.ask_admin(sink, 0, slot.version, auto_create_topics{{topic}});
  sink->asked_all();
  return {};
}

} // namespace millrace
