#include "tests/preload/workload.hpp"

#include "apps/client/cluster.hpp"
#include "apps/client/refusal.hpp"
#include "tests/preload/record_values.hpp"
#include "tests/preload/requests.hpp"

namespace millrace::preload {

namespace {

constexpr int timeout_ms = 30'000;
constexpr int32_t lasting_partitions = 2;
constexpr const char* lasting_topic = "orders";
constexpr const char* hasty_topic = "clicks"; // produced to with acks=1

int16_t code_of(const kafka::init_producer_id_response& response) {
  return response.error_code;
}

} // namespace

workload::workload(uint64_t seed) : rng_(seed) {}

bool workload::chance(double probability) {
  return std::bernoulli_distribution{probability}(rng_);
}

int64_t workload::between(int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>{least, most}(rng_);
}

result<workload::connection> workload::connect() {
  // Another name for each, by which the record is read.
  return connection::open(
    server_, "c" + std::to_string(++connection_count_), timeout_ms);
}

size_t workload::note(
  operation o, const connection& by, const connection::ticket& as) {
  o.request = {by.client_id(), as.correlation_id};
  history_.push_back(std::move(o));
  return history_.size() - 1;
}

template <class Request>
result<void> workload::ask(operation o, const Request& request) {
  using response = typename client::exchange<Request>::response;
  return client::with_retries(timeout_ms, [&](int ms) -> result<void> {
    auto ticket = admin_->send(request);
    if (!ticket)
      return error{errc::io_error, ticket.error().context};
    const auto index = note(o, *admin_, *ticket);
    auto answer = admin_->receive<response>(*ticket, ms);
    if (!answer)
      return error{errc::io_error, answer.error().context};
    if (const auto code = code_of(*answer); code != 0)
      return client::refused(code, "do what the workload asks");
    history_[index].acknowledged = true;
    if constexpr (std::is_same_v<response, kafka::init_producer_id_response>)
      history_[index].value = answer->producer_id;
    return {};
  });
}

result<void> workload::begin(const endpoint& server) {
  server_ = server;
  for (auto* to : {&admin_, &committer_, &reader_}) {
    auto opened = connect();
    if (!opened)
      return opened.error();
    *to = std::move(*opened);
  }
  commits_.clear();
  if (history_.empty()) {
    MILLRACE_TRY(create(lasting_topic, lasting_partitions));
    MILLRACE_TRY(create(hasty_topic, 1));
    for (int32_t p = 0; p < lasting_partitions; ++p)
      MILLRACE_TRY(add_lane({lasting_topic, p}, -1));
    MILLRACE_TRY(add_lane({hasty_topic, 0}, 1));
    return {};
  }
  for (auto& lane : lanes_) {
    auto opened = connect();
    if (!opened)
      return opened.error();
    lane.to = std::move(*opened);
    MILLRACE_TRY(repeat_unanswered(lane));
  }
  return {};
}

result<void> workload::create(const std::string& topic, int32_t partitions) {
  return ask(
    {.kind = operation_kind::create, .at = {topic}, .count = partitions},
    create_of(topic, partitions));
}

result<void> workload::add_lane(const topic_partition& at, int16_t acks) {
  lane added{.at = at, .acks = acks};
  auto opened = connect();
  if (!opened)
    return opened.error();
  added.to = std::move(*opened);
  if (acks == -1) {
    MILLRACE_TRY(
      ask({.kind = operation_kind::producer_id}, producer_id_request()));
    added.producer = history_.back().value;
  }
  lanes_.push_back(std::move(added));
  return {};
}

/// A topic is made, produced to, deleted, and sometimes made again under the
/// same name.
result<void> workload::change_passing_topic() {
  if (passing_.empty()) {
    if (passing_count_ == 0 || chance(0.7))
      ++passing_count_;
    const auto name = "passing" + std::to_string(passing_count_);
    MILLRACE_TRY(create(name, 1));
    passing_ = name;
    return add_lane({passing_, 0}, -1);
  }
  const auto name = std::exchange(passing_, {});
  lanes_.pop_back();
  return ask({.kind = operation_kind::remove, .at = {name}}, delete_of(name));
}

/// Deletes about half of the records of one partition.
result<void> workload::trim() {
  const topic_partition at{lasting_topic, lasting_partitions - 1};
  int64_t start = 0;
  int64_t end = 0;
  for (const auto& o : history_) {
    if (o.at == at && o.kind == operation_kind::trim)
      start = o.value;
    else if (o.at == at && o.kind == operation_kind::produce && o.acknowledged)
      end = o.base_offset + o.count;
  }
  const int64_t before = between(start, end);
  return ask({.kind = operation_kind::trim, .at = at, .value = before},
    trim_of(at, before));
}

result<void> workload::send_produce(lane& to, operation o) {
  const auto batch = make_batch({o.producer, o.sequence, o.value, o.count});
  auto ticket = to.to->send(produce_to(o.at, o.acks, batch));
  if (!ticket)
    return ticket.error();
  to.sent.push_back({note(std::move(o), *to.to, *ticket), *ticket});
  return {};
}

result<void> workload::take_produce(lane& of) {
  const auto [index, ticket] = of.sent.front();
  auto answer = of.to->receive<kafka::produce_response>(ticket, timeout_ms);
  if (!answer)
    return answer.error();
  const auto& part = answer_of(*answer);
  if (part.error_code != 0)
    return client::refused(
      part.error_code, "produce to " + to_string(of.at), part.error_message);
  history_[index].acknowledged = true;
  history_[index].base_offset = part.base_offset;
  of.sent.pop_front();
  return {};
}

/// What an idempotent producer does when its connection breaks.
result<void> workload::repeat_unanswered(lane& of) {
  auto unanswered = std::exchange(of.sent, {});
  if (of.acks != -1)
    return {}; // nobody was promised anything
  for (const auto& sent : unanswered) {
    const auto again = history_[sent.index];
    MILLRACE_TRY(client::with_retries(timeout_ms, [&](int) -> result<void> {
      of.sent.clear();
      MILLRACE_TRY(send_produce(of, again));
      return take_produce(of);
    }));
  }
  return {};
}

result<void> workload::send_commit() {
  operation o{.kind = operation_kind::commit,
    .at
    = {lasting_topic, static_cast<int32_t>(between(0, lasting_partitions - 1))},
    .group = "group" + std::to_string(between(1, 3)),
    .value = ++next_commit_};
  auto ticket = committer_->send(commit_for(o.group, o.at, o.value));
  if (!ticket)
    return ticket.error();
  commits_.push_back({note(std::move(o), *committer_, *ticket), *ticket});
  return {};
}

result<void> workload::take_commit() {
  const auto [index, ticket] = commits_.front();
  auto answer
    = committer_->receive<kafka::offset_commit_response>(ticket, timeout_ms);
  if (!answer)
    return answer.error();
  commits_.pop_front();
  const auto code = preload::code_of(*answer);
  history_[index].acknowledged = code == 0;
  // While the coordinator loads, or before its topic is made, none is done.
  if (code != 0 && !is_retriable(static_cast<kafka_error>(code)))
    return client::refused(code, "commit an offset");
  return {};
}

/// A consumer, so that segments are sent, and syncs are waited for.
result<void> workload::fetch(const topic_partition& at) {
  kafka::fetch_request request;
  request.replica_id = -1;
  request.max_wait_ms = 20;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = at.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition = at.partition;
  partition.partition_max_bytes = 8192;
  auto answer = reader_->call(request, timeout_ms);
  return answer ? result<void>{} : answer.error();
}

result<void> workload::send_round() {
  ++round_;
  for (auto& lane : lanes_) {
    // Alone at first: a later one must not overtake one that is refused
    // because the topic is so new.
    const int64_t batches = lane.sequence == 0 ? 1 : between(0, 4);
    for (int64_t i = 0; i < batches; ++i) {
      operation o{.kind = operation_kind::produce,
        .at = lane.at,
        .acks = lane.acks,
        .producer = lane.producer,
        .sequence = lane.producer < 0 ? -1 : lane.sequence,
        .value = next_value_,
        .count = static_cast<int32_t>(between(1, 4))};
      lane.sequence += o.count;
      next_value_ += o.count;
      MILLRACE_TRY(send_produce(lane, std::move(o)));
    }
  }
  for (int64_t i = between(0, 2); i > 0; --i)
    MILLRACE_TRY(send_commit());
  return {};
}

result<void> workload::run_round() {
  MILLRACE_TRY(send_round());
  if (chance(0.3))
    MILLRACE_TRY(fetch(lanes_[static_cast<size_t>(between(
                                0, static_cast<int64_t>(lanes_.size()) - 1))]
        .at));
  for (auto& lane : lanes_)
    while (!lane.sent.empty())
      MILLRACE_TRY(take_produce(lane));
  while (!commits_.empty())
    MILLRACE_TRY(take_commit());
  if (round_ % 4 == 0)
    MILLRACE_TRY(trim());
  return round_ % 3 == 0 ? change_passing_topic() : result<void>{};
}

result<void> workload::run_cut_round() {
  MILLRACE_TRY(send_round());
  for (auto& lane : lanes_)
    for (auto left = between(0, static_cast<int64_t>(lane.sent.size()));
      left > 0; --left)
      MILLRACE_TRY(take_produce(lane));
  if (!commits_.empty() && chance(0.5))
    MILLRACE_TRY(take_commit());
  return cut_topic_change();
}

/// A change of topics that gets no answer; nobody uses that name again.
result<void> workload::cut_topic_change() {
  const bool removes = !passing_.empty() && chance(0.5);
  if (removes)
    lanes_.pop_back();
  else if (passing_.empty())
    passing_ = "passing" + std::to_string(++passing_count_);
  else
    return {};
  const auto name = std::exchange(passing_, {});
  ++passing_count_;
  auto ticket = removes ? admin_->send(delete_of(name))
                        : admin_->send(create_of(name, 1));
  if (!ticket)
    return ticket.error();
  note({.kind = removes ? operation_kind::remove : operation_kind::create,
         .at = {name},
         .count = removes ? 0 : 1},
    *admin_, *ticket);
  return {};
}

} // namespace millrace::preload
