// Seeded walks of members that share a partition, with share coordinators
// that fail, answer late or write what they say has failed, and leaderships
// that end. Each record is acknowledged by somebody in the end, and none is
// held by two at once.

#include "actors/partition.hpp"
#include "tests/actors/played_shares.hpp"

#include <random>
#include <set>

using namespace millrace;

namespace {

constexpr int64_t lock_ms = 400;
constexpr int members = 3;

std::string name_of(int64_t member) {
  return std::string(1, static_cast<char>('a' + member));
}

class walk : public actor_fixture {
public:
  // What the walk has really met.
  size_t accepted = 0;
  size_t redelivered = 0;
  size_t failed = 0;
  size_t leaderships = 0;
  size_t departures = 0;

  explicit walk(uint64_t seed) : random_(seed) {
    REQUIRE(make_directory_durable(disks.files, "/data/t-0").ok());
    planner_ = system.spawn([]() -> sync_planner_actor::behavior_type {
      return {[](sync_ask&) {}, [](gather_now) {}, [](sync_ran&) {}};
    });
    registration_.epoch = leader_epoch{1};
    registration_.partition_epoch = 1;
    registration_.leader = node_id{0};
    registration_.replicas = registration_.isr = {node_id{0}};
    settings_.limits = {.delivery_count_max = 10'000,
      .record_locks_max = 30,
      .lock_duration_ms = lock_ms};
    settings_.reset = share_offset_reset::earliest;
    subject_ = system.spawn(partition, &env,
      partition_options{.name = {"t", 0},
        .topic_id = uuid{4, 2},
        .directory = "/data/t-0",
        .settings = kept_by_system(),
        .registration = registration_,
        .node = node_id{0},
        .syncs = planner_,
        .handles = std::make_shared<file_cache>(disks.files),
        .budget = std::make_shared<write_budget>(1 << 20),
        .shares = shares_.actor});
    run();
  }

  ~walk() {
    for (const auto& one : {caf::actor_cast<caf::strong_actor_ptr>(subject_),
           caf::actor_cast<caf::strong_actor_ptr>(planner_)})
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    run();
  }

  void take_steps(int count) {
    for (int i = 0; i < count; ++i) {
      step();
      collect();
    }
    settle();
  }

private:
  static constexpr uint64_t over = UINT64_MAX;

  struct holding {
    std::string member;
    int64_t until_ms = 0; ///< at the latest
    uint64_t ticket = 0;  ///< of the acknowledgement under way
  };
  struct asked {
    std::string member;
    std::vector<int64_t> accepts; ///< none: a fetch
  };

  static partition_settings kept_by_system() {
    partition_settings settings;
    settings.survives = partition_settings::durability::os;
    return settings;
  }

  int64_t below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>{0, bound - 1}(random_);
  }
  std::string anyone() {
    return name_of(below(members));
  }
  int64_t now() {
    return monotonic_ms(*gateway_);
  }

  void step() {
    const auto dice = below(100);
    if (dice < 12)
      produce(1 + below(6));
    else if (dice < 45)
      fetch(anyone());
    else if (dice < 70)
      acknowledge(anyone());
    else if (dice < 78)
      wait(1 + below(200));
    else if (dice < 80)
      leave(anyone());
    else if (dice < 83)
      shares_.holds = !shares_.holds;
    else if (dice < 87)
      shares_.says = below(2) == 0 ? kafka_error::none
                                   : kafka_error::coordinator_not_available;
    else if (dice < 98)
      answer_coordinator();
    else
      change_leadership();
  }

  void produce(int64_t records) {
    record_builder builder{compression_codec::none};
    for (int64_t i = 0; i < records; ++i) {
      record_view record;
      record.timestamp_ms = 1000;
      record.value = "v";
      builder.add(record);
    }
    auto made = builder.finish();
    REQUIRE(made.ok());
    produce_many message;
    message.entries.push_back({.batch = *made, .acks = 1});
    gateway_->send(subject_, std::move(message));
    run();
    gateway_->receive([](const produce_results& answers) {
      REQUIRE(answers.results.at(0).error == kafka_error::none);
    });
    log_end_ += records;
  }

  void ask(uint64_t ticket, const std::string& member, share_question what) {
    gateway_->send(
      subject_, share_ask{ticket, "g", member, settings_, std::move(what)});
    run();
  }
  void fetch(const std::string& member) {
    const auto ticket = ++last_ticket_;
    asked_[ticket] = {member, {}};
    ask(ticket, member,
      share_fetch_question{
        .wanted = {.records_max = static_cast<int32_t>(1 + below(8)),
          .strict = below(2) == 0},
        .bytes_max = 1 << 20,
        .wait_until_ms = now() + 100});
  }

  void acknowledge(const std::string& member) {
    std::vector<int64_t> accepts;
    share_acknowledge_question question;
    for (const auto& [at, held] : held_)
      if (held.member == member && held.ticket == 0 && held.until_ms > now()
          && below(3) != 0) {
        const bool accepted = below(3) != 0;
        question.batches.push_back(
          {{at}, {at}, {static_cast<int8_t>(accepted ? 1 : 2)}});
        if (accepted)
          accepts.push_back(at);
      }
    if (question.batches.empty())
      return;
    const auto ticket = ++last_ticket_;
    for (const auto& batch : question.batches)
      held_[batch.first.value].ticket = ticket;
    asked_[ticket] = {member, accepts};
    ask(ticket, member, std::move(question));
  }

