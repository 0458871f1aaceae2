#include "simulation/cluster_run.hpp"

#include "simulation/cluster_admin.hpp"
#include "simulation/cluster_committer.hpp"
#include "simulation/cluster_consumer.hpp"
#include "simulation/cluster_producer.hpp"
#include "simulation/cluster_transactor.hpp"
#include "simulation/cluster_voters.hpp"
#include "simulation/invariants.hpp"
#include "simulation/ledger_reader.hpp"
#include "simulation/mixed_workload.hpp"
#include "simulation/share_workload.hpp"

namespace millrace {

namespace {

constexpr int32_t partition_count = 3;
/// The topic of the transactions.
constexpr const char* ledger = "ledger";
/// Two of them share their transactional id.
constexpr uint64_t transactor_count = 4;
/// Every so many seeds the nodes are in racks, and consumers read there.
constexpr uint64_t racks_every = 2;
/// Of so many seeds two after the other have a share group, and the others a
/// consumer group whose members speak both protocols.
constexpr uint64_t shares_every = 4;
constexpr int32_t producer_count = 6;
/// Every so many producers one takes what may be lost (acks=1).
constexpr int32_t weak_producer_every = 6;
/// A run that has not got so far by then makes no progress under faults.
constexpr sim_time patience = 1800 * sim_second;
/// A healed cluster has to have answered everything by then. Longer than a
/// client's time-out, a session and an election one after the other.
constexpr sim_time recovery = 60 * sim_second;

bool has_racks(const sim_options& options) {
  return options.nodes > 1 && options.seed % racks_every == 0;
}

bool may_share(const sim_options& options) {
  return options.nodes > 1 && options.seed % shares_every < 2;
}

sim_cluster_options cluster_options(const sim_options& options) {
  const auto replicas = std::min(3, options.nodes);
  sim_cluster_options made{.nodes = options.nodes,
    .settings = {{"offsets.topic.num.partitions", "2"},
      {"offsets.topic.replication.factor", std::to_string(replicas)},
      {"transaction.state.log.num.partitions", "2"},
      {"transaction.state.log.replication.factor", std::to_string(replicas)},
      {"transaction.state.log.min.isr", replicas >= 2 ? "2" : "1"},
      {"default.replication.factor", std::to_string(replicas)},
      {"min.insync.replicas", replicas >= 2 ? "2" : "1"},
      {"log.segment.bytes", "1048576"},
      // The clock jumps, and the records' times do not; who is forgotten by
      // the wall clock is no longer idempotent.
      {"producer.id.expiration.ms", "2000000000"},
      {"transactional.id.expiration.ms", "2000000000"},
      {"log.message.timestamp.after.max.ms", std::to_string(INT64_MAX)},
      {"group.initial.rebalance.delay.ms", "0"}}};
  made.settings.merge(share_workload::settings(replicas));
  made.settings.merge(mixed_workload::settings());
  if (has_racks(options)) {
    made.racks = {"a", "b", "c"};
    made.settings["replica.selector.class"] = "rack-aware";
  }
  return made;
}

class cluster_run {
public:
  explicit cluster_run(const sim_options& options)
      : options_(options), world_(options.seed),
        cluster_(world_, cluster_options(options)),
        clients_(cluster_, history_), invariants_(cluster_),
        atlas_(cluster_, invariants_.metadata(), invariants_.partitions()),
        faults_(clients_, atlas_, options.faults),
        admin_(clients_, static_cast<int16_t>(std::min(3, options.nodes))),
        voters_(clients_), committer_(clients_),
        ledger_final_(clients_, book_, ledger, partition_count) {
    clients_.partitions = partition_count;
    if (options.groups && may_share(options))
      shares_.emplace(clients_, invariants_.shares());
    else if (options.groups)
      mixed_.emplace(clients_);
    cluster_.on_step = [this](int32_t index, caf::actor_id actor) {
      invariants_.check(index, actor);
    };
    cluster_.network().on_said = [this](node_id from, const envelope& message) {
      invariants_.said(from.value - 1, message);
    };
    cluster_.on_end = [this](int32_t index) {
      invariants_.forget(index);
      clients_.links[static_cast<size_t>(index)]->break_all();
    };
  }

