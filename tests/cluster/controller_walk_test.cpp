// The controller on a random walk: brokers start, die, lose their disks, are
// taken for dead, end; leaders change their ISR, topics come and go. What must
// hold is looked at after every step, and against a model that knows where
// everything that was committed lies.
#include "cluster/metadata_difference.hpp"
#include "cluster/metadata_image_store.hpp"
#include "tests/cluster/metadata_fixture.hpp"

#include <map>
#include <random>

using namespace millrace;
using millrace::test::clustered;
using millrace::test::controller;

namespace {

constexpr int broker_count = 5;

using partition_name = std::pair<uuid, int32_t>;

class walk {
public:
  walk(uint64_t seed, bool disks_fail)
      : random_(seed), disks_fail_(disks_fail), c_(0, clustered()) {
    for (int id = 0; id < broker_count; ++id) {
      processes_[id].directory = {80, static_cast<uint64_t>(id)};
      start(id);
    }
    follow(0);
  }

  void step() {
    const auto before = c_.image();
    const auto log_size = c_.log.size();
    act();
    check_against(before);
    follow(log_size);
    check_elections(before);
    if (one_in(10))
      check_copies();
  }

  /// Everybody comes back with what he has.
  void heal() {
    for (int id = 0; id < broker_count; ++id) {
      while (processes_[id].up && c_.image().find_broker({id})->shutting_down)
        heartbeat(id, c_.index, true); // it ends first
      start(id);
    }
    for (int id = 0; id < broker_count; ++id)
      heartbeat(id, c_.index);
    for (const auto& [name, topic] : c_.image().topics())
      for (const auto& p : topic->partitions) {
        INFO(name << "-" << p.index);
        CHECK((p.leader != no_node || disks_fail_));
      }
  }

  size_t commits = 0;
  size_t elections = 0;
  size_t from_eligible = 0;
  size_t spoiled = 0;
  size_t from_cut = 0;

private:
  struct process {
    bool up = false;
    uint64_t incarnation = 0;
    uuid directory;
    std::vector<replica_loss> lost;
    std::map<partition_name, replica_cut> cut;
  };

  bool one_in(uint64_t n) {
    return random_() % n == 0;
  }
  int any_broker() {
    return static_cast<int>(random_() % broker_count);
  }

  void apply(const std::vector<metadata_command>& commands) {
    for (const auto& command : commands)
      c_.apply(command);
  }

  void start(int id) {
    auto& process = processes_[id];
    if (process.up)
      return;
    auto request = controller::registration(id, ++process.incarnation);
    request.directories = {process.directory};
    request.lost = process.lost;
    for (const auto& [name, cut] : process.cut)
      request.cut_short.push_back(cut);
    request.unclean = one_in(2);
    if (c_.ask(request).error != kafka_error::none)
      return; // its old self has another disk and is not fenced yet
    process.up = true;
    process.lost.clear();
    process.cut.clear();
  }

  void heartbeat(int id, int64_t applied, bool want_shutdown = false) {
    if (!processes_[id].up)
      return;
    const auto* broker = c_.image().find_broker({id});
    if (broker == nullptr)
      return;
    const bool first = c_.silent.erase({id}) != 0;
    const auto reply = c_.ask(
      broker_heartbeat{{id}, broker->broker_epoch, applied, want_shutdown});
    CHECK(reply.error == kafka_error::none);
    if (first)
      apply(c_.state.decide_heard({id}));
    if (reply.should_shutdown) {
      for (const auto& [name, topic] : c_.image().topics())
        for (const auto& p : topic->partitions)
          CHECK(p.leader != node_id{id});
      processes_[id].up = false;
    }
  }

