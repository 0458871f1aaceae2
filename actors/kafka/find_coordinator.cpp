#include "schema/kafka/find_coordinator.hpp"

#include "actors/kafka/sinks.hpp"

#include <charconv>

namespace millrace {

namespace {

/// What a key names, in the protocol's numbers.
enum class key_kind : int8_t { group = 0, transaction = 1, share = 2 };

constexpr int16_t share_version = 6; // KIP-932

/// Where coordinators of this kind keep their state; null: there is none.
const char* topic_of(int8_t key_type, int16_t version) {
  switch (static_cast<key_kind>(key_type)) {
  case key_kind::group:
    return offsets_topic_name;
  case key_kind::transaction:
    return transactions_topic_name;
  case key_kind::share:
    return version >= share_version ? share_states_topic_name : nullptr;
  }
  return nullptr;
}

/// `group:topic id:partition`.
bool is_share_key(std::string_view key) {
  const auto last = key.rfind(':');
  if (last == key.npos || last == 0)
    return false;
  const auto middle = key.rfind(':', last - 1);
  uuid topic;
  int32_t partition = 0;
  const auto index = key.substr(last + 1);
  const auto [end, failed]
    = std::from_chars(index.data(), index.data() + index.size(), partition);
  return middle != key.npos && middle > 0
         && parse_uuid(key.substr(middle + 1, last - middle - 1), topic)
         && failed == std::errc{} && end == index.data() + index.size();
}

const partition_registration* partition_of(
  const gateway_core& hub, key_kind kind, std::string_view key) {
  if (kind == key_kind::share)
    return hub.share_states_partition(key);
  return kind == key_kind::group ? hub.groups_partition(key)
                                 : hub.transactions_partition(key);
}

/// A response, or one of its coordinators.
template <class Out>
void fill(const gateway_core& hub, const reply_slot& slot, int8_t key_type,
  const std::string& key, Out& out) {
  out.node_id = -1;
  out.port = -1;
  if (topic_of(key_type, slot.version) == nullptr) {
    out.error_code = code(kafka_error::invalid_request);
    out.error_message = "no coordinators of this kind are here";
    return;
  }
  const auto kind = static_cast<key_kind>(key_type);
  if (kind == key_kind::share && !is_share_key(key)) {
    out.error_code = code(kafka_error::invalid_request);
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
  const auto* topic = topic_of(body.key_type, slot.version);
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
