#include "tests/cluster/transaction_host.hpp"

#include <random>
#include <tuple>

// Seeded random walks of producers, zombies and a network that repeats and
// delays, through coordinators that come and go, with appends that end late
// or fail; checked against what must hold at every step. All clients are of
// transaction version 2, which is what makes the strong promises (KIP-890).

namespace millrace {

using test::transaction_host;
using test::txn_producer;

namespace {

/// A producer id in an epoch.
using incarnation = std::pair<int64_t, int16_t>;

/// A process that believes that it is the producer; many are zombies.
struct client {
  size_t number = 0;
  std::string name; // the transactional id
  txn_producer producer;
  std::optional<uint64_t> waits; // for the answer of this token
  bool open = false;             // it has added partitions
};

struct sent_end {
  size_t client = 0;
  std::string name;
  txn_producer producer;
  bool commit = false;
};

class walk {
public:
  /// @param first_epoch where the ids are when it begins
  walk(uint64_t seed, int16_t first_epoch)
      : random_(seed),
        host_({.id_expiration_ms = 200'000, .expiry_check_interval_ms = 50'000},
          beginnings(first_epoch)) {
    host_.appends_at_once = false;
    host_.markers_at_once = false;
    host_.now_ms += 1;
    read_log();
    for (size_t i = 0; i < 4; ++i)
      start_client();
  }

  // What the walk has really met.
  size_t commits = 0;
  size_t aborts = 0;
  size_t ends_repeated = 0;
  size_t fenced = 0;
  size_t takeovers = 0;
  size_t ids_changed = 0;
  size_t ids_expired = 0;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      collect();
      check();
    }
    finish();
  }

private:
  static std::vector<transaction_log_entry> beginnings(int16_t epoch) {
    std::vector<transaction_log_entry> log;
    if (epoch < 0)
      return log;
    int64_t id = 1;
    for (const auto* name : {"x", "y"}) {
      transaction_value value;
      value.id = {id++};
      value.epoch = epoch;
      value.timeout_ms = 10'000;
      value.updated_ms = transaction_host::wall_start_ms;
      log.push_back(encode_transaction_record({name, value}));
    }
    return log;
  }

  size_t below(size_t bound) {
    return std::uniform_int_distribution<size_t>{0, bound - 1}(random_);
  }

  void start_client() {
    clients_.push_back({clients_.size(), below(2) == 0 ? "x" : "y", {}, {}});
  }