  void break_disk(int id) {
    auto& process = processes_[id];
    process.up = false;
    const bool wiped = one_in(2);
    if (wiped)
      process.directory.high = random_() | 1;
    for (const auto& [name, topic] : c_.image().topics())
      for (const auto& p : topic->partitions)
        if (has_node(p.replicas, {id}) && p.replicas.size() > 1
            && (wiped || one_in(2))) {
          if (const auto at = holders_.find({topic->id, p.index});
            at != holders_.end())
            at->second.erase({id});
          if (!wiped)
            process.lost.push_back({topic->id, p.index, {0}, {1}});
        }
  }

  /// It ends, and recovery will have to cut some of its logs. Mostly that
  /// takes what was never committed.
  void crash(int id) {
    auto& process = processes_[id];
    process.up = false;
    for (const auto& [name, topic] : c_.image().topics())
      for (const auto& p : topic->partitions) {
        if (!has_node(p.replicas, {id}) || p.replicas.size() < 2 || one_in(2))
          continue;
        const partition_name of{topic->id, p.index};
        const auto committed = committed_.contains(of) ? committed_.at(of) : 0;
        const bool spoils = may_spoil(of, p, {id});
        if (spoils)
          holders_.at(of).erase({id});
        spoiled += spoils;
        const bool has_all = !spoils && has_committed(of, {id});
        process.cut[of] = {topic->id, p.index, p.epoch,
          offset{committed
                 + (has_all ? static_cast<int64_t>(random_() % 3)
                            : -1 - static_cast<int64_t>(random_() % 3))}};
      }
  }

  /// The disk of one replica at a time, while somebody else has everything.
  bool may_spoil(
    const partition_name& of, const partition_registration& p, node_id id) {
    if (disks_fail_ || !has_node(p.isr, id))
      return false;
    const auto has_all = [&](node_id each) {
      return has_committed(of, each);
    };
    return committed_.contains(of) && p.isr.size() > 1 && p.eligible.empty()
           && std::all_of(p.isr.begin(), p.isr.end(), has_all);
  }

  bool has_committed(const partition_name& of, node_id id) {
    const auto at = holders_.find(of);
    return at == holders_.end() || at->second.contains(id);
  }

  void another_controller_leads() {
    for (int id = 0; id < broker_count; ++id)
      c_.silent.insert({id});
    apply(c_.state.decide_rest());
  }

  void fence() {
    std::set<node_id> ids;
    for (int id = 0; id < broker_count; ++id)
      if (!processes_[id].up ? one_in(2) : one_in(8))
        ids.insert({id});
    c_.fence(ids);
    for (const auto id : ids)
      c_.silent.insert(id); // its session is over
  }

  void create() {
    if (c_.image().topics().size() > 6)
      return;
    c_.ask([&] {
      kafka::create_topics_request request;
      request.topics.push_back({"t" + std::to_string(++topic_count_),
        static_cast<int32_t>(1 + random_() % 3),
        static_cast<int16_t>(1 + random_() % 4), {},
        {{"min.insync.replicas", std::to_string(1 + random_() % 3)}}});
      return request;
    }());
  }

  const topic_image* any_topic() {
    const auto& topics = c_.image().topics();
    if (topics.empty())
      return nullptr;
    auto at = topics.begin();
    std::advance(at, static_cast<ptrdiff_t>(random_() % topics.size()));
    return at->second.get();
  }

  void delete_topic() {
    const auto* topic = any_topic();
    if (topic == nullptr)
      return;
    kafka::delete_topics_request request;
    request.topics.push_back({topic->name, uuid{}});
    c_.ask(request);
  }

  void change_minimum() {
    const auto* topic = any_topic();
    if (topic == nullptr)
      return;
    kafka::incremental_alter_configs_request request;
    request.resources.push_back({2, topic->name,
      {{"min.insync.replicas", 0, std::to_string(1 + random_() % 3)}}});
    c_.ask(request);
  }

