#pragma once

// Partitions of several nodes, each with a disk of its own, and between them a
// network that carries a message when the test says so. The test plays the
// brokers' part, the controller, and the clients.

#include "actors/node_link.hpp"
#include "actors/partition.hpp"
#include "actors/replica_front.hpp"
#include "actors/tell.hpp"
#include "actors/throttle.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_reader.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <deque>

namespace millrace {

class test_link;

/// What is under way between the nodes, in the order in which it was sent.
struct test_network {
  struct packet {
    node_id from;
    node_id to;
    envelope message;
  };
  std::deque<packet> packets;
  std::map<node_id, std::weak_ptr<test_link>> links;
  uint64_t carried = 0;

  /// Carries the packet at `at`; false if its receiver is not there.
  bool carry(size_t at = 0);
  void drop_all() {
    packets.clear();
  }
  void drop_to(node_id to) {
    std::erase_if(packets, [&](const packet& p) {
      return p.to == to;
    });
  }
};

class test_link : public node_link {
public:
  test_link(node_id self, test_network& network)
      : node_link(self), network_(network) {}
  void introduce(node_id, const endpoint&) override {}
  void arrive(node_id from, envelope message) {
    deliver(from, std::move(message));
  }
  using node_link::tell_state;

protected:
  void ship(node_id to, envelope message) override {
    network_.packets.push_back({self(), to, std::move(message)});
  }

private:
  test_network& network_;
};

inline bool test_network::carry(size_t at) {
  auto p = std::move(packets.at(at));
  packets.erase(packets.begin() + static_cast<ptrdiff_t>(at));
  ++carried;
  const auto to = links[p.to].lock();
  if (to == nullptr)
    return false;
  // As over a wire: nothing is shared.
  auto received = decode_envelope(encode(p.message));
  REQUIRE(received.ok());
  to->arrive(p.from, std::move(*received));
  return true;
}

inline const topic_partition replicated_name{"t", 0};

/// One node: its disk, and what stands around its partition actor.
struct replica_node {
  node_id id;
  sim_disks disks;
  sim_environment env;
  std::shared_ptr<test_link> link;
  caf::strong_actor_ptr front;
  caf::strong_actor_ptr broker;
  sync_planner_actor planner;
  disk_actor disk;
  throttle_actor throttle_of_node;
  partition_actor subject; ///< null: the node is down

  std::vector<sync_ask> syncs;
  std::vector<warm_ask> reads;
  std::optional<offset> hint;
  std::optional<offset> log_start_hint;
  std::vector<save_hints> hints_saved_so_far;
  std::optional<partition_state_report> reported;
  bool saves_hints = true;
  int64_t broker_epoch = 0;
  int64_t registered_epoch = 0; ///< as the controller has it

