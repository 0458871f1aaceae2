#include "actors/kafka/session.hpp"

#include "actors/gateway_core.hpp"
#include "actors/kafka/handlers.hpp"
#include "actors/log.hpp"
#include "net/protocol_sniffer.hpp"

namespace millrace {

namespace {

/// A session that holds this much of requests, or of unsent answers, is not
/// read: its client waits, nobody else does.
constexpr size_t held_bytes_max = 16u << 20;
constexpr size_t queued_bytes_max = 8u << 20;
/// A longer frame from someone who has not shown to speak Kafka yet must begin
/// as a request does. (Not all clients ask for versions first: kafka-python
/// 2.0.2 opens a connection with whatever it has to produce.)
constexpr uint32_t first_frame_trusted_bytes = 1u << 20;
/// What tells a stranger's protocol stands this near to its beginning.
constexpr size_t sniffed_bytes_max = 64;

int16_t api_key_of(const shared_bytes& frame) {
  if (frame.size() < 2)
    return -1;
  return static_cast<int16_t>(std::to_integer<int>(frame.data()[0]) << 8
                              | std::to_integer<int>(frame.data()[1]));
}

bool is_produce(const shared_bytes& frame) {
  return api_key_of(frame) == static_cast<int16_t>(kafka::api_key::produce);
}

/// Ends a mute when it is time. Part of its session.
class mute_alarm : public answer_sink {
public:
  explicit mute_alarm(kafka_session& session) : session_(session) {}