  /// What the leader of a partition does, if its process lives.
  void lead() {
    const auto* topic = any_topic();
    if (topic == nullptr)
      return;
    const partition_name name{
      topic->id, static_cast<int32_t>(random_() % topic->partitions.size())};
    const auto p = *c_.image().find_partition(name.first, name.second);
    if (p.leader == no_node || !processes_[p.leader.value].up)
      return;
    if (one_in(2))
      commit(*topic, p);
    else
      change_members(name, p);
  }

  /// Appends something that is on the disks of the whole ISR.
  void commit(const topic_image& topic, const partition_registration& p) {
    const auto rules
      = replication_rules_finder{c_.image(), test::node(clustered())}.of(
        topic.configs);
    if (static_cast<int32_t>(p.isr.size()) < rules.min_isr
        || !p.eligible.empty())
      return;
    for (const auto id : p.isr)
      if (!processes_[id.value].up)
        return;
    if (!p.cut_short.empty())
      return;
    ++commits;
    ++committed_[{topic.id, p.index}];
    holders_[{topic.id, p.index}] = {p.isr.begin(), p.isr.end()};
  }

  void change_members(
    const partition_name& name, const partition_registration& p) {
    change_isr request{p.leader, c_.image().find_broker(p.leader)->broker_epoch,
      name.first, name.second, p.epoch, p.partition_epoch, {}};
    if (one_in(20))
      --request.partition_epoch;
    std::set<node_id> joined;
    for (const auto id : p.replicas) {
      const bool stays = has_node(p.isr, id);
      // A follower that lives has fetched everything by now.
      if (id != p.leader && (stays ? one_in(4) : !processes_[id.value].up))
        continue;
      const auto* broker = c_.image().find_broker(id);
      request.isr.push_back(
        {id, broker == nullptr || one_in(2) ? -1 : broker->broker_epoch});
      if (!stays || request.isr.back().broker_epoch != -1)
        joined.insert(id);
    }
    if (c_.ask(request).error != kafka_error::none)
      return;
    if (const auto at = holders_.find(name);
      at != holders_.end() && at->second.contains(p.leader))
      at->second.insert(joined.begin(), joined.end());
  }

  void act() {
    const auto id = any_broker();
    switch (random_() % 20) {
    case 0:
    case 1:
      start(id);
      break;
    case 2:
      if (one_in(4))
        processes_[id].up = false;
      else
        crash(id);
      break;
    case 3:
      heartbeat(id, c_.index - static_cast<int64_t>(random_() % 20));
      break;
    case 4:
      heartbeat(id, c_.index);
      break;
    case 5:
      fence();
      break;
    case 6:
      if (one_in(3))
        another_controller_leads();
      break;
    case 7:
      create();
      break;
    case 8:
      if (one_in(8))
        delete_topic();
      break;
    case 9:
      if (one_in(4))
        change_minimum();
      break;
    case 10:
      if (one_in(4))
        heartbeat(id, c_.index, true);
      break;
    case 11:
      if (disks_fail_ && one_in(4))
        break_disk(id);
      else if (one_in(30)) // everything loses its power
        for (auto& [n, process] : processes_)
          crash(n);
      break;
    default:
      lead();
    }
  }

  void check_partition(const topic_image& topic,
    const partition_registration& p, const partition_registration* before) {
    INFO(topic.name << "-" << p.index << " leader " << p.leader.value);
    CHECK_FALSE(p.isr.empty());
    for (const auto id : p.isr)
      CHECK(has_node(p.replicas, id));
    CHECK(std::set<node_id>(p.isr.begin(), p.isr.end()).size() == p.isr.size());
    if (p.leader != no_node) {
      CHECK(has_node(p.isr, p.leader));
      CHECK(c_.image().is_alive(p.leader));
    }
    for (const auto id : p.eligible) {
      CHECK(has_node(p.replicas, id));
      CHECK_FALSE(has_node(p.isr, id));
    }
    if (before == nullptr || *before == p)
      return;
    CHECK(p.partition_epoch > before->partition_epoch);
    CHECK(p.epoch >= before->epoch);
    if (p.leader != before->leader)
      CHECK(p.epoch > before->epoch);
  }

