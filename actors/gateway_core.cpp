#include "actors/gateway_core.hpp"

#include "actors/client_telemetry.hpp"
#include "actors/kafka/handlers.hpp"
#include "actors/kafka/session.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/group_partition.hpp"

namespace millrace {

namespace {

const caf::strong_actor_ptr nobody;

/// By partition; nobody where there is none.
const caf::strong_actor_ptr& one_of(
  const std::vector<caf::strong_actor_ptr>& all,
  const partition_registration* partition) {
  if (partition == nullptr)
    return nobody;
  const auto index = static_cast<size_t>(partition->index);
  return index < all.size() ? all[index] : nobody;
}

/// No loop gives a connection such a number.
constexpr uint64_t no_connection = uint64_t{1} << 63;

/// An answer without its length; empty if there is none.
shared_bytes frame_of(const outgoing& out) {
  constexpr size_t length_bytes = 4;
  if (out.bytes.empty())
    return {};
  const auto bytes = flatten(out);
  if (!bytes) {
    log::warn(
      "an answer to another node cannot be read: {}", to_string(bytes.error()));
    return {};
  }
  return shared_bytes::copy_of(std::string_view{*bytes}.substr(length_bytes));
}

} // namespace

// Answers of a kind that a sink never asks for are our own mistake.
void answer_sink::take(uint32_t, produce_result&) {
  MILLRACE_ASSERT(false, "who takes a produce_result has asked for it");
}
void answer_sink::take(uint32_t, fetch_answer&) {
  MILLRACE_ASSERT(false, "who takes a fetch_answer has asked for it");
}
void answer_sink::take(uint32_t, log_answer&) {
  MILLRACE_ASSERT(false, "who takes a log_answer has asked for it");
}
void answer_sink::take(uint32_t, admin_answer&) {
  MILLRACE_ASSERT(false, "who takes an admin_answer has asked for it");
}
void answer_sink::take(uint32_t, group_answer&) {
  MILLRACE_ASSERT(false, "who takes a group_answer has asked for it");
}
void answer_sink::take(uint32_t, transaction_result&) {
  MILLRACE_ASSERT(false, "who takes a transaction_result has asked for it");
}
void answer_sink::take(uint32_t, share_answer&) {
  MILLRACE_ASSERT(false, "who takes a share_answer has asked for it");
}
void answer_sink::take(uint32_t, share_state_result&) {
  MILLRACE_ASSERT(false, "who takes a share_state_result has asked for it");
}
void answer_sink::take(uint32_t, log_dirs_answer&) {
  MILLRACE_ASSERT(false, "who takes a log_dirs_answer has asked for it");
}
void answer_sink::on_ready(uint32_t) {}
void answer_sink::on_time() {}

gateway_core::gateway_core(gateway_wiring wiring)
    : wiring_(std::move(wiring)),
      fetch_sessions_(std::make_unique<fetch_session_cache>(
        wiring_.config->fetch_session_slots, [env = wiring_.env] {
          return env->random();
        })) {
  if (wiring_.telemetry == nullptr)
    wiring_.telemetry = std::make_shared<client_telemetry>();
  if (wiring_.quotas == nullptr)
    wiring_.quotas
      = std::make_shared<quota_ledger>(wiring_.config->client_windows);
}

gateway_core::~gateway_core() = default;

void gateway_core::bind(caf::strong_actor_ptr self, caf::execution_unit* unit) {
  self_ = std::move(self);
  unit_ = unit;
  send(wiring_.broker, subscribe_directory{});
  if (wiring_.link != nullptr)
    wiring_.link->watch(self_);
}

void gateway_core::unbind() {
  self_ = nullptr;
  unit_ = nullptr;
  partitions_.clear();
  coordinators_.clear();
  transaction_coordinators_.clear();
  share_coordinators_.clear();
  served_.clear();
  wiring_.controller = nullptr;
  wiring_.broker = nullptr;
  wiring_.link = nullptr;
}

template <class T>
void gateway_core::send(const caf::strong_actor_ptr& to, T&& message) {
  tell(to, std::forward<T>(message), self_, unit_);
}

std::unique_ptr<connection_handler> gateway_core::accept(
  connection& peer, chunk_pool& chunks) {
  auto session = std::make_unique<kafka_session>(*this, peer, chunks);
  sessions_.emplace(peer.id(), session.get());
  return session;
}

void gateway_core::serve(
  shared_bytes frame, std::function<void(shared_bytes)> answer) {
  MILLRACE_ASSERT(ready_, "requests wait for the directory");
  static const endpoint nowhere;
  const auto id = no_connection | next_served_++;
  served_.emplace(id, std::move(answer));
  kafka_request request{.slot = {.session = id},
    .reader = kafka_reader{std::move(frame)},
    .local = &nowhere,
    .remote = &nowhere};
  if (auto begun = handle_request(*this, request); !begun) {
    log::warn(
      "a request between nodes cannot be read: {}", to_string(begun.error()));
    close(request.slot, {});
  }
}

void gateway_core::take(produce_results& message) {
  for (auto& r : message.results)
    deliver(r.ticket, r);
}

void gateway_core::take(fetch_answers& message) {
  for (auto& a : message.answers)
    deliver(a.ticket, a);
}

void gateway_core::take(const data_ready& message) {
  for (const auto ticket : message.tickets)
    if (auto* open = find(ticket)) {
      const auto sink = open->sink;
      sink->on_ready(open->part);
    }
}

void gateway_core::take(log_answer& message) {
  deliver(message.ticket, message);
}

void gateway_core::take(admin_answer& message) {
  // What was decided is visible here before the client hears of it.
  auto a = std::make_shared<admin_answer>(std::move(message));
  when_applied(a->index, [this, a] {
    deliver(a->ticket, *a);
  });
}

void gateway_core::take(group_answer& message) {
  deliver(message.ticket, message);
}

void gateway_core::take(transaction_result& message) {
  deliver(message.ticket, message);
}

void gateway_core::take(share_state_result& message) {
  deliver(message.ticket, message);
}

void gateway_core::take(log_dirs_answer& message) {
  deliver(message.ticket, message);
}

void gateway_core::flush_asks() {
  // A partition that runs on this very thread answers into the mailbox, so
  // nothing here changes underneath.
  for (auto& [to, message] : produce_asks_)
    send(to, std::move(message));
  for (auto& [to, message] : fetch_asks_)
    send(to, std::move(message));
  produce_asks_.clear();
  produce_index_.clear();
  fetch_asks_.clear();
  fetch_index_.clear();
}

void gateway_core::advance(int64_t now_ms) {
  now_ms_ = now_ms;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ms) {
    const auto sink = deadlines_.begin()->second.lock();
    deadlines_.erase(deadlines_.begin());
    if (sink != nullptr)
      sink->on_time();
  }
  close_idle();
}

