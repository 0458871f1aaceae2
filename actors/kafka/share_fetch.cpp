#include "schema/kafka/share_fetch.hpp"

#include "actors/kafka/share_parts.hpp"

namespace millrace {

namespace {

constexpr int8_t record_limit_mode = 1; // share_acquire_mode (KIP-1206)

/// A ShareFetch whose partitions are asked: all to acknowledge, at once, and
/// one after the other for records, as what one gives the next need not. It is
/// answered when there are records and all acknowledgements are durable, or
/// when its time is over.
class pending_share_fetch
    : public answer_sink,
      public std::enable_shared_from_this<pending_share_fetch> {
public:
  pending_share_fetch(gateway_core& hub, const kafka_request& request,
    const kafka::share_fetch_request& body, share_session_key key,
    share_fetch_plan plan)
      : hub_(hub), slot_(request.slot), key_(std::move(key)),
        settings_(share_settings_of(hub, key_.group)), ends_(plan.ends),
        highest_(
          highest_type(request.header.api_version >= 2 && body.is_renew_ack)),
        wanted_{body.max_records,
          body.batch_size > 0 ? body.batch_size : INT32_MAX,
          request.header.api_version >= 2
            && body.share_acquire_mode == record_limit_mode},
        bytes_left_(std::min(body.max_bytes, hub.config().fetch_bytes_max)),
        min_bytes_(std::min(std::max(body.min_bytes, 0), bytes_left_)),
        deadline_ms_(hub.now_ms() + std::max(body.max_wait_ms, 0)) {
    for (const auto& of : plan.partitions)
      parts_.push_back({.of = of, .fetches = true});
    for (auto& one : acknowledgements_of(body.topics)) {
      if (find(one.of) == nullptr)
        parts_.push_back({.of = one.of});
      find(one.of)->said = std::move(one);
    }
  }

  void begin() {
    for (uint32_t i = 0; i < parts_.size(); ++i)
      acknowledge(i);
    begin_round();
    begun_ = true;
    go_on();
    if (!ended_ && deadline_ms_ > hub_.now_ms())
      hub_.call_at(deadline_ms_, shared_from_this());
  }

  void take(uint32_t number, share_answer& answer) override {
    auto& p = parts_[number / 2];
    if (number % 2 == of_acknowledgement) {
      p.acknowledge_error = answer.error;
      --acknowledging_;
    } else if (p.asked) {
      p.asked = false;
      take_records(p, answer);
    }
    go_on();
  }

  void on_ready(uint32_t number) override {
    parts_[number / 2].ready = true;
    go_on();
  }

  void on_lost(uint32_t number) override {
    auto& p = parts_[number / 2];
    if (number % 2 == of_acknowledgement) {
      p.acknowledge_error = kafka_error::not_leader_or_follower;
      --acknowledging_;
    } else {
      p.has_ticket = false;
      p.asked = false;
      p.error = kafka_error::not_leader_or_follower;
    }
    go_on();
  }

  void on_time() override {
    go_on();
  }

private:
  static constexpr uint32_t of_fetch = 0;
  static constexpr uint32_t of_acknowledgement = 1;

  struct part {
    share_session_partition of;
    bool fetches = false;
    bool told = false; ///< whatever becomes of it
    std::optional<shared_acknowledgements> said;
    kafka_error acknowledge_error = kafka_error::none;
    kafka_error error = kafka_error::none;
    share_answer answer;
    size_t bytes_there = 0;
    uint64_t ticket = 0;
    bool has_ticket = false;
    bool due = false;   ///< to be asked in this round
    bool asked = false; ///< its answer has not come
    bool ready = false; ///< there may be more since
  };

  part* find(const share_session_partition& of) {
    const auto at
      = std::find_if(parts_.begin(), parts_.end(), [&](const auto& p) {
          return p.of == of;
        });
    return at == parts_.end() ? nullptr : &*at;
  }

  void acknowledge(uint32_t i) {
    auto& p = parts_[i];
    if (!p.said)
      return;
    p.told = true;
    p.acknowledge_error = ask_to_acknowledge(hub_, key_, std::move(*p.said),
      highest_, shared_from_this(), 2 * i + of_acknowledgement);
    if (p.acknowledge_error == kafka_error::none)
      ++acknowledging_;
  }

  [[nodiscard]] bool is_late() const {
    return hub_.now_ms() >= deadline_ms_;
  }
  [[nodiscard]] bool wants_more() const {
    return records_ < wanted_.records_max && bytes_left_ > 0;
  }

  /// All partitions are asked, one after the other.
  void begin_round() {
    for (auto& p : parts_)
      p.due = p.fetches && p.error == kafka_error::none && wants_more();
  }

  void ask(uint32_t i) {
    auto& p = parts_[i];
    p.due = false;
    p.ready = false;
    const auto found = locate(hub_, p.of.topic, p.of.partition);
    p.error = found.error;
    if (p.error != kafka_error::none)
      return;
    if (p.has_ticket)
      hub_.release(p.ticket);
    p.has_ticket = true;
    p.asked = true;
    auto wanted = wanted_;
    wanted.records_max -= static_cast<int32_t>(records_);
    p.ticket
      = hub_.ask_share(found.partition, shared_from_this(), 2 * i + of_fetch,
        {.group = key_.group,
          .member = key_.member,
          .settings = settings_,
          .question = share_fetch_question{.wanted = wanted,
            .bytes_max = bytes_left_,
            .wait_below_bytes = takes_all_ || is_late() ? 0 : min_bytes_,
            .wait_until_ms = deadline_ms_}});
  }

  void take_records(part& p, share_answer& answer) {
    p.error = answer.error;
    p.bytes_there = answer.bytes_there;
    if (answer.acquired.empty())
      return;
    for (const auto& range : answer.acquired)
      records_ += range.last.value - range.first.value + 1;
    bytes_left_ -= static_cast<int32_t>(
      std::min<size_t>(answer.bytes, static_cast<size_t>(bytes_left_)));
    p.answer = std::move(answer);
  }

  [[nodiscard]] bool is_asking() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const auto& p) {
      return p.asked;
    });
  }

  /// Asks who is due, unless somebody is asked already. False if nobody is.
  bool ask_next() {
    for (uint32_t i = 0; i < parts_.size(); ++i)
      if (parts_[i].due && wants_more()) {
        ask(i);
        if (parts_[i].asked)
          return true;
      }
    return false;
  }

  /// Whether there is an answer, or nothing to wait for. A client that is told
  /// that something is wrong here would come again at once: it may wait.
  [[nodiscard]] bool is_enough() const {
    const bool news
      = std::any_of(parts_.begin(), parts_.end(), [](const auto& p) {
          return p.error != kafka_error::none
                 && p.error != kafka_error::unknown_server_error;
        });
    const bool any
      = std::any_of(parts_.begin(), parts_.end(), [](const auto& p) {
          return p.fetches;
        });
    return records_ > 0 || news || !any || wanted_.records_max <= 0
           || bytes_left_ <= 0;
  }

  /// The bytes of several partitions may be enough together; and what there
  /// is, is enough when the time is over.
  bool may_take_all() {
    size_t there = 0;
    for (const auto& p : parts_)
      there += p.bytes_there;
    if (takes_all_ || there == 0
        || (!is_late() && there < static_cast<size_t>(min_bytes_)))
      return false;
    takes_all_ = true;
    return true;
  }

  void go_on() {
    if (!begun_ || ended_ || is_asking() || ask_next())
      return;
    if (!is_enough()) {
      if (may_take_all()) {
        begin_round();
        go_on();
        return;
      }
      if (!is_late()) {
        bool again = false;
        for (auto& p : parts_) {
          p.due = p.ready && p.fetches;
          again = again || p.due;
        }
        if (again)
          go_on();
        return;
      }
    }
    if (acknowledging_ == 0)
      end();
  }

  void end() {
    ended_ = true;
    for (auto& p : parts_)
      if (p.has_ticket)
        hub_.release(p.ticket);
    if (ends_)
      hub_.end_share_session(key_);
    kafka::share_fetch_response response;
    response.acquisition_lock_timeout_ms = settings_.limits.lock_duration_ms;
    leader_hints hints{hub_, slot_, response};
    size_t bytes = 0;
    for (auto& p : parts_) {
      bytes += p.answer.bytes;
      if (p.told || p.error != kafka_error::none || !p.answer.acquired.empty())
        add_to(response, hints, p);
    }
    hub_.counters().bytes_out.add(static_cast<int64_t>(bytes));
    reply(hub_, slot_, response);
  }

  void add_to(kafka::share_fetch_response& response,
    leader_hints<kafka::share_fetch_response>& hints, part& p) {
    auto& out = add_shared(response, p.of);
    out.error_code = code(p.error);
    out.acknowledge_error_code = code(p.acknowledge_error);
    if (p.error == kafka_error::not_leader_or_follower
        || p.acknowledge_error == kafka_error::not_leader_or_follower)
      hints.add(hub_.image().find_topic(p.of.topic), p.of.partition, out);
    for (const auto& range : p.answer.acquired)
      out.acquired_records.push_back(
        {range.first.value, range.last.value, range.delivery_count});
    out.records.slices = std::move(p.answer.slices);
    if (p.error != kafka_error::none)
      hub_.counters().failed_fetch.add();
  }

  gateway_core& hub_;
  reply_slot slot_;
  share_session_key key_;
  share_settings settings_;
  bool ends_;
  share_acknowledge_type highest_;
  share_wanted wanted_;
  int32_t bytes_left_;
  int32_t min_bytes_;
  int64_t deadline_ms_;
  std::vector<part> parts_;
  int64_t records_ = 0;
  size_t acknowledging_ = 0;
  bool takes_all_ = false;
  bool begun_ = false;
  bool ended_ = false;
};