  void check_against(const metadata_image& before) {
    for (const auto& [name, topic] : c_.image().topics())
      for (const auto& p : topic->partitions)
        check_partition(*topic, p, before.find_partition(topic->id, p.index));
    for (const auto& [id, broker] : c_.image().brokers()) {
      const auto* old = before.find_broker(id);
      CHECK((old == nullptr || broker.broker_epoch >= old->broker_epoch));
    }
  }

  /// No leader lacks what was committed: unclean elections are not allowed.
  void check_elections(const metadata_image& before) {
    for (const auto& [name, topic] : c_.image().topics())
      for (const auto& p : topic->partitions) {
        const auto* old = before.find_partition(topic->id, p.index);
        if (p.leader == no_node || old == nullptr || old->epoch == p.epoch)
          continue;
        ++elections;
        from_eligible += !has_node(old->isr, p.leader);
        from_cut += find_cut(*old, p.leader) != nullptr;
        const auto at = holders_.find({topic->id, p.index});
        if (at == holders_.end())
          continue; // nothing was ever committed
        if (!processes_[p.leader.value].up)
          continue; // it does nothing, and says what it lacks when it is back
        INFO(name << "-" << p.index << " is led by " << p.leader.value);
        CHECK((p.replicas.size() == 1 || at->second.contains(p.leader)));
      }
  }

  /// The same log makes the same image, elsewhere and out of a store.
  void follow(size_t from) {
    for (auto i = from; i < c_.log.size(); ++i) {
      const auto command = decode_metadata_command(encode(c_.log[i]));
      REQUIRE(command.ok());
      follower_.apply(*command, static_cast<int64_t>(i), 1);
      changes_.note(*command, follower_);
    }
  }

  void check_copies() {
    CHECK(follower_ == c_.image());
    for (auto& write : changes_.take(follower_, {1, 1})) {
      if (write.value)
        store_[write.key] = *write.value;
      else
        store_.erase(write.key);
    }
    metadata_image_loader loader;
    for (const auto& [key, value] : store_)
      REQUIRE(loader.add(key, value).ok());
    auto loaded = loader.finish();
    REQUIRE(loaded.ok());
    REQUIRE(loaded->has_value());
    CHECK((*loaded)->image == c_.image());
    auto jumped = jump_from_;
    for (const auto& command : difference(jumped, c_.image()))
      jumped.apply_part(command);
    jumped.pass(c_.image().applied_index(), c_.image().applied_term());
    CHECK(jumped == c_.image());
    jump_from_ = c_.image();
  }

  std::mt19937_64 random_;
  bool disks_fail_;
  controller c_;
  std::map<int, process> processes_;
  /// Where all that was committed of a partition is on disk.
  std::map<partition_name, std::set<node_id>> holders_;
  std::map<partition_name, int64_t> committed_;
  int topic_count_ = 0;
  metadata_image follower_;
  metadata_image_changes changes_;
  std::map<std::string, std::string> store_;
  metadata_image jump_from_;
};

} // namespace

TEST_CASE("whatever happens to brokers, leaders have all that was committed, "
          "and the log tells everything",
  "[cluster][controller_walk]") {
  size_t commits = 0;
  size_t elections = 0;
  size_t from_eligible = 0;
  size_t spoiled = 0;
  size_t from_cut = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    walk w{seed, seed % 2 == 0};
    for (int i = 0; i < 600; ++i)
      w.step();
    w.heal();
    commits += w.commits;
    elections += w.elections;
    from_eligible += w.from_eligible;
    spoiled += w.spoiled;
    from_cut += w.from_cut;
  }
  // It was no idle walk.
  CHECK(commits > 500);
  CHECK(elections > 1'000);
  CHECK(from_eligible > 20);
  CHECK(spoiled > 20);
  CHECK(from_cut > 50);
}