  void wait(int64_t ms) {
    pass(std::chrono::milliseconds{ms});
  }

  void leave(const std::string& member) {
    ++departures;
    ask(0, member, share_release_question{});
    std::erase_if(held_, [&](const auto& entry) {
      return entry.second.member == member && entry.second.ticket == 0;
    });
  }

  void answer_coordinator() {
    if (shares_.open.empty())
      return;
    // What it says has failed may be there all the same.
    if (shares_.says != kafka_error::none && below(2) == 0)
      shares_.keep_first();
    shares_.answer();
    run();
  }

  void change_leadership() {
    ++leaderships;
    for (const auto leader : {no_node, node_id{0}}) {
      registration_.epoch = registration_.epoch + int32_t{1};
      ++registration_.partition_epoch;
      registration_.leader = leader;
      gateway_->send(
        subject_, partition_assigned{registration_, kept_by_system(), 1});
      run();
      collect();
    }
    held_.clear();
    shares_.open.clear(); // their asker does not wait any more
  }

  /// What the partition has answered meanwhile.
  void collect() {
    for (bool more = true; more;) {
      more = false;
      gateway_->receive(
        [&](share_answer& answer) {
          take(answer);
          more = true;
        },
        [&](const data_ready&) {
          more = true;
        },
        caf::after(std::chrono::milliseconds{0}) >> [] {});
    }
  }

  void take(const share_answer& answer) {
    const auto question = asked_.extract(answer.ticket);
    REQUIRE_FALSE(question.empty()); // each is answered once
    for (const auto& range : answer.acquired)
      for (auto at = range.first.value; at <= range.last.value; ++at)
        take_record(at, question.mapped().member, range.delivery_count);
    bool any = false;
    for (auto& [at, held] : held_)
      any = any || held.ticket == answer.ticket;
    if (answer.error == kafka_error::none)
      for (const auto at : question.mapped().accepts) {
        done_.insert(at);
        ++accepted;
      }
    else if (any)
      ++failed;
    for (auto& [at, held] : held_)
      if (held.ticket == answer.ticket)
        held.ticket = answer.error == kafka_error::none ? over : 0;
    std::erase_if(held_, [](const auto& entry) {
      return entry.second.ticket == over;
    });
  }

  void take_record(int64_t at, const std::string& member, int16_t count) {
    const auto found = held_.find(at);
    if (found != held_.end()) {
      INFO(
        "offset " << at << " of " << found->second.member << " for " << member);
      REQUIRE(found->second.ticket == 0);
      REQUIRE(found->second.until_ms <= now());
    }
    redelivered += count > 1 ? 1 : 0;
    // Whom the coordinator has told that it is done nobody else gets.
    REQUIRE_FALSE(done_.contains(at));
    held_[at] = {member, now() + lock_ms, 0};
  }

  /// Everything becomes well, and all is done.
  void settle() {
    shares_.holds = false;
    shares_.says = kafka_error::none;
    while (!shares_.open.empty())
      answer_coordinator();
    for (int i = 0; i < 1'000 && static_cast<int64_t>(done_.size()) < log_end_;
      ++i) {
      for (int64_t m = 0; m < members; ++m) {
        fetch(name_of(m));
        collect();
        acknowledge(name_of(m));
        collect();
      }
      wait(50);
      collect();
      // A leader that was lost may have made it durable, unheard.
      if (shares_.states["g"].start == offset{log_end_})
        break;
    }
    CHECK(shares_.states["g"].start == offset{log_end_});
    CHECK(asked_.empty());
  }

  std::mt19937_64 random_;
  caf::scoped_actor gateway_{system};
  played_shares shares_{*this};
  sync_planner_actor planner_;
  partition_actor subject_;
  partition_registration registration_;
  share_settings settings_;
  int64_t log_end_ = 0;
  uint64_t last_ticket_ = 0;
  std::map<uint64_t, asked> asked_;
  std::map<int64_t, holding> held_;
  std::set<int64_t> done_; ///< as members have been told
};

} // namespace

TEST_CASE("members that share a partition lose nothing and hold nothing twice",
  "[actors][partition_share]") {
  size_t accepted = 0;
  size_t redelivered = 0;
  size_t failed = 0;
  size_t leaderships = 0;
  size_t departures = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    walk w{seed};
    w.take_steps(300);
    accepted += w.accepted;
    redelivered += w.redelivered;
    failed += w.failed;
    leaderships += w.leaderships;
    departures += w.departures;
  }
  INFO(accepted << " accepted, " << redelivered << " redelivered, " << failed
                << " failed, " << leaderships << " leaderships, " << departures
                << " departures");
  CHECK(accepted > 1'000);
  CHECK(redelivered > 300);
  CHECK(failed > 20);
  CHECK(leaderships > 50);
  CHECK(departures > 50);
}