/// Refuses when the time is over that the client would wait: it would only
/// come again at once.
class late_refusal : public answer_sink,
                     public std::enable_shared_from_this<late_refusal> {
public:
  late_refusal(gateway_core& hub, const reply_slot& slot, kafka_error error)
      : hub_(hub), slot_(slot), error_(error) {}

  void begin(int64_t when_ms) {
    self_ = shared_from_this();
    hub_.call_at(when_ms, self_);
  }
  void on_lost(uint32_t) override {}
  void on_time() override {
    kafka::share_fetch_response response;
    response.error_code = code(error_);
    reply(hub_, slot_, response);
    self_.reset();
  }

private:
  gateway_core& hub_;
  reply_slot slot_;
  kafka_error error_;
  std::shared_ptr<late_refusal> self_; ///< nobody else waits for anything
};

std::vector<share_session_partition> named_in(
  const kafka::share_fetch_request& body) {
  std::vector<share_session_partition> named;
  for (const auto& topic : body.topics)
    for (const auto& p : topic.partitions)
      named.push_back({topic.topic_id, p.partition_index});
  return named;
}

std::vector<share_session_partition> forgotten_in(
  const kafka::share_fetch_request& body) {
  std::vector<share_session_partition> forgotten;
  for (const auto& topic : body.forgotten_topics_data)
    for (const auto index : topic.partitions)
      forgotten.push_back({topic.topic_id, index});
  return forgotten;
}

