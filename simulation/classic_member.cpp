#include "simulation/classic_member.hpp"

#include "cluster/embedded_protocol.hpp"
#include "cluster/versioned_record.hpp"
#include "schema/kafka/leave_group.hpp"

#include <algorithm>

namespace millrace {

namespace {

using kafka::api_key;

constexpr int16_t protocol_version = 3; // of the consumer protocol
constexpr int64_t beat_ms_max = 1500;
constexpr int32_t session_timeout_ms = 8'000;
constexpr int32_t rebalance_timeout_ms = 20'000;
constexpr const char* protocol_type = "consumer";

using subscription_map
  = std::map<std::string, kafka::consumer_protocol_subscription>;

/// Who owns what, as those of the newest generation say.
std::map<int32_t, std::string> owners_in(const subscription_map& members) {
  int32_t newest = -1;
  for (const auto& [id, said] : members)
    newest = std::max(newest, said.generation_id);
  std::map<int32_t, std::string> owners;
  for (const auto& [id, said] : members)
    if (said.generation_id == newest)
      for (const auto& t : said.owned_partitions)
        for (const auto p : t.partitions)
          owners[p] = id;
  return owners;
}

std::set<int32_t> read_partitions(const std::string& assignment) {
  std::set<int32_t> partitions;
  if (assignment.empty())
    return partitions;
  kafka_reader reader{shared_bytes::copy_of(assignment)};
  const auto version = reader.read_int16("version");
  kafka::consumer_protocol_assignment message;
  const auto read
    = decode(reader, std::min(version, protocol_version), message);
  MILLRACE_ASSERT(read.ok(), "an assignment can be read");
  for (const auto& t : message.assigned_partitions)
    partitions.insert(t.partitions.begin(), t.partitions.end());
  return partitions;
}

} // namespace

void classic_member::say_goodbye() {
  if (id_.empty())
    return;
  kafka::leave_group_request request;
  request.group_id = group_.name;
  request.members.emplace_back().member_id = id_;
  client_->request<kafka::leave_group_response>(coordinator_,
    api_key::leave_group, 5, request,
    [](const kafka::leave_group_response*) {});
}

void classic_member::act() {
  if (next_ == step::join)
    join();
  else if (next_ == step::sync)
    sync();
  else
    beat();
}

bool classic_member::met(const char* what, kafka_error error) {
  note(what, error);
  switch (error) {
  case kafka_error::none:
    return false;
  case kafka_error::unknown_member_id:
    id_.clear();
    [[fallthrough]];
  case kafka_error::illegal_generation:
  case kafka_error::fenced_instance_id:
    give_up_all();
    generation_ = -1;
    next_ = step::join;
    break;
  case kafka_error::rebalance_in_progress:
    next_ = step::join;
    break;
  default:
    lose_coordinator(last_answer());
  }
  later(300);
  return true;
}

std::string classic_member::subscription() const {
  kafka::consumer_protocol_subscription message;
  message.topics = {group_.topic_name()};
  message.generation_id = generation_;
  if (!owned_.empty())
    message.owned_partitions.push_back(
      {group_.topic_name(), {owned_.begin(), owned_.end()}});
  return encode_prefixed(protocol_version, protocol_version, message);
}

void classic_member::join() {
  if (!group_.is_cooperative)
    give_up_all();
  kafka::join_group_request request;
  request.group_id = group_.name;
  request.session_timeout_ms = session_timeout_ms;
  request.rebalance_timeout_ms = rebalance_timeout_ms;
  request.member_id = id_;
  request.protocol_type = protocol_type;
  request.protocols.push_back(
    {group_.is_cooperative ? "cooperative-sticky" : "range", subscription()});
  client_->request<kafka::join_group_response>(coordinator_,
    api_key::join_group, 9, request,
    [this](const kafka::join_group_response* response) {
      joined(response);
    });
}

void classic_member::joined(const kafka::join_group_response* response) {
  const auto code = response == nullptr
                      ? kafka_error::network_exception
                      : static_cast<kafka_error>(response->error_code);
  if (code == kafka_error::member_id_required) {
    id_ = response->member_id;
    go_on();
    return;
  }
  if (met("JoinGroup", code))
    return;
  id_ = response->member_id;
  generation_ = response->generation_id;
  protocol_ = response->protocol_name.value_or("");
  led_.clear();
  if (response->leader == id_)
    for (const auto& m : response->members) {
      auto said = read_subscription(m.metadata);
      MILLRACE_ASSERT(said.ok(), "a member's metadata comes as it was sent");
      led_[m.member_id] = std::move(*said);
    }
  next_ = step::sync;
  go_on();
}

/// In turn; what has an owner it leaves it, or, where members keep what they
/// can, gives to nobody until that has given it up.
std::map<std::string, std::set<int32_t>> classic_member::assign() const {
  std::map<std::string, std::set<int32_t>> assigned;
  if (led_.empty())
    return assigned;
  const auto owners = owners_in(led_);
  auto turn = led_.begin();
  for (int32_t p = 0; p < group_.all.partitions; ++p) {
    const auto owner = owners.find(p);
    const bool is_owned = owner != owners.end();
    if (!is_owned || owner->second == turn->first || !group_.is_cooperative)
      assigned[turn->first].insert(p);
    if (++turn == led_.end())
      turn = led_.begin();
  }
  return assigned;
}

void classic_member::sync() {
  kafka::sync_group_request request;
  request.group_id = group_.name;
  request.generation_id = generation_;
  request.member_id = id_;
  request.protocol_type = protocol_type;
  request.protocol_name = protocol_;
  for (const auto& [id, partitions] : assign()) {
    kafka::consumer_protocol_assignment message;
    message.assigned_partitions.push_back(
      {group_.topic_name(), {partitions.begin(), partitions.end()}});
    request.assignments.push_back(
      {id, encode_prefixed(protocol_version, protocol_version, message)});
  }
  client_->request<kafka::sync_group_response>(coordinator_,
    api_key::sync_group, 5, request,
    [this, q = ask()](const kafka::sync_group_response* response) {
      synced(response, q);
    });
}

void classic_member::synced(
  const kafka::sync_group_response* response, const question& q) {
  if (met("SyncGroup", response == nullptr
                         ? kafka_error::network_exception
                         : static_cast<kafka_error>(response->error_code))) {
    // It may have missed what it was given: it asks for it anew.
    next_ = step::join;
    return;
  }
  const auto assigned = read_partitions(response->assignment);
  next_ = step::beat;
  const auto before = owned_;
  for (const auto p : before)
    if (!assigned.contains(p)) {
      give_up(p);
      next_ = step::join; // so that another one is given it
    }
  take_over(assigned, q);
  later(300);
}

void classic_member::beat() {
  kafka::heartbeat_request request;
  request.group_id = group_.name;
  request.generation_id = generation_;
  request.member_id = id_;
  client_->request<kafka::heartbeat_response>(coordinator_, api_key::heartbeat,
    4, request, [this, q = ask()](const kafka::heartbeat_response* response) {
      heard(response, q);
    });
}

void classic_member::heard(
  const kafka::heartbeat_response* response, const question& q) {
  if (met("Heartbeat", response == nullptr
                         ? kafka_error::network_exception
                         : static_cast<kafka_error>(response->error_code)))
    return;
  keep(q);
  later(beat_ms_max);
}

} // namespace millrace
