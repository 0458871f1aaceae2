#include "tests/cluster/share_host.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

// Seeded random walks of members that fetch, acknowledge, stall and go, above
// writes that end late or fail and leaders that change; checked against a
// model in which each record stands for itself.

namespace millrace {

using test::share_host;

namespace {

enum class fate : uint8_t { open, accepted, rejected, released };

struct record {
  bool gone = false; ///< of the log: for nobody
  int16_t deliveries = 0;
  std::string holder;
  int64_t until_ms = 0;
  fate said = fate::open; ///< by its holder, not durable yet
  uint64_t ticket = 0;
  bool over = false;
  bool accepted = false;
  bool maybe = false; ///< a write that counts as failed has ended it
};

class walk {
public:
  explicit walk(uint64_t seed) : random_(seed), host_(begin()) {}

  // What the walk has really met.
  size_t given = 0;
  size_t accepted = 0;
  size_t expired = 0;
  size_t exhausted = 0;
  size_t failed_writes = 0;
  size_t restarts = 0;
  size_t full = 0;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      check();
    }
    drain();
  }

private:
  static constexpr share_limits limits{
    .delivery_count_max = 3, .record_locks_max = 60, .lock_duration_ms = 50};

  share_host begin() {
    durable_ = {.state_epoch = 1, .start = {0}, .delivery_complete_count = 0};
    return share_host{durable_, limits};
  }