bool has_acknowledgements(const kafka::share_fetch_request& body) {
  for (const auto& topic : body.topics)
    for (const auto& p : topic.partitions)
      if (!p.acknowledgement_batches.empty())
        return true;
  return false;
}

/// Who renews locks has no room for records: it asks for none (KIP-1222).
bool is_sound_renewal(const kafka::share_fetch_request& body) {
  return body.max_bytes == 0 && body.min_bytes == 0 && body.max_records == 0
         && body.max_wait_ms == 0;
}

void refuse(gateway_core& hub, const reply_slot& slot, kafka_error error) {
  kafka::share_fetch_response response;
  response.error_code = code(error);
  reply(hub, slot, response);
}

} // namespace

result<void> handle_share_fetch(gateway_core& hub, kafka_request& request) {
  kafka::share_fetch_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto key = share_key_of(body.group_id, body.member_id);
  if (!key || (body.is_renew_ack && !is_sound_renewal(body))) {
    refuse(hub, request.slot, kafka_error::invalid_request);
    return {};
  }
  const auto named = named_in(body);
  const auto forgotten = forgotten_in(body);
  auto plan = hub.share_sessions().begin_fetch(
    *key, {.epoch = body.share_session_epoch,
            .named = named,
            .forgotten = forgotten,
            .acknowledges = has_acknowledgements(body),
            .connection = request.slot.session});
  if (plan.error == kafka_error::share_session_limit_reached) {
    std::make_shared<late_refusal>(hub, request.slot, plan.error)
      ->begin(hub.now_ms() + std::max(body.max_wait_ms, 0));
    return {};
  }
  if (plan.error != kafka_error::none) {
    refuse(hub, request.slot, plan.error);
    return {};
  }
  std::make_shared<pending_share_fetch>(
    hub, request, body, *key, std::move(plan))
    ->begin();
  return {};
}

} // namespace millrace
