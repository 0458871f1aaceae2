#pragma once

// What a gateway is, but for its loop: the sessions of its connections, its
// copy of the metadata, where partitions and coordinators answer, and the
// questions that are under way. The same class runs behind an epoll loop
// (actors/gateway) and in the simulator.
//
// A turn: bytes arrive, sessions cut and decode requests and ask actors;
// flush_asks() sends what the turn gathered, one message for each target;
// answers come back as messages and are matched to their sinks by ticket.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_absences.hpp"
#include "actors/node_counters.hpp"
#include "actors/node_link.hpp"
#include "actors/quota_ledger.hpp"
#include "cluster/config_node.hpp"
#include "cluster/fetch_session.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/share_session.hpp"
#include "net/chunk_pool.hpp"
#include "net/connection.hpp"
#include "schema/outgoing.hpp"

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace millrace {

class kafka_session;

/// group.share.max.share.sessions
inline constexpr size_t share_sessions_max = 2'000;

/// Where an answer goes: one request of one session. The session may be gone.
struct reply_slot {
  uint64_t session = 0;
  uint64_t number = 0;
  int16_t api_key = 0;
  int16_t version = 0;
  int32_t correlation_id = 0;
};

/// Takes the answers to the questions of one request. `part` is what the
/// sink gave when it asked.
class answer_sink {
public:
  virtual ~answer_sink() = default;
  virtual void take(uint32_t part, produce_result&);
  virtual void take(uint32_t part, fetch_answer&);
  virtual void take(uint32_t part, log_answer&);
  virtual void take(uint32_t part, admin_answer&);
  virtual void take(uint32_t part, group_answer&);
  virtual void take(uint32_t part, transaction_result&);
  virtual void take(uint32_t part, share_answer&);
  virtual void take(uint32_t part, share_state_result&);
  virtual void take(uint32_t part, log_dirs_answer&);
  /// The partition may have more than it answered (fetches only).
  virtual void on_ready(uint32_t part);
  /// Whoever was asked has died: the question has no answer.
  virtual void on_lost(uint32_t part) = 0;
  /// The time that was set with call_at() has come.
  virtual void on_time();
};

class client_telemetry;
struct client_software;

/// What a gateway is wired to.
struct gateway_wiring {
  environment* env = nullptr;
  std::shared_ptr<const node_config> config;
  std::shared_ptr<node_counters> counters;
  caf::strong_actor_ptr controller;
  caf::strong_actor_ptr broker;
  uuid cluster;
  std::shared_ptr<node_link> link; ///< null: there are no other nodes
  /// What all gateways of the node share; null: this one has its own.
  std::shared_ptr<quota_ledger> quotas = nullptr;
  std::shared_ptr<client_telemetry> telemetry = nullptr; ///< the same
};

class gateway_core {
public:
  explicit gateway_core(gateway_wiring wiring);
  ~gateway_core();

  /// Who sends for this gateway, and on which unit the idle receivers of its
  /// messages may run. Call before anything else.
  void bind(caf::strong_actor_ptr self, caf::execution_unit* unit);
  /// Lets go of every actor: this object is part of one of them, so that
  /// neither would ever go. Nothing can be asked any more.
  void unbind();

  // -- for the loop ----------------------------------------------------------

  /// A new connection on the Kafka port. The session belongs to the loop.
  std::unique_ptr<connection_handler> accept(
    connection& peer, chunk_pool& chunks);
  /// Handles a request that comes by no connection: a frame without its
  /// length. `answer` is called once, with such a frame, or with nothing if
  /// there is no answer, in this call or later. Precondition: ready().
  void serve(shared_bytes frame, std::function<void(shared_bytes)> answer);
  // Every message that a gateway gets.
  void take(produce_results& message);
  void take(fetch_answers& message);
  void take(const data_ready& message);
  void take(log_answer& message);
  void take(admin_answer& message);
  void take(group_answer& message);
  void take(transaction_result& message);
  void take(share_answer& message);
  void take(share_state_result& message);
  void take(log_dirs_answer& message);
  void take(directory_update& message);
  void take(const link_change& message);
  /// Sends what the sessions asked in this turn.
  void flush_asks();
  /// The time of this turn, in monotonic milliseconds; runs what is due.
  void advance(int64_t now_ms);
  /// The same time, but nothing is run: what is due waits for advance().
  void set_time(int64_t now_ms) {
    now_ms_ = now_ms;
  }
  /// Closes every connection: the gateway ends.
  void close_all();
  /// When advance() is next needed.
  [[nodiscard]] std::optional<int64_t> next_deadline() const;

  // -- for sessions and handlers ---------------------------------------------

  [[nodiscard]] environment& env() {
    return *wiring_.env;
  }
  [[nodiscard]] const node_config& config() const {
    return *wiring_.config;
  }
  [[nodiscard]] node_counters& counters() {
    return *wiring_.counters;
  }
  [[nodiscard]] const metadata_image& image() const {
    return image_;
  }
  /// Of this node's present registration; -1 before there is one.
  [[nodiscard]] int64_t own_broker_epoch() const;
  [[nodiscard]] const uuid& cluster() const {
    return wiring_.cluster;
  }
  [[nodiscard]] int64_t now_ms() const {
    return now_ms_;
  }
  [[nodiscard]] client_telemetry& telemetry() {
    return *wiring_.telemetry;
  }
  /// What the client behind a request has told in ApiVersions; null if it is
  /// another node's, or gone.
  [[nodiscard]] client_software* software(const reply_slot& slot) const;
  [[nodiscard]] const node_absences& absences() const {
    return absences_;
  }
  [[nodiscard]] fetch_session_cache& fetch_sessions() {
    return *fetch_sessions_;
  }
  [[nodiscard]] share_session_cache& share_sessions() {
    return share_sessions_;
  }
  /// The session is over: partitions that are led here let go of what its
  /// member holds. Nothing happens if there is none.
  void end_share_session(const share_session_key& key);

  /// Null where this node has no such partition (any more, or yet).
  [[nodiscard]] const caf::strong_actor_ptr& partition(
    const std::string& topic, int32_t index) const;
  /// The partition of __consumer_offsets that keeps this group; null while
  /// that topic is not there.
  [[nodiscard]] const partition_registration* groups_partition(
    std::string_view group) const;
  /// Null where this node does not coordinate the group (any more, or yet).
  [[nodiscard]] const caf::strong_actor_ptr& coordinator(
    std::string_view group) const;
  [[nodiscard]] const std::vector<caf::strong_actor_ptr>& coordinators() const {
    return coordinators_;
  }
  /// The same of __transaction_state, for a transactional id.
  [[nodiscard]] const partition_registration* transactions_partition(
    std::string_view id) const;
  [[nodiscard]] const caf::strong_actor_ptr& transaction_coordinator(
    std::string_view id) const;
  [[nodiscard]] const std::vector<caf::strong_actor_ptr>&
  transaction_coordinators() const {
    return transaction_coordinators_;
  }
  /// The same of __share_group_state, for to_string(share_partition_key).
  [[nodiscard]] const partition_registration* share_states_partition(
    std::string_view key) const;
  [[nodiscard]] const caf::strong_actor_ptr& share_coordinator(
    std::string_view key) const;
  [[nodiscard]] const caf::strong_actor_ptr& controller() const {
    return wiring_.controller;
  }

  using sink_ptr = std::shared_ptr<answer_sink>;

  /// Each asks one question; the answer comes to `sink` with `part`.
  void ask_produce(const caf::strong_actor_ptr& partition, const sink_ptr& sink,
    uint32_t part, produce_entry entry);
  /// Returns the ticket, which stays open for data_ready until released.
  uint64_t ask_fetch(const caf::strong_actor_ptr& partition,
    const sink_ptr& sink, uint32_t part, fetch_ask ask);
  void ask_log(const caf::strong_actor_ptr& partition, const sink_ptr& sink,
    uint32_t part, log_question question);
  void ask_log_dirs(const sink_ptr& sink, uint32_t part, log_dirs_ask ask);
  /// @param client who asks; none: this node does
  void ask_admin(const sink_ptr& sink, uint32_t part, int16_t version,
    admin_question question, std::optional<quota_client> client = {});
  void ask_group(const caf::strong_actor_ptr& coordinator, const sink_ptr& sink,
    uint32_t part, group_ask ask);
  void ask_transactions(const caf::strong_actor_ptr& coordinator,
    const sink_ptr& sink, uint32_t part, transaction_ask ask);
  /// As ask_fetch() where the question is a fetch. A release is not answered.
  uint64_t ask_share(const caf::strong_actor_ptr& partition,
    const sink_ptr& sink, uint32_t part, share_ask ask);
  void ask_share_state(const caf::strong_actor_ptr& coordinator,
    const sink_ptr& sink, uint32_t part, share_state_question question);
  /// Nothing more will be taken for `ticket`.
  void release(uint64_t ticket);
  /// Calls sink.on_time() at `when_ms`, unless the sink is gone by then.
  void call_at(int64_t when_ms, const sink_ptr& sink);
  /// Runs `what` as soon as this image has applied `index`.
  void when_applied(uint64_t index, std::function<void()> what);

  /// Whether any quota is set. Without one nothing below need be called.
  [[nodiscard]] bool has_quotas() const {
    return image_.quotas() != nullptr;
  }
  /// Work on a request begins, and ends: what the thread does in between is
  /// of it. One at a time.
  void begin_work(const reply_slot& slot, std::string_view client_id);
  void end_work();
  /// Charges a produce with the bytes of its request. Returns how long its
  /// client is to wait, in milliseconds.
  [[nodiscard]] int32_t charge_produce(const reply_slot& slot);
  /// Charges a fetch with what it would be answered with, unless its client
  /// is to wait: then it is to be answered with nothing.
  [[nodiscard]] int32_t charge_fetch(const reply_slot& slot, int64_t bytes);
  /// The most that a fetch may be answered with, so that it can be at all.
  [[nodiscard]] int32_t fetch_bound(const reply_slot& slot) const;
  /// Charges a request with the work that it has been.
  [[nodiscard]] int32_t charge_work(const reply_slot& slot);
  /// Reads nothing more from the request's client for so long.
  void mute(const reply_slot& slot, int32_t for_ms);

  /// Ends a request: `out` leaves when it is its turn on its connection. An
  /// empty one means that there is no answer (acks=0).
  void finish(const reply_slot& slot, outgoing out);
  /// Closes the connection that a request came on.
  void close(const reply_slot& slot, std::string_view why);
  /// The address by which the client of a request came; null if it has gone.
  [[nodiscard]] const endpoint* local_of(const reply_slot& slot) const;

  // -- for sessions ----------------------------------------------------------

  /// Whether the directory is there: before that, requests wait.
  [[nodiscard]] bool ready() const {
    return ready_;
  }

  void session_closed(uint64_t id);
  /// 0, or for how long a connection from there waits before it is closed, as
  /// its address makes too many (KIP-612).
  [[nodiscard]] int32_t charge_connection(const endpoint& remote);
  /// Bytes of requests that are under way, of all sessions. False: the
  /// session should stop reading until it is resumed.
  bool add_in_flight(int64_t bytes);
  void sub_in_flight(int64_t bytes);
  /// The session wants to know when there is room again.
  void wait_for_room(uint64_t session);

private:
  struct open_ticket {
    sink_ptr sink;
    uint32_t part = 0;
    uint32_t generation = 0;
    caf::actor_id target = 0;
    bool repeats = false; ///< a fetch: data_ready may follow its answer
  };

  [[nodiscard]] metered_request* metered(const reply_slot& slot) const;
  [[nodiscard]] const partition_registration* partition_of_key(
    const char* internal_topic, std::string_view key) const;
  uint64_t open(const sink_ptr& sink, uint32_t part,
    const caf::strong_actor_ptr& target, bool repeats = false);
  open_ticket* find(uint64_t ticket);
  template <class Answer>
  void deliver(uint64_t ticket, Answer& answer);
  void apply(const metadata_update& update);
  void lose(caf::actor_id target);
  /// connections.max.idle.ms, looked at now and then.
  void close_idle();
  template <class T>
  void send(const caf::strong_actor_ptr& to, T&& message);
  void release_shares(const share_session_cache::ended& session);

  gateway_wiring wiring_;
  caf::strong_actor_ptr self_;
  caf::execution_unit* unit_ = nullptr;
  metadata_image image_;
  node_absences absences_;
  std::unordered_map<std::string, std::vector<caf::strong_actor_ptr>>
    partitions_;
  [[nodiscard]] std::vector<caf::strong_actor_ptr>& coordinators_of(
    const std::string& internal_topic);

  /// Of the partitions of __consumer_offsets, __transaction_state and
  /// __share_group_state.
  std::vector<caf::strong_actor_ptr> coordinators_;
  std::vector<caf::strong_actor_ptr> transaction_coordinators_;
  std::vector<caf::strong_actor_ptr> share_coordinators_;
  std::unique_ptr<fetch_session_cache> fetch_sessions_;
  share_session_cache share_sessions_{share_sessions_max};
  std::unordered_map<uint64_t, kafka_session*> sessions_;
  /// Of requests without a connection, by the session that they pretend.
  std::unordered_map<uint64_t, std::function<void(shared_bytes)>> served_;
  uint64_t next_served_ = 0;
  std::vector<open_ticket> tickets_;
  std::vector<uint32_t> free_tickets_;
  std::multimap<int64_t, std::weak_ptr<answer_sink>> deadlines_;
  std::multimap<uint64_t, std::function<void()>> awaiting_index_;
  // What this turn asks, by target.
  std::vector<std::pair<caf::strong_actor_ptr, produce_many>> produce_asks_;
  std::unordered_map<caf::actor_id, size_t> produce_index_;
  std::vector<std::pair<caf::strong_actor_ptr, fetch_asks>> fetch_asks_;
  std::unordered_map<caf::actor_id, size_t> fetch_index_;
  bool ready_ = false;
  int64_t now_ms_ = 0;
  int64_t next_sweep_ms_ = 0;
  int64_t in_flight_bytes_ = 0;
  std::vector<uint64_t> waiting_for_room_;
  /// The request that this thread works for, and since when.
  struct work_under_way {
    reply_slot slot;
    std::shared_ptr<const quota_account> account;
    int64_t since_ns = 0;
  };
  std::optional<work_under_way> work_;
};

} // namespace millrace
