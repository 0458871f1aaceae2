#pragma once

// What surrounds one custom actor: its context, its state's log, its reader
// and writer, and the turns. An actor that the cluster places lives as long as
// its node leads the partition that is its state's log; the shell replays that
// log, counts one more beginning in it, and then lets the actor begin.
//
// The number of the beginning fences: it is the epoch of the idempotent
// producer (KIP-98) that writes the state and the actor's records, so that
// every partition refuses what an earlier life of the same instance sends
// after a later one has written.

#include "actors/custom_client.hpp"
#include "actors/custom_deployments.hpp"
#include "actors/custom_reader.hpp"
#include "actors/custom_writer.hpp"
#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "cluster/actor_memory.hpp"

#include <deque>
#include <memory>
#include <variant>

namespace millrace {

struct custom_host_options {
  custom_deployment deployment;
  actor_address address;
  node_id node;
  caf::strong_actor_ptr front;
  /// The partition that is the state's log; null: it runs on every node.
  caf::strong_actor_ptr log;
  std::set<node_id> nodes; ///< that the cluster counts on
  /// The log is written anew when it says so much more than it needs to.
  int64_t trim_records_min = 1000;
};

class custom_shell final : public actor_context, private actor_state {
public:
  /// `self` is the actor that this is the inside of.
  custom_shell(custom_host_actor::pointer self, environment& env,
    custom_host_options options);

  void start();
  void take(const log_answer& answer);
  void take(const produce_results& answer);
  void take(const front_answer& answer);
  void take(const letter_in& message);
  void take(const nodes_up& change);
  void take(const host_timer& timer);

  // -- actor_context ---------------------------------------------------------

  const actor_address& self() const override {
    return options_.address;
  }
  node_id node() const override {
    return options_.node;
  }
  const std::set<node_id>& nodes() const override {
    return nodes_;
  }
  actor_state& state() override;
  void read(std::string topic, read_from where) override;
  void write(new_record record) override;
  void after(
    std::chrono::milliseconds wait, std::function<void()> what) override;
  int64_t now_ms() const override;
  int64_t wall_clock_ms() override;
  uint64_t random() override;
  void log(std::string_view line) override;

private:
  /// Of the questions to the state's log.
  static constexpr uint64_t replay_ticket = 0;
  static constexpr uint64_t trim_ticket = 1;

  struct write_effect {
    uint64_t number = 0;
    waiting_write record;
  };
  using effect = std::variant<actor_letter, write_effect>;

  struct timer {
    std::function<void()> what;
    bool is_users = false; ///< a turn of the actor
  };

  // actor_state
  std::optional<std::string> get(std::string_view key) const override;
  void put(std::string_view key, std::string value) override;
  void erase(std::string_view key) override;
  void for_each(std::string_view prefix,
    const std::function<void(std::string_view, const std::string&)>& visit)
    const override;

  void send_letter(
    const actor_address& to, uint64_t type, shared_bytes body) override;

  [[nodiscard]] bool is_placed() const {
    return options_.log != nullptr;
  }
  /// Runs a call of the actor; what it throws ends it.
  template <class F>
  void turn(F&& call) {
    if (ended_)
      return;
    try {
      call();
    } catch (const std::exception& e) {
      fail(std::string{"it has thrown: "} + e.what());
      return;
    } catch (...) {
      fail("it has thrown something");
      return;
    }
    end_turn();
  }
  void end_turn();
  void release(std::vector<effect> effects);
  void commit();
  void add_batch(produce_many& to, std::span<const actor_memory::record> of);
  void add_everything(produce_many& to);
  void on_committed();
  void replay_some();
  void begin_life();
  void ask_for_producer_id();
  void run();
  void deliver(const read_step& step);
  void set_timer(int64_t ms, std::function<void()> what, bool is_users);
  void fail(const std::string& why);

  custom_host_actor::pointer self_;
  environment& env_;
  custom_host_options options_;
  std::set<node_id> nodes_;
  actor_memory memory_;
  std::unique_ptr<custom_client> client_;
  std::unique_ptr<custom_reader> reader_;
  std::unique_ptr<custom_writer> writer_;
  std::unique_ptr<custom_actor> actor_; ///< null: it has not begun

  int64_t log_end_ = 0; ///< of what is replayed, or written and committed
  int64_t rewritten_from_ = 0;
  custom_producer producer_;
  int32_t sequence_ = 0;          ///< of the next batch of the state's log
  std::vector<effect> effects_;   ///< of the turns since the last commit
  std::vector<effect> in_flight_; ///< of the commit under way
  /// Of the commit under way: how many records each of its batches has, by
  /// its ticket.
  std::map<uint64_t, int64_t> committing_;
  uint64_t next_ticket_ = 1;
  uint64_t rewrite_ticket_ = 0; ///< of the first batch that says everything
  int64_t logged_ = 0;          ///< records since the log last said everything
  uint64_t next_number_ = 1;    ///< of writes that are not kept
  std::map<uint64_t, timer> timers_;
  uint64_t next_timer_ = 1;
  std::deque<actor_letter> early_; ///< before the actor has begun
  bool ended_ = false;
};

} // namespace millrace