  sim_report run() {
    cluster_.start_all();
    admin_.make_topic(clients_.topic, [this] {
      admin_.make_topic(ledger, [this] {
        start_clients();
      });
    });
    while (history_.failure().empty() && !done_)
      step();
    return report();
  }

private:
  void step() {
    if (!cluster_.step())
      history_.fail("progress: nothing is going to happen any more");
    if (!cluster_.failure().empty())
      history_.fail(cluster_.failure());
    if (!invariants_.violation().empty())
      history_.fail(invariants_.violation());
    if (shares_ && !shares_->violation().empty())
      history_.fail(shares_->violation());
    if (mixed_ && !mixed_->book().violation().empty())
      history_.fail(mixed_->book().violation());
    if (!clients_.stopping) {
      if (started_ && clients_.acknowledged >= options_.operations
          && world_.now() >= options_.least)
        heal();
      else if (world_.now() > patience)
        history_.fail("progress: operations are acknowledged under faults ("
                      + waits_for() + ")");
      return;
    }
    if (final_ == nullptr && all_idle()) {
      final_ = std::make_unique<cluster_final_read>(clients_);
      final_->start();
      ledger_final_.start();
      if (shares_)
        shares_->finish();
      if (mixed_)
        mixed_->finish();
    }
    if (final_ != nullptr && final_->done() && ledger_final_.done()
        && groups_done() && !checking_) {
      checking_ = true;
      judge_transactions();
      admin_.check([this] {
        done_ = true;
      });
    }
    if (world_.now() > healed_at_ + recovery)
      history_.fail("progress: a healed cluster answers (" + waits_for() + ")");
  }

  void start_clients() {
    started_ = true;
    for (int32_t i = 0; i < producer_count; ++i) {
      producers_.push_back(std::make_unique<cluster_producer>(
        clients_, i, (i + 1) % weak_producer_every != 0));
      producers_.back()->start();
    }
    for (int32_t p = 0; p < partition_count; ++p) {
      consumers_.push_back(
        std::make_unique<cluster_consumer>(clients_, p, cluster_.rack_of(p)));
      consumers_.back()->start();
    }
    start_transactors();
    committer_.start();
    if (shares_)
      shares_->start();
    if (mixed_)
      mixed_->start();
    admin_.start();
    voters_.start();
    faults_.start();
  }

  /// Either version of transactions by itself, and an id for which two clients
  /// come again and again, of whatever version.
  void start_transactors() {
    for (uint64_t i = 0; i < transactor_count; ++i) {
      const bool shares = i >= 2;
      const auto version = shares ? world_.random(2) : i;
      transactors_.push_back(
        std::make_unique<cluster_transactor>(clients_, book_,
          cluster_transactor::options{
            .topic = ledger,
            .id = "ledger-" + std::to_string(std::min<uint64_t>(i, 2)),
            .transaction_version = static_cast<int16_t>(1 + version),
            .is_strict = options_.faults.none(),
          }));
      transactors_.back()->start();
    }
    for (int32_t p = 0; p < partition_count; ++p) {
      ledger_consumers_.push_back(std::make_unique<ledger_consumer>(
        clients_, ledger, p, cluster_.rack_of(p)));
      ledger_consumers_.back()->start();
    }
  }

  void judge_transactions() {
    std::vector<committed_view> earlier;
    for (const auto& consumer : ledger_consumers_)
      for (auto& view : consumer->views())
        earlier.push_back(std::move(view));
    if (auto wrong = book_.judge(ledger_final_.views(), earlier);
      !wrong.empty())
      history_.fail(std::move(wrong));
  }

  void heal() {
    clients_.stopping = true;
    healed_at_ = world_.now();
    faults_.stop_and_heal();
  }