  replica_node(int32_t number, std::function<int64_t()> clock)
      : id{number}, disks(static_cast<uint64_t>(number)),
        env(disks, static_cast<uint64_t>(number), std::move(clock)) {
    REQUIRE(make_directory_durable(disks.files, "/data/t-0").ok());
  }
};

struct replica_fixture {
  struct test_config : caf::actor_system_config {
    test_config() {
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  test_network network;
  test_config config;
  caf::actor_system system{config};
  caf::scoped_actor client{system};
  std::map<int32_t, std::unique_ptr<replica_node>> nodes;
  caf::strong_actor_ptr controller;
  /// What leaders have proposed, and who.
  struct proposal {
    caf::strong_actor_ptr asker;
    admin_ask ask;
    [[nodiscard]] const change_isr& change() const {
      return std::get<change_isr>(ask.question);
    }
  };
  std::deque<proposal> proposals;
  bool controller_answers = true;
  partition_registration registration;
  partition_settings settings;
  uuid topic{7, 9};
  int64_t next_broker_epoch = 100;
  uint64_t last_ticket = 1000;

  explicit replica_fixture(int32_t count = 3, int32_t min_insync = 1) {
    settings.min_insync_replicas = min_insync;
    settings.log.segment_bytes = 1 << 20;
    registration.epoch = leader_epoch{1};
    registration.partition_epoch = 1;
    registration.leader = node_id{1};
    controller = spawn_controller();
    for (int32_t i = 1; i <= count; ++i) {
      registration.replicas.push_back(node_id{i});
      registration.isr.push_back(node_id{i});
      nodes[i] = std::make_unique<replica_node>(i, [] {
        return int64_t{1000};
      });
    }
    for (auto& [number, n] : nodes)
      boot(number);
    settle();
  }

  ~replica_fixture() {
    for (auto& [number, n] : nodes)
      take_down(*n);
    end(controller);
    scheduler().run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  replica_node& node(int32_t number) {
    return *nodes.at(number);
  }
  static void end(const caf::strong_actor_ptr& actor) {
    if (actor != nullptr)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
  }

  // -- nodes -----------------------------------------------------------------

  /// Starts the node's partition on its disk, as its broker would.
  void boot(int32_t number) {
    auto& n = node(number);
    n.broker_epoch = n.registered_epoch = next_broker_epoch++;
    n.link = std::make_shared<test_link>(n.id, network);
    network.links[n.id] = n.link;
    const auto front = system.spawn(replica_front);
    n.front = caf::actor_cast<caf::strong_actor_ptr>(front);
    n.link->bind(conversation::replica, n.front);
    n.link->watch(n.front);
    n.broker = spawn_broker(n);
    n.planner = spawn_planner(n);
    n.disk = spawn_disk(n);
    n.throttle_of_node = system.spawn<caf::lazy_init>(throttle);
    n.subject = system.spawn(partition, &n.env,
      partition_options{.name = replicated_name,
        .topic_id = topic,
        .directory = "/data/t-0",
        .settings = settings,
        .registration = registration,
        .node = n.id,
        .broker_epoch = n.broker_epoch,
        .log_start = n.log_start_hint.value_or(offset{0}),
        .durable_hint = n.hint,
        .high_watermark
        = n.reported ? std::optional{n.reported->high_watermark} : std::nullopt,
        .disk = n.disk,
        .syncs = n.planner,
        .broker = n.broker,
        .handles = std::make_shared<file_cache>(n.disks.files),
        .budget = std::make_shared<write_budget>(64 << 20),
        .controller = controller,
        .throttle = n.throttle_of_node,
        .link = n.link});
    caf::anon_send(caf::actor_cast<caf::actor>(n.front),
      replica_place{
        topic, 0, caf::actor_cast<caf::strong_actor_ptr>(n.subject)});
    scheduler().run();
  }

  void take_down(replica_node& n) {
    end(caf::actor_cast<caf::strong_actor_ptr>(n.subject));
    end(n.front);
    end(n.broker);
    end(caf::actor_cast<caf::strong_actor_ptr>(n.planner));
    end(caf::actor_cast<caf::strong_actor_ptr>(n.disk));
    end(caf::actor_cast<caf::strong_actor_ptr>(n.throttle_of_node));
    n.link.reset();
    scheduler().run();
    n.subject = nullptr;
    n.front = n.broker = nullptr;
    n.planner = nullptr;
    n.disk = nullptr;
    n.throttle_of_node = nullptr;
    n.syncs.clear();
    n.reads.clear();
    std::erase_if(network.packets, [&](const auto& p) {
      return p.to == n.id || p.from == n.id;
    });
  }
  /// The power of the node goes; what was not synced is lost.
  void crash(int32_t number) {
    auto& n = node(number);
    take_down(n);
    n.disks.crash(crash_policy::lose_unsynced);
  }
  bool is_up(int32_t number) {
    return node(number).subject != nullptr;
  }

  // -- time and messages -----------------------------------------------------

  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    scheduler().run();
  }
  /// Carries everything, without a sync of anybody.
  void carry() {
    scheduler().run();
    for (int i = 0; !network.packets.empty(); ++i) {
      REQUIRE(i < 10'000);
      network.carry();
      scheduler().run();
    }
  }
  void sync(int32_t number) {
    auto& n = node(number);
    for (auto& ask : std::exchange(n.syncs, {})) {
      auto outcome = ask.job.run(n.disks.files);
      client->send(n.subject,
        sync_done{ask.ticket, std::move(ask.job), std::move(outcome)});
    }
    scheduler().run();
  }
  /// Carries and syncs until nothing is left to do; time stands still.
  void settle() {
    for (int i = 0;; ++i) {
      REQUIRE(i < 1000);
      carry();
      bool any = false;
      for (auto& [number, n] : nodes)
        if (!n->syncs.empty() && n->subject != nullptr) {
          sync(number);
          any = true;
        }
      scheduler().run();
      if (!any && network.packets.empty())
        return;
    }
  }
  /// The same, with time going on, for what waits for a timer.
  void live(std::chrono::milliseconds time) {
    for (auto left = time; left.count() > 0;
      left -= std::chrono::milliseconds{10}) {
      pass(std::chrono::milliseconds{10});
      settle();
    }
  }

  // -- the controller --------------------------------------------------------

  /// Tells the nodes what is registered now.
  void announce(const std::vector<int32_t>& numbers) {
    for (const auto number : numbers)
      if (is_up(number))
        client->send(
          node(number).subject, partition_assigned{registration, settings,
                                  node(number).broker_epoch});
    scheduler().run();
  }
  void announce() {
    std::vector<int32_t> all;
    for (const auto& [number, n] : nodes)
      all.push_back(number);
    announce(all);
  }
  void set_isr(const std::vector<int32_t>& isr) {
    registration.isr.clear();
    for (const auto number : isr)
      registration.isr.push_back(node_id{number});
    ++registration.partition_epoch;
  }
  void elect(int32_t leader) {
    registration.leader = node_id{leader};
    ++registration.epoch.value;
    ++registration.partition_epoch;
  }
  /// Does what the first waiting proposal asks for, as the controller would.
  kafka_error decide_proposal() {
    REQUIRE_FALSE(proposals.empty());
    auto p = std::move(proposals.front());
    proposals.pop_front();
    change_isr_reply reply;
    const auto& c = p.change();
    if (c.epoch != registration.epoch || c.leader != registration.leader)
      reply.error = kafka_error::fenced_leader_epoch;
    else if (c.partition_epoch != registration.partition_epoch)
      reply.error = kafka_error::invalid_update_version;
    for (const auto& m : c.isr)
      if (reply.error == kafka_error::none && m.broker_epoch != -1
          && (!is_up(m.id.value)
              || m.broker_epoch != node(m.id.value).registered_epoch))
        reply.error = kafka_error::ineligible_replica;
    if (reply.error == kafka_error::none) {
      registration.isr.clear();
      for (const auto& m : c.isr)
        registration.isr.push_back(m.id);
      ++registration.partition_epoch;
      if (!has_node(registration.isr, registration.leader)) { // it leaves
        registration.leader = registration.isr.front();
        ++registration.epoch.value;
      }
      reply.partition = registration;
    }
    const auto error = reply.error;
    caf::anon_send(caf::actor_cast<caf::actor>(p.asker),
      admin_answer{p.ask.ticket, 0, admin_reply{std::move(reply)}});
    scheduler().run();
    announce();
    return error;
  }
  [[nodiscard]] std::vector<int32_t> isr() const {
    std::vector<int32_t> numbers;
    for (const auto id : registration.isr)
      numbers.push_back(id.value);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  // -- clients ---------------------------------------------------------------

  /// One record whose value is `value`.
  /// @param sequence of an idempotent producer; -1: of none
  static shared_bytes batch(const std::string& value, int32_t sequence = -1) {
    record_builder builder{compression_codec::none};
    if (sequence >= 0)
      builder.set_producer(producer_id{5}, 0, sequence);
    record_view record;
    record.timestamp_ms = 1000;
    record.value = value;
    builder.add(record);
    auto made = builder.finish();
    REQUIRE(made.ok());
    return *made;
  }
  void produce(int32_t number, uint64_t ticket, const std::string& value,
    int16_t acks = -1, int32_t sequence = -1) {
    produce_many message;
    message.entries.push_back({.ticket = ticket,
      .batch = batch(value, sequence),
      .acks = acks,
      .timeout_ms = -1});
    client->send(node(number).subject, std::move(message));
    scheduler().run();
  }
  /// Everything that was answered since, by ticket.
  std::map<uint64_t, produce_result> answers() {
    std::map<uint64_t, produce_result> all;
    bool more = true;
    while (more) {
      more = false;
      client->receive(
        [&](produce_results& results) {
          more = true;
          for (auto& r : results.results) {
            CHECK_FALSE(all.contains(r.ticket));
            all[r.ticket] = std::move(r);
          }
        },
        caf::after(std::chrono::milliseconds{0}) >> [] {});
    }
    return all;
  }
  std::optional<fetch_answer> fetch(int32_t number, offset from) {
    return fetch(number, fetch_ask{.from = from});
  }
  std::optional<fetch_answer> fetch(int32_t number, fetch_ask ask) {
    fetch_asks message;
    ask.ticket = 1;
    ask.bytes_max = 1 << 20;
    message.asks.push_back(std::move(ask));
    client->send(node(number).subject, std::move(message));
    scheduler().run();
    std::optional<fetch_answer> taken;
    client->receive(
      [&](fetch_answers& answers) {
        taken = std::move(answers.answers.at(0));
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return taken;
  }
  /// Whether who has waited for more was told since to ask again.
  bool woken() {
    bool any = false;
    client->receive(
      [&](const data_ready&) {
        any = true;
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return any;
  }
  /// How the node's log stands, asked in the way of DescribeLogDirs.
  log_answer look(int32_t number) {
    return ask(number, ask_size{});
  }
  log_answer ask(int32_t number, log_question question) {
    const auto ticket = ++last_ticket;
    client->send(node(number).subject, log_ask{ticket, std::move(question)});
    scheduler().run();
    std::optional<log_answer> taken;
    bool more = true;
    while (more && !taken) {
      more = false;
      client->receive(
        [&](log_answer& answer) {
          more = true;
          if (answer.ticket == ticket)
            taken = std::move(answer);
        },
        caf::after(std::chrono::milliseconds{0}) >> [] {});
    }
    REQUIRE(taken);
    return *taken;
  }
  /// The values in the node's log as its files have them, by offset.
  std::vector<std::string> values(int32_t number);
  /// The epochs of its batches.
  std::vector<int32_t> epochs(int32_t number);

private:
  caf::strong_actor_ptr spawn_controller() {
    const auto actor
      = system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
          return {[this, self](admin_ask& ask) {
            proposals.push_back({self->current_sender(), std::move(ask)});
          }};
        });
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }
  caf::strong_actor_ptr spawn_broker(replica_node& n) {
    const auto actor = system.spawn(
      [&n](caf::event_based_actor* self) -> caf::behavior {
        return {
          [&n, self](const save_hints& save) {
            n.hints_saved_so_far.push_back(save);
            if (!n.saves_hints)
              return;
            n.hint = save.durable;
            n.log_start_hint = save.log_start;
            tell(self, self->current_sender(), hints_saved{save.durable, true});
          },
          [&n, self](const save_log_start& save) {
            n.log_start_hint = save.start;
            tell(
              self, self->current_sender(), log_start_saved{save.start, true});
          },
          [&n](const partition_state_report& report) {
            n.reported = report;
            n.hint = report.durable_end;
          },
        };
      });
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }
  sync_planner_actor spawn_planner(replica_node& n) {
    return system.spawn([&n]() -> sync_planner_actor::behavior_type {
      return {
        [&n](sync_ask& ask) {
          n.syncs.push_back(std::move(ask));
        },
        [](gather_now) {},
        [](sync_ran&) {},
      };
    });
  }
  disk_actor spawn_disk(replica_node& n) {
    return system.spawn(
      [&n](disk_actor::pointer self) -> disk_actor::behavior_type {
        return {
          [](sync_run&) {},
          [&n, self](const warm_ask& ask) {
            n.reads.push_back(ask);
            tell(self, self->current_sender(), warm_done{ask.ticket});
          },
          [](const remove_paths&) {},
        };
      });
  }
};

/// Opens a copy of nothing: reads the segment files as they are.
inline std::vector<std::pair<std::string, int32_t>> stored_records(
  replica_node& n) {
  std::vector<std::pair<std::string, int32_t>> all;
  auto entries = n.disks.files.list("/data/t-0");
  REQUIRE(entries.ok());
  std::vector<std::string> names;
  for (const auto& entry : *entries)
    if (entry.name.ends_with(".log"))
      names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    auto text = read_file(n.disks.files, "/data/t-0/" + name);
    REQUIRE(text.ok());
    const auto bytes = shared_bytes::copy_of(*text);
    size_t at = 0;
    while (at < bytes.size()) {
      const batch_view view{bytes.span().subspan(at)};
      auto next = for_each_record(
        bytes.span().subspan(at, static_cast<size_t>(view.size())),
        view.base_offset(), [&](const record_view& record) {
          all.emplace_back(
            std::string{record.value.value_or("")}, view.epoch().value);
        });
      REQUIRE(next.ok());
      at += static_cast<size_t>(view.size());
    }
  }
  return all;
}

inline std::vector<std::string> replica_fixture::values(int32_t number) {
  std::vector<std::string> all;
  for (const auto& [value, epoch] : stored_records(node(number)))
    all.push_back(value);
  return all;
}

inline std::vector<int32_t> replica_fixture::epochs(int32_t number) {
  std::vector<int32_t> all;
  for (const auto& [value, epoch] : stored_records(node(number)))
    all.push_back(epoch);
  return all;
}

} // namespace millrace