  int64_t below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>{0, bound - 1}(random_);
  }
  std::string member() {
    return std::string(1, static_cast<char>('a' + below(4)));
  }

  void step() {
    const auto dice = below(100);
    if (dice < 12)
      append();
    else if (dice < 40)
      fetch(member());
    else if (dice < 65)
      acknowledge(member());
    else if (dice < 72)
      pass(below(30));
    else if (dice < 75)
      leave(member());
    else if (dice < 88)
      begin_write();
    else if (dice < 97)
      end_write(below(5) != 0);
    else if (dice < 98)
      move_log_start();
    else if (below(4) == 0)
      restart();
  }

  void append() {
    const auto size = 1 + below(12);
    const bool gone = below(5) == 0;
    for (int64_t i = 0; i < size; ++i)
      records_[host_.log_end + i].gone = gone;
    host_.append(size, 1, gone);
    if (below(6) == 0) {
      records_[host_.log_end].gone = true; // a hole
      ++host_.log_end;
    }
  }

  [[nodiscard]] bool is_free(int64_t at) const {
    const auto& r = records_.at(at);
    return at >= log_start_ && !r.gone && !r.over && r.holder.empty();
  }

  /// Records that the window holds on to, as a member may not get others.
  [[nodiscard]] int64_t in_flight() const {
    int64_t count = 0;
    for (const auto& [first, held] : host_.partition.window().all())
      if (!held.run.gone)
        count += held.last - first + 1;
    return count;
  }

  void fetch(const std::string& who) {
    const share_wanted wanted{.records_max = static_cast<int32_t>(below(20)),
      .batch_size = static_cast<int32_t>(1 + below(10)),
      .strict = below(2) == 0};
    const bool had_room = in_flight() < limits.record_locks_max;
    const auto end_before = host_.partition.end().value;
    const auto got = host_.fetch(who, wanted);
    int64_t count = 0;
    int64_t before = -1;
    for (const auto& range : got) {
      REQUIRE(range.first.value > before);
      before = range.last.value;
      for (auto at = range.first.value; at <= range.last.value; ++at) {
        REQUIRE(is_free(at)); // never two holders
        auto& r = records_.at(at);
        r.holder = who;
        r.until_ms = host_.now_ms + limits.lock_duration_ms;
        ++r.deliveries;
        REQUIRE(r.deliveries == range.delivery_count);
        REQUIRE(r.deliveries <= limits.delivery_count_max);
        ++count;
      }
    }
    given += static_cast<size_t>(count);
    if (wanted.strict)
      REQUIRE(count <= wanted.records_max);
    // What another leader does not know yet to be for nobody may be above it.
    if (host_.partition.end().value > end_before)
      REQUIRE(in_flight() <= limits.record_locks_max);
    if (count > 0 || wanted.records_max == 0)
      return;
    // No record is lost: nothing that could have been given was left.
    for (auto& [at, r] : records_)
      if (is_free(at)) {
        REQUIRE(at >= end_before);
        REQUIRE_FALSE(had_room);
        ++full;
        break;
      }
  }

  std::vector<int64_t> held_by(const std::string& who) const {
    std::vector<int64_t> held;
    for (const auto& [at, r] : records_)
      if (r.holder == who && r.said == fate::open && r.ticket == 0)
        held.push_back(at);
    return held;
  }

  void acknowledge(const std::string& who) {
    const auto held = held_by(who);
    if (held.empty())
      return;
    const auto at
      = held[static_cast<size_t>(below(static_cast<int64_t>(held.size())))];
    auto last = at;
    while (
      below(4) != 0 && std::binary_search(held.begin(), held.end(), last + 1))
      ++last;
    share_acknowledgement batch{{at}, {last}, {}};
    for (auto o = at; o <= last; ++o)
      batch.types.push_back(static_cast<int8_t>(below(5)));
    // Somebody else tries first.
    const auto other = who == "a" ? "b" : "a";
    REQUIRE(host_.partition.acknowledge(other, {&batch, 1}, 0, 0).error
            == kafka_error::invalid_record_state);
    const auto ticket = ++last_ticket_;
    const auto verdict
      = host_.partition.acknowledge(who, {&batch, 1}, ticket, host_.now_ms);
    REQUIRE(verdict.error == kafka_error::none);
    bool waits = false;
    for (auto o = at; o <= last; ++o) {
      auto& r = records_.at(o);
      const auto type = static_cast<share_acknowledge_type>(
        batch.types[static_cast<size_t>(o - at)]);
      if (type == share_acknowledge_type::renew) {
        r.until_ms = host_.now_ms + limits.lock_duration_ms;
        continue;
      }
      r.ticket = ticket;
      r.said = type == share_acknowledge_type::accept    ? fate::accepted
               : type == share_acknowledge_type::release ? fate::released
                                                         : fate::rejected;
      waits = true;
    }
    REQUIRE(verdict.waits == waits);
    if (waits)
      open_.insert(ticket);
  }

  void free(record& r) {
    r.holder.clear();
    if (r.deliveries < limits.delivery_count_max)
      return;
    r.over = true;
    ++exhausted;
  }

  void pass(int64_t ms) {
    host_.now_ms += ms;
    host_.partition.expire(host_.now_ms);
    for (auto& [at, r] : records_)
      if (!r.holder.empty() && r.ticket == 0 && r.until_ms <= host_.now_ms) {
        ++expired;
        free(r);
      }
  }

  void leave(const std::string& who) {
    host_.partition.release(who);
    for (auto& [at, r] : records_)
      if (r.holder == who && r.ticket == 0)
        free(r);
  }

  void begin_write() {
    if (writing_)
      REQUIRE_FALSE(host_.partition.take_write());
    else
      writing_ = host_.partition.take_write();
  }

  /// What __share_group_state makes of a write.
  void store(const share_partition_snapshot& write) {
    std::map<int64_t, share_state_batch> each;
    const auto overlay = [&](const std::vector<share_state_batch>& batches) {
      for (const auto& batch : batches)
        for (auto at = batch.first.value; at <= batch.last.value; ++at)
          each[at] = {{at}, {at}, batch.delivery_state, batch.delivery_count};
    };
    overlay(durable_.batches);
    overlay(write.batches);
    durable_ = write;
    durable_.batches.clear();
    for (const auto& [at, one] : each)
      if (at >= write.start.value)
        durable_.batches.push_back(one);
  }

  void end_write(bool ok) {
    if (!writing_)
      return;
    // What counts as failed may have been done all the same.
    const bool stored = ok || below(2) == 0;
    if (stored)
      store(*writing_);
    if (!ok)
      ++failed_writes;
    const auto tickets
      = ok ? host_.partition.write_done() : host_.partition.write_failed();
    writing_.reset();
    for (const auto ticket : tickets) {
      REQUIRE(open_.erase(ticket) == 1);
      for (auto& [at, r] : records_)
        if (r.ticket == ticket) {
          r.maybe = r.maybe || (stored && r.said != fate::released)
                    || (stored && r.deliveries >= limits.delivery_count_max);
          settle(r, ok);
        }
    }
  }

  void settle(record& r, bool durable) {
    r.ticket = 0;
    const auto said = std::exchange(r.said, fate::open);
    if (!durable)
      return;
    if (said == fate::released) {
      free(r);
      return;
    }
    r.holder.clear();
    r.over = true;
    r.accepted = said == fate::accepted;
    accepted += r.accepted ? 1 : 0;
  }

  void move_log_start() {
    log_start_ = std::max(log_start_,
      std::min(host_.log_end, host_.partition.start().value + below(10)));
    host_.partition.move_log_start({log_start_});
    for (auto& [at, r] : records_)
      if (at < log_start_ && r.holder.empty())
        r.over = true;
  }

  /// Another leader begins with what is durable.
  void restart() {
    ++restarts;
    writing_.reset();
    open_.clear();
    host_.partition = share_partition{durable_, {0}, {8}, limits};
    host_.partition.move_log_start({log_start_});
    std::map<int64_t, share_state_batch> known;
    for (const auto& batch : durable_.batches)
      known[batch.first.value] = batch;
    for (auto& [at, r] : records_) {
      r.holder.clear();
      r.said = fate::open;
      r.ticket = 0;
      const auto found = known.find(at);
      const bool over
        = at < std::max(durable_.start.value, log_start_)
          || (found != known.end() && found->second.delivery_state != 0);
      // What somebody was told is done stays so, and nothing else is.
      if (r.accepted)
        REQUIRE(over);
      if (over && !r.gone && at >= log_start_)
        REQUIRE((r.over || r.maybe));
      r.over = over;
      const auto durable_count
        = found == known.end() ? int16_t{0} : found->second.delivery_count;
      REQUIRE(durable_count <= r.deliveries);
      if (!over)
        r.deliveries = durable_count;
    }
    last_start_ = durable_.start.value;
  }

  void check() {
    const auto start = host_.partition.start().value;
    REQUIRE(start >= last_start_);
    last_start_ = start;
    for (const auto& [at, r] : records_) {
      if (at < start && at >= log_start_)
        REQUIRE((r.gone || r.over));
      if (!r.holder.empty()) {
        const auto run = host_.partition.window().at_or_after(at);
        REQUIRE(run != host_.partition.window().all().end());
        REQUIRE(run->first <= at);
        REQUIRE(run->second.run.is_held_by(r.holder));
      }
    }
  }

  /// Everybody goes on until nothing is left to do.
  void drain() {
    append();
    records_[host_.log_end].gone = false;
    host_.append(1); // so that a hole is seen to be one
    for (int i = 0; i < 2'000 && host_.partition.start().value < host_.log_end;
      ++i) {
      fetch("a");
      acknowledge("a");
      pass(5);
      begin_write();
      end_write(true);
      check();
    }
    REQUIRE(host_.partition.start().value >= host_.log_end);
    for (const auto& [at, r] : records_)
      REQUIRE((r.gone || r.over || at < log_start_));
  }

  std::mt19937_64 random_;
  share_partition_snapshot durable_;
  share_host host_;
  std::map<int64_t, record> records_;
  std::optional<share_partition_snapshot> writing_;
  std::set<uint64_t> open_;
  uint64_t last_ticket_ = 0;
  int64_t log_start_ = 0;
  int64_t last_start_ = 0;
};

} // namespace

TEST_CASE("no record has two holders, is lost, or given too often",
  "[cluster][share_random]") {
  size_t given = 0;
  size_t accepted = 0;
  size_t expired = 0;
  size_t exhausted = 0;
  size_t failed_writes = 0;
  size_t restarts = 0;
  size_t full = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    walk w{seed};
    w.run(1'000);
    given += w.given;
    accepted += w.accepted;
    expired += w.expired;
    exhausted += w.exhausted;
    failed_writes += w.failed_writes;
    restarts += w.restarts;
    full += w.full;
  }
  INFO(given << " given, " << accepted << " accepted, " << expired
             << " expired, " << exhausted << " exhausted, " << failed_writes
             << " failed writes, " << restarts << " restarts, " << full
             << " full");
  CHECK(given > 10'000);
  CHECK(accepted > 1'000);
  CHECK(expired > 1'000);
  CHECK(exhausted > 500);
  CHECK(failed_writes > 100);
  CHECK(restarts > 50);
  CHECK(full > 50);
}

} // namespace millrace
