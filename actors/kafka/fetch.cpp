#include "schema/kafka/fetch.hpp"

#include "actors/kafka/sinks.hpp"
#include "cluster/fetch_session.hpp"
#include "cluster/read_replica.hpp"
#include "storage/segment_scan.hpp"

namespace millrace {

namespace {

/// From this version on clients know what to do when they are sent to another
/// replica (KIP-392).
constexpr int16_t knows_replicas = 11;

/// A fetch whose partitions have been asked. It is answered when it has
/// min_bytes, when its time is over, or when there is something to say that
/// is not records.
class pending_fetch : public answer_sink,
                      public std::enable_shared_from_this<pending_fetch> {
public:
  pending_fetch(gateway_core& hub, const reply_slot& slot,
    const kafka::fetch_request& body, fetch_context context)
      : hub_(hub), slot_(slot), context_(std::move(context)),
        min_bytes_(std::max(body.min_bytes, 0)),
        max_bytes_(bound_of(hub, slot, body)),
        read_committed_(body.isolation_level == 1),
        deadline_ms_(hub.now_ms() + std::max(body.max_wait_ms, 0)),
        parts_(context_.partitions().size()) {
    min_bytes_ = std::min(min_bytes_, std::max(max_bytes_, 0));
    if (slot.version >= knows_replicas && !body.rack_id.empty()
        && reads_in_rack(hub.config()))
      rack_ = body.rack_id;
  }

  void begin() {
    for (uint32_t i = 0; i < parts_.size(); ++i)
      ask(i);
    begun_ = true;
    if (outstanding_ == 0)
      consider();
    if (!ended_ && deadline_ms_ > hub_.now_ms())
      hub_.call_at(deadline_ms_, shared_from_this());
  }

  void take(uint32_t i, fetch_answer& answer) override {
    auto& part = parts_[i];
    if (!part.asked)
      return;
    part.asked = false;
    part.answer = std::move(answer);
    one_less();
  }

  void on_ready(uint32_t i) override {
    if (ended_)
      return;
    if (parts_[i].asked) {
      parts_[i].ready = true; // what is on its way may be older than this
      return;
    }
    ask(i);
    if (outstanding_ == 0)
      consider();
  }

  void on_lost(uint32_t i) override {
    auto& part = parts_[i];
    part.answer = {};
    part.answer.error = kafka_error::not_leader_or_follower;
    if (part.asked) {
      part.asked = false;
      one_less();
    } else if (!ended_ && begun_ && outstanding_ == 0) {
      consider();
    }
  }

  void on_time() override {
    late_ = true;
    if (!ended_ && outstanding_ == 0)
      consider();
  }

private:
  struct part {
    fetch_answer answer;
    uint64_t ticket = 0;
    bool has_ticket = false;
    bool asked = false;
    bool ready = false;
    /// There was room, but for no batch: then nothing is looked for.
    bool unfit = false;
  };

  static int32_t bound_of(const gateway_core& hub, const reply_slot& slot,
    const kafka::fetch_request& body) {
    const auto bound = std::min(body.max_bytes, hub.config().fetch_bytes_max);
    return hub.has_quotas() ? std::min(bound, hub.fetch_bound(slot)) : bound;
  }

  void ask(uint32_t i) {
    const auto& want = context_.partitions()[i];
    auto& p = parts_[i];
    const bool any = slot_.version >= knows_replicas;
    const auto whom = any ? asked_replica::any : asked_replica::leader;
    const auto found = slot_.version >= 13
                         ? locate(hub_, want.topic_id, want.partition, whom)
                         : locate(hub_, want.topic, want.partition, whom);
    if (found.error != kafka_error::none) {
      p.answer = {};
      p.answer.error = found.error;
      return;
    }
    if (p.has_ticket)
      hub_.release(p.ticket);
    p.has_ticket = true;
    p.asked = true;
    p.ready = false;
    ++outstanding_;
    p.ticket = hub_.ask_fetch(found.partition, shared_from_this(), i,
      {.from = offset{want.fetch_offset},
        .bytes_max = std::min(want.max_bytes, max_bytes_),
        // Any negative epoch is none, here only.
        .current_epoch = leader_epoch{std::max(want.current_leader_epoch, -1)},
        .last_fetched_epoch
        = leader_epoch{std::max(want.last_fetched_epoch, -1)},
        .wait_below_bytes = min_bytes_,
        .wait_until_ms = deadline_ms_,
        .any_replica = any,
        .read_committed = read_committed_,
        .nearer = nearer(*found.registered)});
  }

  /// Where the client may be sent, if this is the leader.
  std::vector<node_id> nearer(const partition_registration& partition) {
    if (rack_.empty() || partition.leader != hub_.config().id)
      return {};
    auto found
      = followers_in_rack(partition, rack_, view_of(hub_, slot_), hub_.image());
    // Before it is fenced and out of the ISR, which takes a second.
    std::erase_if(found, [this](node_id id) {
      return hub_.absences().is_cut_off(id);
    });
    return found;
  }

  void one_less() {
    if (--outstanding_ == 0 && begun_)
      consider();
  }

  void consider() {
    int64_t bytes = 0;
    bool news = false;
    for (const auto& p : parts_) {
      bytes += static_cast<int64_t>(p.answer.bytes);
      news = news || p.answer.error != kafka_error::none
             || p.answer.diverging.has_value() || p.answer.read_from != no_node;
    }
    // Nothing to wait for is an answer too: so a client ends its session.
    const bool enough = parts_.empty() || bytes >= min_bytes_ || news || late_
                        || hub_.now_ms() >= deadline_ms_;
    if (enough) {
      end();
      return;
    }
    bool asked = false;
    for (uint32_t i = 0; i < parts_.size(); ++i)
      if (parts_[i].ready) {
        ask(i);
        asked = true;
      }
    if (asked && outstanding_ == 0)
      end(); // what was to be asked again is gone
  }

  void end() {
    ended_ = true;
    for (auto& p : parts_)
      if (p.has_ticket)
        hub_.release(p.ticket);
    const auto [bytes, by_followers] = cut();
    if (hub_.has_quotas() && is_to_wait(bytes))
      return;
    kafka::fetch_response response;
    response.session_id = context_.session_id();
    leader_hints hints{hub_, slot_, response};
    for (size_t i = 0; i < parts_.size(); ++i)
      add_to(response, hints, i);
    hub_.counters().bytes_out.add(bytes);
    hub_.counters().bytes_out_by_followers.add(by_followers);
    reply(hub_, slot_, response);
  }

  /// Takes away the records for which there is no room; returns the bytes of
  /// the others, and how many of them this node follows.
  std::pair<int64_t, int64_t> cut() {
    int64_t total = 0;
    int64_t taken = 0; // of the room
    int64_t by_followers = 0;
    for (size_t i = 0; i < parts_.size(); ++i) {
      const auto& answer = parts_[i].answer;
      const auto room = std::max<int64_t>(std::min<int64_t>(max_bytes_ - taken,
                                            context_.partitions()[i].max_bytes),
        0);
      // Only the first records of an answer may go beyond any bound.
      if (total > 0)
        shorten(parts_[i], room);
      const auto bytes = static_cast<int64_t>(answer.bytes);
      total += bytes;
      // Where Kafka sends a part of the next batch, no room is left.
      taken += answer.more && bytes > 0 ? std::max(room, bytes) : bytes;
      by_followers += answer.by_follower ? bytes : 0;
    }
    return {total, by_followers};
  }

  /// Leaves the whole batches that fit.
  static void shorten(part& p, int64_t room) {
    auto& answer = p.answer;
    if (static_cast<int64_t>(answer.bytes) <= room)
      return;
    answer.bytes = 0;
    answer.more = true;
    for (size_t i = 0; i < answer.slices.size(); ++i) {
      auto& slice = answer.slices[i];
      const auto left = static_cast<size_t>(room) - answer.bytes;
      const auto fits = whole_batches(slice, left);
      answer.bytes += fits;
      if (fits == slice.size)
        continue;
      slice.size = static_cast<uint32_t>(fits);
      answer.slices.resize(fits > 0 ? i + 1 : i);
    }
    p.unfit = room > 0 && answer.bytes == 0;
  }

  /// The bytes of the batches at the slice's front that fit into `room`; none
  /// where the file cannot be read, which whoever sends it is told.
  static size_t whole_batches(const file_slice& slice, size_t room) {
    if (slice.size <= room)
      return slice.size;
    batch_walker walker{slice.source, slice.position, slice.position + room,
      batch_view::header_size};
    for (auto batch = walker.next(); batch && *batch;)
      batch = walker.next();
    return walker.position() - slice.position;
  }

  /// Answers with nothing a client that is beyond a quota. What it knows of
  /// its session stays as it was; a session that begins has to begin again.
  bool is_to_wait(int64_t bytes) {
    auto wait_ms = hub_.charge_work(slot_);
    if (wait_ms == 0)
      wait_ms = hub_.charge_fetch(slot_, bytes);
    if (wait_ms == 0)
      return false;
    kafka::fetch_response nothing;
    nothing.throttle_time_ms = wait_ms;
    if (context_.is_incremental())
      nothing.session_id = context_.session_id();
    else
      hub_.fetch_sessions().forget(context_);
    reply(hub_, slot_, nothing);
    return true;
  }

  void add_to(kafka::fetch_response& response,
    leader_hints<kafka::fetch_response>& hints, size_t i) {
    const auto& want = context_.partitions()[i];
    auto& answer = parts_[i].answer;
    if (answer.error != kafka_error::none) {
      // With an error nothing is said of the log.
      answer.high_watermark = offset{-1};
      answer.last_stable = offset{-1};
      answer.log_start = offset{-1};
    }
    const bool told
      = context_.include(i, {.error = answer.error,
                              .high_watermark = answer.high_watermark.value,
                              .log_start_offset = answer.log_start.value,
                              .has_records = answer.bytes > 0,
                              .has_news = answer.diverging.has_value()
                                          || answer.read_from != no_node});
    if (!told)
      return;
    auto& topics = response.responses;
    if (topics.empty() || topics.back().topic != want.topic
        || topics.back().topic_id != want.topic_id) {
      topics.emplace_back();
      topics.back().topic = want.topic;
      topics.back().topic_id = want.topic_id;
    }
    auto& out = topics.back().partitions.emplace_back();
    out.partition_index = want.partition;
    out.error_code = code(answer.error);
    out.high_watermark = answer.high_watermark.value;
    out.last_stable_offset = answer.last_stable.value;
    out.log_start_offset = answer.log_start.value;
    out.preferred_read_replica = answer.read_from.value;
    if (answer.diverging) {
      out.diverging_epoch.epoch = answer.diverging->epoch.value;
      out.diverging_epoch.end_offset = answer.diverging->end.value;
    }
    if (answer.error == kafka_error::fenced_leader_epoch
        || answer.error == kafka_error::not_leader_or_follower) {
      out.current_leader.leader_epoch = answer.current_epoch.value;
      hints.add(slot_.version >= 13 ? hub_.image().find_topic(want.topic_id)
                                    : hub_.image().find_topic(want.topic),
        want.partition, out);
    }
    // None, or (null) not looked for: empty for what is not there at all.
    const bool unknown = answer.error == kafka_error::unknown_topic_or_partition
                         || answer.error == kafka_error::unknown_topic_id;
    out.aborted_transactions.reset();
    const bool looked = answer.error == kafka_error::none && !answer.diverging
                        && !parts_[i].unfit;
    if (unknown || (read_committed_ && looked)) {
      auto& list = out.aborted_transactions.emplace();
      for (const auto& aborted : answer.aborted)
        list.push_back({aborted.producer.value, aborted.first.value});
    }
    out.records.slices = std::move(answer.slices);
    if (answer.error != kafka_error::none)
      hub_.counters().failed_fetch.add();
  }

  gateway_core& hub_;
  reply_slot slot_;
  fetch_context context_;
  int32_t min_bytes_;
  int32_t max_bytes_;
  bool read_committed_;
  int64_t deadline_ms_;
  std::string rack_; ///< the client's, if it may be sent to followers there
  std::vector<part> parts_;
  size_t outstanding_ = 0;
  bool begun_ = false;
  bool late_ = false;
  bool ended_ = false;
};

} // namespace

result<void> handle_fetch(gateway_core& hub, kafka_request& request) {
  kafka::fetch_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto version = request.header.api_version;
  const auto replica
    = version >= 15 ? body.replica_state.replica_id : body.replica_id;
  if (replica >= 0) {
    // Clients do not follow; other nodes do so over the node link.
    kafka::fetch_response refused;
    refused.error_code = code(kafka_error::invalid_request);
    reply(hub, request.slot, refused);
    return {};
  }
  auto context = hub.fetch_sessions().begin(body, version, hub.now_ms());
  if (context.error() != kafka_error::none) {
    kafka::fetch_response refused;
    refused.error_code = code(context.error());
    reply(hub, request.slot, refused);
    return {};
  }
  std::make_shared<pending_fetch>(hub, request.slot, body, std::move(context))
    ->begin();
  return {};
}

} // namespace millrace