  void step() {
    const auto dice = below(200);
    if (dice < 110)
      behave(clients_[newest()]);
    else if (dice < 120)
      behave(clients_[below(clients_.size())]); // perhaps a zombie
    else if (dice < 132 && !ends_.empty())
      repeat_end();
    else if (dice < 165)
      end_append();
    else if (dice < 185)
      markers();
    else if (dice < 192)
      host_.advance(static_cast<int64_t>(below(2'000)));
    else if (dice < 193)
      host_.advance(static_cast<int64_t>(below(20'000)));
    else if (dice < 195)
      start_client();
    else if (dice < 197)
      take_over();
    else if (below(8) == 0)
      host_.advance(300'000);
  }

  /// One of the last few that were started.
  size_t newest() {
    return clients_.size() - 1 - below(std::min<size_t>(clients_.size(), 4));
  }

  void behave(client& c) {
    const auto dice = below(100);
    if (c.waits && dice < 90)
      return; // else: a time-out, and it goes on without the answer
    c.waits.reset();
    if (c.producer.id < 0)
      return init(c, {});
    if (dice % 16 == 0)
      return init(c, c.producer); // KIP-360
    if (c.open && dice % 3 == 0)
      return end(c, dice % 2 == 0);
    if (!c.open && dice % 11 == 0)
      return end(c, false); // an abort of nothing
    add(c, {{"t", static_cast<int32_t>(below(4))}});
  }

  void init(client& c, txn_producer current) {
    wait(c, host_.send_init(c.name, current, 5, 10'000));
    inits_[*c.waits] = {c.number, current};
    c.open = false;
  }
  void add(client& c, std::set<topic_partition> partitions) {
    c.open = true;
    wait(c, host_.send_add(c.name, c.producer, std::move(partitions)));
    adds_[*c.waits] = c.number;
    producer_of_[*c.waits] = c.producer;
  }
  void end(client& c, bool commit) {
    ends_.push_back({c.number, c.name, c.producer, commit});
    if (commit)
      commits_asked_.insert({c.producer.id, c.producer.epoch});
    wait(c, host_.send_end(c.name, c.producer, commit));
    end_of_[*c.waits] = ends_.size() - 1;
  }
  void wait(client& c, uint64_t token) {
    c.waits = token;
  }

  /// An EndTxn comes once more, however late; its client does not know.
  void repeat_end() {
    const auto back = std::min<size_t>(ends_.size(), below(2) == 0 ? 3 : 1'000);
    const auto index = ends_.size() - 1 - below(back);
    const auto& again = ends_[index];
    end_of_[host_.send_end(again.name, again.producer, again.commit)] = index;
    ++ends_repeated;
  }

  void end_append() {
    if (!host_.appends.empty())
      host_.end_append(
        below(10) == 0 ? kafka_error::not_enough_replicas : kafka_error::none);
  }

  void markers() {
    if (!host_.markers.empty() && below(3) != 0)
      host_.write_markers(below(host_.markers.size()));
    else if (!host_.written.empty())
      host_.tell_written(host_.written[below(host_.written.size())]);
  }

  /// The coordinator is gone; of what it was writing, some has got through.
  void take_over() {
    ++takeovers;
    for (auto got = below(host_.appends.size() + 1); got > 0; --got) {
      const auto& records = host_.appends.front().records;
      host_.log.insert(host_.log.end(), records.begin(), records.end());
      host_.appends.pop_front();
    }
    host_.restart();
  }

  /// Gives answers to their clients, and believes none of them.
  void collect() {
    read_log();
    for (const auto& [token, answer] : host_.answers) {
      if (inits_.contains(token))
        took_init(token);
      else if (adds_.contains(token))
        took_add(token);
      else
        took_end(token);
    }
    host_.answers.clear();
  }

  void took_init(uint64_t token) {
    const auto [number, current] = inits_.at(token);
    const auto error = host_.init_error(token);
    auto& c = clients_[number];
    if (error == kafka_error::none) {
      const auto given = host_.producer_of(token);
      gave(number, given);
      if (c.waits == token)
        c.producer = given;
    } else {
      refused(error);
      if (error == kafka_error::producer_fenced && c.waits == token
          && below(2) == 0)
        c.producer = {}; // comes anew
    }
    done(c, token);
  }

  void took_add(uint64_t token) {
    auto& c = clients_[adds_.at(token)];
    const auto error = host_.add_error(token);
    if (error == kafka_error::none) {
      const auto p = producer_of_.at(token);
      INFO("an add of " << p.id << "/" << p.epoch << " succeeded");
      // One epoch is in force: the one of the last record.
      REQUIRE(last_.at(c.name));
      REQUIRE(last_.at(c.name)->id.value == p.id);
      REQUIRE(last_.at(c.name)->epoch == p.epoch);
      REQUIRE(owners_.at({p.id, p.epoch}) == c.number);
    } else {
      refused(error);
    }
    done(c, token);
  }

  void took_end(uint64_t token) {
    const auto& sent = ends_.at(end_of_.at(token));
    auto& c = clients_[sent.client];
    if (const auto error = host_.end_error(token); error == kafka_error::none) {
      const auto next = host_.ended(token);
      gave(sent.client, next);
      // A commit that was answered well is one that has been decided.
      const auto outcome
        = outcomes_.find({sent.producer.id, sent.producer.epoch});
      REQUIRE(outcome != outcomes_.end());
      REQUIRE(outcome->second == sent.commit);
      if (c.waits == token) {
        c.producer = next;
        c.open = false;
      }
    } else {
      refused(error);
    }
    done(c, token);
  }

  void refused(kafka_error error) {
    fenced += error == kafka_error::producer_fenced ? 1u : 0u;
    REQUIRE(error != kafka_error::invalid_request);
    REQUIRE(error != kafka_error::unknown_server_error);
  }
  void done(client& c, uint64_t token) {
    if (c.waits == token)
      c.waits.reset();
  }

  /// Nobody else may have been given this id and epoch.
  void gave(size_t number, txn_producer p) {
    INFO("producer " << p.id << ", epoch " << p.epoch);
    REQUIRE(p.epoch < producer_epoch_last);
    const auto [it, is_new] = owners_.try_emplace({p.id, p.epoch}, number);
    REQUIRE(it->second == number);
  }

  /// Follows the log: every record, when it is durable.
  void read_log() {
    for (; read_ < host_.log.size(); ++read_) {
      const auto& [key, bytes] = host_.log[read_];
      const auto decoded = decode_transaction_record(
        key, bytes ? std::optional<std::string_view>{*bytes} : std::nullopt);
      REQUIRE(decoded.ok());
      const auto& record = **decoded;
      auto& last = last_[record.transactional_id];
      if (record.value)
        follow(last, *record.value);
      else
        ++ids_expired;
      last = record.value;
    }
  }

  void follow(const std::optional<transaction_value>& before,
    const transaction_value& next) {
    using enum transaction_phase;
    INFO(to_string(next.phase) << " of " << next.id.value << "/" << next.epoch);
    if (!before)
      return;
    REQUIRE(may_follow(before->phase, next.phase));
    if (next.id == before->id) {
      REQUIRE(next.epoch >= before->epoch);
    } else {
      // A new id is new to all, and begins in epoch 0.
      ++ids_changed;
      REQUIRE(next.epoch == 0);
      REQUIRE(ids_.insert(next.id.value).second);
    }
    if (next.phase != prepare_commit && next.phase != prepare_abort)
      return;
    // The end of the transaction of the epoch before, and of no other one.
    const incarnation ended{before->id.value, before->epoch};
    REQUIRE(next.epoch == before->epoch + 1);
    REQUIRE(outcomes_.try_emplace(ended, next.phase == prepare_commit).second);
    if (next.phase == prepare_commit) {
      REQUIRE(commits_asked_.contains(ended));
      REQUIRE(next.partitions == before->partitions);
      ++commits;
    } else {
      ++aborts;
    }
  }

  void check() {
    // What the log says is what the coordinator knows, at any moment: its
    // successor knows the same.
    size_t known = 0;
    for (const auto& [name, value] : last_) {
      if (!value)
        continue;
      ++known;
      REQUIRE(host_.state(name));
      REQUIRE(host_.state(name)->value() == value);
    }
    size_t there = 0;
    for (const auto& [name, entry] : host_.registry->entries())
      there += entry.state.value() ? 1u : 0u;
    REQUIRE(there == known);
    // Markers are those of decisions that are in the log.
    for (const auto& one : host_.markers) {
      const incarnation ended{
        one.id.value, static_cast<int16_t>(one.epoch - 1)};
      REQUIRE(outcomes_.contains(ended));
      REQUIRE(outcomes_.at(ended) == one.commit);
    }
  }

  /// With everything delivered, no transaction stays open.
  void finish() {
    host_.appends_at_once = true;
    host_.markers_at_once = true;
    host_.restart();
    host_.advance(11'000);
    collect();
    check();
    for (const auto& [name, value] : last_) {
      if (!value)
        continue;
      REQUIRE(value->phase != transaction_phase::ongoing);
      REQUIRE_FALSE(host_.state(name)->markers());
      REQUIRE_FALSE(host_.state(name)->pending());
    }
  }

  std::mt19937_64 random_;
  transaction_host host_;
  std::vector<client> clients_;
  std::vector<sent_end> ends_;
  std::set<incarnation> commits_asked_;
  std::map<uint64_t, std::pair<size_t, txn_producer>> inits_;
  std::map<uint64_t, size_t> adds_;
  std::map<uint64_t, txn_producer> producer_of_;
  std::map<uint64_t, size_t> end_of_;
  // What the log has said.
  size_t read_ = 0;
  std::map<std::string, std::optional<transaction_value>> last_;
  std::map<incarnation, bool> outcomes_; // by the epoch of the transaction
  std::set<int64_t> ids_;
  std::map<incarnation, size_t> owners_;
};

struct totals {
  size_t commits = 0, aborts = 0, ends_repeated = 0, fenced = 0, takeovers = 0,
         ids_changed = 0, ids_expired = 0;

  void add(const walk& w) {
    commits += w.commits;
    aborts += w.aborts;
    ends_repeated += w.ends_repeated;
    fenced += w.fenced;
    takeovers += w.takeovers;
    ids_changed += w.ids_changed;
    ids_expired += w.ids_expired;
  }
};

} // namespace

TEST_CASE("each marker ends its own transaction, and one epoch is in force, "
          "whatever is late, repeated or lost",
  "[cluster][transaction_random]") {
  totals met;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    walk w{seed, -1};
    w.run(2'000);
    met.add(w);
  }
  CHECK(met.commits > 500);
  CHECK(met.aborts > 500);
  CHECK(met.ends_repeated > 3'000);
  CHECK(met.fenced > 1'000);
  CHECK(met.takeovers > 500);
  CHECK(met.ids_expired > 10);
}

TEST_CASE(
  "the same holds where epochs run out", "[cluster][transaction_random]") {
  totals met;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    walk w{seed, static_cast<int16_t>(32'756 + seed % 10)};
    w.run(2'000);
    met.add(w);
  }
  CHECK(met.ids_changed > 100);
  CHECK(met.commits > 300);
}

} // namespace millrace