  [[nodiscard]] bool groups_done() const {
    return (!shares_ || shares_->done()) && (!mixed_ || mixed_->done());
  }

  [[nodiscard]] bool all_idle() const {
    const auto is_idle = [](const auto& client) {
      return client->idle();
    };
    return committer_.idle() && admin_.idle() && voters_.idle()
           && std::all_of(producers_.begin(), producers_.end(), is_idle)
           && std::all_of(transactors_.begin(), transactors_.end(), is_idle);
  }

  /// The first client that has not come to its end, and why.
  [[nodiscard]] std::string waits_for() const {
    if (!started_)
      return "the first topic: " + admin_.last_answer();
    for (size_t i = 0; i < producers_.size(); ++i)
      if (!producers_[i]->idle())
        return "producer " + std::to_string(i) + ": "
               + producers_[i]->last_answer();
    for (size_t i = 0; i < transactors_.size(); ++i)
      if (!transactors_[i]->idle())
        return "transactor " + std::to_string(i) + ": "
               + transactors_[i]->last_answer();
    if (!committer_.idle())
      return "the committer: " + committer_.last_answer();
    if (!voters_.idle())
      return "the voters' admin: " + voters_.last_answer();
    if (checking_ || !admin_.idle())
      return "the admin: " + admin_.last_answer();
    if (final_ == nullptr)
      return "nobody";
    if (shares_ && !shares_->done() && final_->done() && ledger_final_.done())
      return "the share group: " + shares_->last_answer();
    if (mixed_ && !mixed_->done() && final_->done() && ledger_final_.done())
      return "the mixed group: " + mixed_->last_answer();
    return "the reader: "
           + (final_->done() ? ledger_final_.waits_for() : final_->waits_for());
  }

  [[nodiscard]] sim_report report() {
    sim_report r;
    r.seed = options_.seed;
    r.nodes = static_cast<uint64_t>(options_.nodes);
    r.acknowledged = clients_.acknowledged;
    r.events = world_.events();
    r.virtual_ms = world_.now() / sim_ms;
    r.trace = cluster_.trace_hash();
    r.faults = faults_.counts();
    r.starts = cluster_.starts();
    r.restarts = cluster_.restarts();
    r.moves = clients_.moves;
    r.follower_reads = clients_.follower_reads;
    r.transactions = book_.committed_count();
    r.shared = shares_ ? shares_->ended() : 0;
    r.group_moves = mixed_ ? mixed_->book().moves() : 0;
    r.late_commits = mixed_ ? mixed_->book().refused_late() : 0;
    r.messages = cluster_.network().counts().delivered;
    r.reassignments = admin_.reassignments();
    r.config_changes = admin_.config_changes();
    r.voter_changes = voters_.changes();
    r.wiped_voters = atlas_.wiped_voters();
    r.elections = invariants_.metadata().elections();
    r.leaderships = invariants_.partitions().leaderships();
    r.failure = history_.failure();
    return r;
  }

  sim_options options_;
  sim_world world_;
  sim_history history_;
  sim_cluster cluster_;
  cluster_clients clients_;
  invariants invariants_;
  fault_atlas atlas_;
  cluster_faults faults_;
  cluster_admin admin_;
  cluster_voters voters_;
  cluster_committer committer_;
  std::vector<std::unique_ptr<cluster_producer>> producers_;
  std::vector<std::unique_ptr<cluster_consumer>> consumers_;
  transaction_book book_;
  std::vector<std::unique_ptr<cluster_transactor>> transactors_;
  std::vector<std::unique_ptr<ledger_consumer>> ledger_consumers_;
  std::optional<share_workload> shares_; ///< a run has one of these at most
  std::optional<mixed_workload> mixed_;
  std::unique_ptr<cluster_final_read> final_;
  ledger_final_read ledger_final_;
  bool started_ = false;
  bool checking_ = false;
  bool done_ = false;
  sim_time healed_at_ = 0;
};

} // namespace

sim_report run_cluster(const sim_options& options) {
  return cluster_run{options}.run();
}

} // namespace millrace