void gateway_core::close_all() {
  for (const auto& [id, session] : sessions_)
    session->close("the node stops");
}

void gateway_core::close_idle() {
  const auto idle_max = wiring_.config->connection_idle_ms_max;
  if (idle_max < 0 || now_ms_ < next_sweep_ms_)
    return;
  next_sweep_ms_ = now_ms_ + std::clamp<int64_t>(idle_max / 4, 100, 30'000);
  for (const auto& [id, session] : sessions_)
    session->close_if_idle(now_ms_ - idle_max);
}

std::optional<int64_t> gateway_core::next_deadline() const {
  std::optional<int64_t> due;
  if (!deadlines_.empty())
    due = deadlines_.begin()->first;
  if (!sessions_.empty() && wiring_.config->connection_idle_ms_max >= 0)
    due = std::min(due.value_or(INT64_MAX), next_sweep_ms_);
  return due;
}

const caf::strong_actor_ptr& gateway_core::partition(
  const std::string& topic, int32_t index) const {
  const auto at = partitions_.find(topic);
  if (at == partitions_.end() || index < 0
      || static_cast<size_t>(index) >= at->second.size())
    return nobody;
  return at->second[static_cast<size_t>(index)];
}

const partition_registration* gateway_core::partition_of_key(
  const char* internal_topic, std::string_view key) const {
  const auto* topic = image_.find_topic(internal_topic);
  if (topic == nullptr || topic->partitions.empty())
    return nullptr;
  const auto index
    = group_partition(key, static_cast<int32_t>(topic->partitions.size()));
  return &topic->partitions[static_cast<size_t>(index)];
}

const partition_registration* gateway_core::groups_partition(
  std::string_view group) const {
  return partition_of_key(offsets_topic_name, group);
}

const partition_registration* gateway_core::transactions_partition(
  std::string_view id) const {
  return partition_of_key(transactions_topic_name, id);
}

const partition_registration* gateway_core::share_states_partition(
  std::string_view key) const {
  return partition_of_key(share_states_topic_name, key);
}

const caf::strong_actor_ptr& gateway_core::share_coordinator(
  std::string_view key) const {
  return one_of(share_coordinators_, share_states_partition(key));
}

std::vector<caf::strong_actor_ptr>& gateway_core::coordinators_of(
  const std::string& internal_topic) {
  if (internal_topic == share_states_topic_name)
    return share_coordinators_;
  return internal_topic == offsets_topic_name ? coordinators_
                                              : transaction_coordinators_;
}

const caf::strong_actor_ptr& gateway_core::coordinator(
  std::string_view group) const {
  return one_of(coordinators_, groups_partition(group));
}

const caf::strong_actor_ptr& gateway_core::transaction_coordinator(
  std::string_view id) const {
  return one_of(transaction_coordinators_, transactions_partition(id));
}

uint64_t gateway_core::open(const sink_ptr& sink, uint32_t part,
  const caf::strong_actor_ptr& target, bool repeats) {
  uint32_t index = 0;
  if (free_tickets_.empty()) {
    index = static_cast<uint32_t>(tickets_.size());
    tickets_.emplace_back();
  } else {
    index = free_tickets_.back();
    free_tickets_.pop_back();
  }
  auto& ticket = tickets_[index];
  ticket.sink = sink;
  ticket.part = part;
  ticket.target = target->id();
  ticket.repeats = repeats;
  return uint64_t{ticket.generation} << 32 | index;
}

gateway_core::open_ticket* gateway_core::find(uint64_t ticket) {
  const auto index = static_cast<uint32_t>(ticket);
  if (index >= tickets_.size())
    return nullptr;
  auto& entry = tickets_[index];
  return entry.sink != nullptr && entry.generation == ticket >> 32 ? &entry
                                                                   : nullptr;
}

void gateway_core::release(uint64_t ticket) {
  if (find(ticket) == nullptr)
    return;
  const auto index = static_cast<uint32_t>(ticket);
  tickets_[index].sink.reset();
  ++tickets_[index].generation;
  free_tickets_.push_back(index);
}

template <class Answer>
void gateway_core::deliver(uint64_t ticket, Answer& answer) {
  auto* open = find(ticket);
  if (open == nullptr)
    return; // whoever asked has gone, or does not care any more
  const auto sink = open->sink;
  const auto part = open->part;
  if (!open->repeats)
    release(ticket);
  sink->take(part, answer);
}

void gateway_core::ask_produce(const caf::strong_actor_ptr& partition,
  const sink_ptr& sink, uint32_t part, produce_entry entry) {
  entry.ticket = open(sink, part, partition);
  const auto [at, fresh]
    = produce_index_.try_emplace(partition->id(), produce_asks_.size());
  if (fresh)
    produce_asks_.push_back({partition, {}});
  produce_asks_[at->second].second.entries.push_back(std::move(entry));
}

uint64_t gateway_core::ask_fetch(const caf::strong_actor_ptr& partition,
  const sink_ptr& sink, uint32_t part, fetch_ask ask) {
  ask.ticket = open(sink, part, partition, true);
  const auto [at, fresh]
    = fetch_index_.try_emplace(partition->id(), fetch_asks_.size());
  if (fresh)
    fetch_asks_.push_back({partition, {}});
  fetch_asks_[at->second].second.asks.push_back(ask);
  return ask.ticket;
}

void gateway_core::ask_log(const caf::strong_actor_ptr& partition,
  const sink_ptr& sink, uint32_t part, log_question question) {
  const auto ticket = open(sink, part, partition);
  send(partition, log_ask{ticket, std::move(question)});
}

void gateway_core::ask_log_dirs(
  const sink_ptr& sink, uint32_t part, log_dirs_ask ask) {
  ask.ticket = open(sink, part, wiring_.broker);
  send(wiring_.broker, std::move(ask));
}

void gateway_core::ask_admin(const sink_ptr& sink, uint32_t part,
  int16_t version, admin_question question,
  std::optional<quota_client> client) {
  const auto ticket = open(sink, part, wiring_.controller);
  send(wiring_.controller,
    admin_ask{ticket, version, std::move(question), std::move(client)});
}

void gateway_core::ask_group(const caf::strong_actor_ptr& coordinator,
  const sink_ptr& sink, uint32_t part, group_ask ask) {
  ask.ticket = open(sink, part, coordinator);
  send(coordinator, std::move(ask));
}

void gateway_core::ask_transactions(const caf::strong_actor_ptr& coordinator,
  const sink_ptr& sink, uint32_t part, transaction_ask ask) {
  ask.ticket = open(sink, part, coordinator);
  send(coordinator, std::move(ask));
}

uint64_t gateway_core::ask_share(const caf::strong_actor_ptr& partition,
  const sink_ptr& sink, uint32_t part, share_ask ask) {
  const bool repeats
    = std::holds_alternative<share_fetch_question>(ask.question);
  ask.ticket = open(sink, part, partition, repeats);
  const auto ticket = ask.ticket;
  send(partition, std::move(ask));
  return ticket;
}

void gateway_core::release_shares(const share_session_cache::ended& session) {
  for (const auto& one : session.partitions) {
    const auto* topic = image_.find_topic(one.topic);
    if (topic == nullptr)
      continue;
    if (const auto& to = partition(topic->name, one.partition); to != nullptr)
      send(to, share_ask{.group = session.key.group,
                 .member = session.key.member,
                 .question = share_release_question{}});
  }
}

void gateway_core::end_share_session(const share_session_key& key) {
  if (const auto ended = share_sessions_.end(key))
    release_shares(*ended);
}

void gateway_core::ask_share_state(const caf::strong_actor_ptr& coordinator,
  const sink_ptr& sink, uint32_t part, share_state_question question) {
  const auto ticket = open(sink, part, coordinator);
  send(coordinator, share_state_ask{ticket, std::move(question)});
}

void gateway_core::call_at(int64_t when_ms, const sink_ptr& sink) {
  deadlines_.emplace(when_ms, sink);
}

void gateway_core::when_applied(uint64_t index, std::function<void()> what) {
  if (static_cast<int64_t>(index) <= image_.applied_index())
    what();
  else
    awaiting_index_.emplace(index, std::move(what));
}

void gateway_core::apply(const metadata_update& update) {
  if (update.commands == nullptr)
    return;
  const auto before = image_.brokers();
  for (const auto& command : *update.commands)
    apply_to(image_, command);
  pass_to(image_, update);
  for (const auto& [id, broker] : image_.brokers())
    if (const auto was = before.find(id);
      broker.fenced && was != before.end() && !was->second.fenced)
      absences_.on_fenced(id, now_ms_);
}

void gateway_core::take(share_answer& message) {
  deliver(message.ticket, message);
}

void gateway_core::take(directory_update& update) {
  if (update.image != nullptr)
    image_ = *update.image;
  apply(update.metadata);
  std::vector<caf::actor_id> lost;
  for (auto& place : update.partitions) {
    auto& all = partitions_[place.name.topic];
    const auto index = static_cast<size_t>(place.name.partition);
    if (all.size() <= index)
      all.resize(index + 1);
    if (all[index] != nullptr && all[index] != place.partition)
      lost.push_back(all[index]->id());
    all[index] = std::move(place.partition);
    if (std::all_of(all.begin(), all.end(), [](const auto& p) {
          return p == nullptr;
        }))
      partitions_.erase(place.name.topic);
  }
  for (auto& place : update.coordinators) {
    auto& all = coordinators_of(place.name.topic);
    const auto index = static_cast<size_t>(place.name.partition);
    if (all.size() <= index)
      all.resize(index + 1);
    if (all[index] != nullptr && all[index] != place.coordinator)
      lost.push_back(all[index]->id());
    all[index] = std::move(place.coordinator);
  }
  for (const auto target : lost)
    lose(target);
  if (!ready_) {
    ready_ = true;
    for (const auto& [id, session] : sessions_)
      session->on_ready();
  }
  while (!awaiting_index_.empty()
         && static_cast<int64_t>(awaiting_index_.begin()->first)
              <= image_.applied_index()) {
    const auto what = std::move(awaiting_index_.begin()->second);
    awaiting_index_.erase(awaiting_index_.begin());
    what();
  }
}

void gateway_core::take(const link_change& message) {
  if (message.state == link_state::up)
    absences_.on_link_up(message.node);
  else
    absences_.on_link_lost(message.node, now_ms_);
}

void gateway_core::lose(caf::actor_id target) {
  std::vector<std::pair<sink_ptr, uint32_t>> lost;
  for (uint32_t i = 0; i < tickets_.size(); ++i) {
    auto& ticket = tickets_[i];
    if (ticket.sink == nullptr || ticket.target != target)
      continue;
    lost.emplace_back(ticket.sink, ticket.part);
    release(uint64_t{ticket.generation} << 32 | i);
  }
  for (const auto& [sink, part] : lost)
    sink->on_lost(part);
}

int64_t gateway_core::own_broker_epoch() const {
  const auto* own = image_.find_broker(config().id);
  return own == nullptr ? -1 : own->broker_epoch;
}

void gateway_core::finish(const reply_slot& slot, outgoing out) {
  if (const auto at = sessions_.find(slot.session); at != sessions_.end())
    at->second->finish(slot.number, std::move(out));
  else if (auto served = served_.extract(slot.session); !served.empty())
    served.mapped()(frame_of(out));
}

void gateway_core::close(const reply_slot& slot, std::string_view why) {
  if (const auto at = sessions_.find(slot.session); at != sessions_.end())
    at->second->close(why);
  else
    finish(slot, {});
}

const endpoint* gateway_core::local_of(const reply_slot& slot) const {
  const auto at = sessions_.find(slot.session);
  return at == sessions_.end() ? nullptr : &at->second->peer().local();
}

client_software* gateway_core::software(const reply_slot& slot) const {
  const auto at = sessions_.find(slot.session);
  return at == sessions_.end() ? nullptr : &at->second->software();
}

void gateway_core::session_closed(uint64_t id) {
  sessions_.erase(id);
  for (const auto& ended : share_sessions_.end_all_of(id))
    release_shares(ended);
}

bool gateway_core::add_in_flight(int64_t bytes) {
  in_flight_bytes_ += bytes;
  const auto room = wiring_.config->queued_request_bytes_max;
  return room < 0 || in_flight_bytes_ <= room;
}

void gateway_core::sub_in_flight(int64_t bytes) {
  in_flight_bytes_ -= bytes;
  const auto room = wiring_.config->queued_request_bytes_max;
  if (waiting_for_room_.empty() || in_flight_bytes_ > room / 2)
    return;
  for (const auto id : std::exchange(waiting_for_room_, {}))
    if (const auto at = sessions_.find(id); at != sessions_.end())
      at->second->on_room();
}

void gateway_core::wait_for_room(uint64_t session) {
  waiting_for_room_.push_back(session);
}

} // namespace millrace