  void on_lost(uint32_t) override {}
  void on_time() override {
    session_.on_mute_over();
  }

private:
  kafka_session& session_;
};

/// The beginning of a frame, its length in front again, for a sniffer.
std::vector<std::byte> beginning_of(
  size_t length, std::span<const std::byte> body) {
  std::vector<std::byte> bytes(4);
  for (size_t i = 0; i < 4; ++i)
    bytes[i] = static_cast<std::byte>(length >> (8 * (3 - i)));
  const auto begun = body.first(std::min(body.size(), sniffed_bytes_max));
  bytes.insert(bytes.end(), begun.begin(), begun.end());
  return bytes;
}

} // namespace

kafka_session::kafka_session(
  gateway_core& hub, connection& peer, chunk_pool& chunks)
    : hub_(hub), peer_(peer),
      cutter_(chunks, static_cast<uint32_t>(hub.config().request_bytes_max)) {
  active_ms_ = hub_.now_ms();
  hub_.counters().connections.add();
  hub_.counters().connections_total.add();
  if (!hub_.has_quotas())
    return;
  if (const auto wait_ms = hub_.charge_connection(peer_.remote());
    wait_ms > 0) {
    refused_ = true;
    mute_until(hub_.now_ms() + wait_ms);
  }
}

kafka_session::~kafka_session() = default;

std::span<std::byte> kafka_session::prepare_read() {
  return cutter_.prepare();
}

void kafka_session::on_read(size_t size) {
  if (closed_)
    return;
  active_ms_ = hub_.now_ms();
  const auto before = waiting_.size();
  auto cut = cutter_.consume(size, waiting_);
  for (size_t i = before; i < waiting_.size(); ++i)
    held_bytes_ += waiting_[i].size();
  start_waiting();
  if (!cut && !closed_)
    refuse_stranger(cut.error(),
      any_request_ ? std::span<const std::byte>{} : cutter_.refused());
  else if (!any_request_ && waiting_.empty() && !closed_)
    judge_unfinished();
  update_reading();
}

void kafka_session::start_waiting() {
  if (starting_ || !hub_.ready() || muted_until_ms_ != 0)
    return; // a request that ends while it starts does not recurse
  starting_ = true;
  while (waiting_head_ < waiting_.size() && !closed_ && muted_until_ms_ == 0) {
    auto& next = waiting_[waiting_head_];
    const bool produce = is_produce(next);
    if (running_ > 0 && !(produce && only_produces_))
      break;
    only_produces_ = produce;
    auto frame = std::move(next);
    ++waiting_head_;
    start(std::move(frame));
  }
  if (waiting_head_ == waiting_.size()) {
    waiting_.clear();
    waiting_head_ = 0;
    if (waiting_.capacity() > 64)
      waiting_.shrink_to_fit();
  } else if (waiting_head_ > 64) {
    waiting_.erase(waiting_.begin(),
      waiting_.begin() + static_cast<ptrdiff_t>(waiting_head_));
    waiting_head_ = 0;
  }
  starting_ = false;
}

void kafka_session::start(shared_bytes frame) {
  const auto size = frame.size();
  // Of a stranger, for a look at what it may be; a copy shares the bytes.
  const auto whole = any_request_ ? shared_bytes{} : frame;
  kafka_request request{
    .slot = {.session = peer_.id(),
      .number = first_number_ + (slots_.size() - slots_head_)},
    .reader = kafka_reader{std::move(frame)},
    .local = &peer_.local(),
    .remote = &peer_.remote(),
  };
  slots_.push_back({{}, size, false, {nullptr, size, 0}});
  ++running_;
  if (!hub_.add_in_flight(static_cast<int64_t>(size)) && !no_room_) {
    no_room_ = true;
    hub_.wait_for_room(peer_.id());
  }
  const bool first = !any_request_;
  any_request_ = true;
  if (auto begun = handle_request(hub_, request); !begun) {
    if (first) {
      // A stranger's first bytes may look like a frame: ZooKeeper's do.
      refuse_stranger(begun.error(), beginning_of(size, whole.span()));
      return;
    }
    log::warn("closing the connection from {}: {}", peer_.remote().to_string(),
      to_string(begun.error()));
    close("a request that cannot be read");
  }
}

void kafka_session::finish(uint64_t number, outgoing out) {
  if (closed_ || number < first_number_)
    return;
  const auto index = slots_head_ + (number - first_number_);
  MILLRACE_ASSERT(index < slots_.size(), "an answer has its request");
  auto& slot = slots_[index];
  MILLRACE_ASSERT(!slot.done, "a request is answered once");
  active_ms_ = hub_.now_ms();
  slot.answer = std::move(out);
  slot.done = true;
  --running_;
  held_bytes_ -= slot.request_bytes;
  hub_.sub_in_flight(static_cast<int64_t>(slot.request_bytes));
  send_finished();
  start_waiting();
  update_reading();
}

void kafka_session::send_finished() {
  while (slots_head_ < slots_.size() && slots_[slots_head_].done) {
    auto& answer = slots_[slots_head_].answer;
    if (!answer.bytes.empty())
      peer_.send(std::move(answer));
    answer = {};
    ++slots_head_;
    ++first_number_;
  }
  if (slots_head_ == slots_.size()) {
    slots_.clear();
    slots_head_ = 0;
    if (slots_.capacity() > 256)
      slots_.shrink_to_fit();
  } else if (slots_head_ > 256) {
    slots_.erase(
      slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(slots_head_));
    slots_head_ = 0;
  }
}

void kafka_session::judge_unfinished() {
  const auto arrived = cutter_.unfinished();
  if (arrived.empty())
    return;
  const auto declared = cutter_.declared_bytes();
  const auto bytes = beginning_of(declared, arrived);
  if (sniff_unfinished(bytes) != sniffed_protocol::unknown) {
    refuse_stranger(
      error{errc::invalid_argument, "a frame that never ends"}, bytes);
    return;
  }
  constexpr size_t enough_to_tell = 8; // the length, an API's key, its version
  if (declared > first_frame_trusted_bytes && bytes.size() >= enough_to_tell
      && sniff_protocol(bytes) != sniffed_protocol::kafka)
    refuse_stranger(error{errc::too_large,
                      "a first frame declares " + std::to_string(declared)
                        + " bytes and does not begin as a request does"},
      bytes);
}

void kafka_session::refuse_stranger(
  const error& why, std::span<const std::byte> first_bytes) {
  hub_.counters().closed_for_errors.add();
  const auto where = peer_.local().to_string();
  const auto spoken = sniff_protocol(first_bytes);
  if (spoken != sniffed_protocol::unknown
      && spoken != sniffed_protocol::kafka) {
    log::warn("{} from {}", explain_on_kafka_port(spoken, where),
      peer_.remote().to_string());
    outgoing answer;
    answer.bytes = answer_on_kafka_port(spoken, where);
    if (!answer.bytes.empty())
      peer_.send(std::move(answer));
    peer_.close_after_flush();
    return;
  }
  log::warn("closing the connection from {}: {}", peer_.remote().to_string(),
    to_string(why));
  close("a frame that cannot be");
}

void kafka_session::update_reading() {
  if (closed_)
    return;
  const bool full = no_room_ || muted_until_ms_ != 0
                    || held_bytes_ > held_bytes_max
                    || peer_.queued_bytes() > queued_bytes_max;
  if (full == paused_)
    return;
  paused_ = full;
  if (full)
    peer_.pause_reading();
  else
    peer_.resume_reading();
}

void kafka_session::close_if_idle(int64_t before_ms) {
  if (running_ == 0 && muted_until_ms_ == 0 && active_ms_ < before_ms)
    close("idle for longer than connections.max.idle.ms");
}

void kafka_session::on_ready() {
  start_waiting();
  update_reading();
}

void kafka_session::on_room() {
  no_room_ = false;
  update_reading();
}

void kafka_session::mute_until(int64_t when_ms) {
  if (closed_ || when_ms <= muted_until_ms_)
    return;
  muted_until_ms_ = when_ms;
  if (alarm_ == nullptr)
    alarm_ = std::make_shared<mute_alarm>(*this);
  hub_.call_at(when_ms, alarm_);
  update_reading();
}

void kafka_session::on_mute_over() {
  if (closed_ || muted_until_ms_ == 0 || hub_.now_ms() < muted_until_ms_)
    return;
  muted_until_ms_ = 0;
  active_ms_ = hub_.now_ms();
  if (refused_) {
    close("its address makes too many connections");
    return;
  }
  start_waiting();
  update_reading();
}

metered_request* kafka_session::metered(uint64_t number) {
  const auto index = slots_head_ + (number - first_number_);
  if (closed_ || number < first_number_ || index >= slots_.size()
      || slots_[index].done)
    return nullptr;
  return &slots_[index].metered;
}

void kafka_session::on_sent(size_t) {
  update_reading();
}

void kafka_session::close(std::string_view) {
  peer_.close();
}

void kafka_session::on_closed(std::string_view reason) {
  closed_ = true;
  log::debug(
    "connection from {} closed: {}", peer_.remote().to_string(), reason);
  for (size_t i = slots_head_; i < slots_.size(); ++i)
    if (!slots_[i].done)
      hub_.sub_in_flight(static_cast<int64_t>(slots_[i].request_bytes));
  hub_.counters().connections.add(-1);
  hub_.session_closed(peer_.id());
}

} // namespace millrace
