// A cluster whose nodes hold and lead as much as one another, but do not carry
// as much.

#include "cluster/auto_rebalance.hpp"
#include "cluster/load_meter.hpp"
#include "cluster/move_requests.hpp"
#include "tests/cluster/metadata_fixture.hpp"

#include <algorithm>
#include <random>

using namespace millrace;

namespace {

constexpr int64_t delay = 60'000;
constexpr int64_t mb = 1'000'000;
constexpr int64_t measured = 10'000; ///< so often nodes tell their loads

/// Both are led by node 0: 40 there, 16 on average of three nodes.
const std::vector<int64_t> two_heavy{
  20 * mb, 2 * mb, 2 * mb, 20 * mb, 2 * mb, 2 * mb};

/// Partition i of "t" begins at node i, whatever it carries.
struct warm_cluster : test::controller {
  int32_t nodes;
  std::vector<int64_t> rates; ///< of each partition
  auto_rebalance balance;
  int64_t now = 0;
  std::vector<std::string> told;
  size_t rounds = 0; ///< something was done

  warm_cluster(int32_t nodes, int32_t factor, std::vector<int64_t> rates,
    rebalance_mode mode = rebalance_mode::apply)
      : controller(nodes), nodes(nodes), rates(std::move(rates)),
        balance{{mode, delay}} {
    kafka::create_topics_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.num_partitions = topic.replication_factor = -1;
    for (int32_t i = 0; i < static_cast<int32_t>(this->rates.size()); ++i) {
      auto& p = topic.assignments.emplace_back();
      p.partition_index = i;
      for (int32_t k = 0; k < factor; ++k)
        p.broker_ids.push_back((i + k) % nodes);
    }
    REQUIRE(run(state.decide(request)).topics.front().error_code == 0);
  }

  const topic_image& topic() const {
    return *image().find_topic("t");
  }
  std::map<node_id, int64_t> loads() const {
    std::map<node_id, int64_t> all;
    for (const auto& [id, broker] : image().brokers())
      all[id] = 0;
    for (const auto& p : topic().partitions)
      all[p.leader] += rates[static_cast<size_t>(p.index)];
    return all;
  }
  int64_t hottest() const {
    int64_t most = 0;
    for (const auto& [id, load] : loads())
      most = std::max(most, load);
    return most;
  }
  bool is_hot() const {
    int64_t all = 0;
    for (const auto& [id, load] : loads())
      all += load;
    return hottest() > heat_limit(all / nodes);
  }
  std::vector<placed_partition> placed() const {
    std::vector<placed_partition> all;
    for (const auto& p : topic().partitions)
      all.push_back({{"t", p.index}, p.replicas});
    return all;
  }
  move_plan count_balance() const {
    std::vector<usable_broker> usable;
    for (const auto& [id, load] : loads())
      usable.push_back({id, std::nullopt});
    return plan_balance(usable, placed());
  }

  /// Time passes; the nodes tell what they carry, and what is said is done.
  void pass(int64_t ms) {
    for (const auto end = now + ms; now < end; now += measured) {
      for (const auto& [id, load] : loads())
        balance.note_load(id, measure(id), now);
      for (int64_t at = now; at < now + measured; at += measured / 4)
        look(at);
    }
  }
  node_load measure(node_id id) const {
    load_meter meter;
    for (const auto& p : topic().partitions)
      if (p.leader == id) {
        const auto rate = rates[static_cast<size_t>(p.index)];
        meter.note(topic().id, p.index, {}, 0);
        meter.note(topic().id, p.index,
          {rate / 2 * measured / 1000, (rate + 1) / 2 * measured / 1000},
          measured);
      }
    return meter.take(measured);
  }
  void look(int64_t at) {
    auto step = balance.look(image(), at);
    for (const auto& plan : step.hot)
      told.push_back(to_sentence(plan, !step.start.empty()));
    if (!step.hot.empty() && (!step.start.empty() || !step.elect.empty()))
      ++rounds;
    if (!step.start.empty()) {
      run(state.decide(request_moves(step.start)));
      arrive();
    }
    if (!step.elect.empty())
      run(state.decide(request_first_leaders(step.elect)));
  }
  /// All replicas get in sync.
  void arrive() {
    for (const auto& p : std::vector(topic().partitions)) {
      if (p.isr.size() == p.replicas.size())
        continue;
      change_isr change{.leader = p.leader,
        .broker_epoch = image().find_broker(p.leader)->broker_epoch,
        .topic = topic().id,
        .partition = p.index,
        .epoch = p.epoch,
        .partition_epoch = p.partition_epoch,
        .isr = {}};
      for (const auto id : p.replicas)
        change.isr.push_back({id, image().find_broker(id)->broker_epoch});
      CHECK(run(state.decide(change)).error == kafka_error::none);
    }
  }
};

int64_t squares(const std::map<node_id, int64_t>& loads) {
  int64_t sum = 0;
  for (const auto& [id, load] : loads)
    sum += load / 1000 * (load / 1000);
  return sum;
}

/// Most carry little, few much.
std::vector<int64_t> random_rates(std::mt19937_64& random, int32_t count) {
  std::vector<int64_t> rates;
  for (int32_t i = 0; i < count; ++i)
    rates.push_back(
      static_cast<int64_t>(random() % (1000u << (random() % 16))));
  return rates;
}

} // namespace

TEST_CASE("a node that stays hot gets cool by another leader, and not before "
          "it was hot for a while",
  "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, two_heavy};
  // First the nodes are there for a while, then one of them is hot for one.
  c.pass(2 * delay - measured);
  CHECK(c.told.empty());
  CHECK(c.hottest() == 40 * mb);
  c.pass(3 * measured);
  CHECK(c.hottest() == 22 * mb);
  CHECK(c.told.size() == 1);
  CHECK(c.count_balance().moves.empty());
  c.pass(20 * delay);
  CHECK(c.rounds == 1);
  CHECK(c.told.size() == 1);
}

TEST_CASE("a plan for a hot node is told once, as long as it is hot",
  "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, two_heavy, rebalance_mode::plan};
  c.pass(20 * delay);
  REQUIRE(c.told.size() == 1);
  CHECK(c.told.front()
        == "node 0 is hot: clients write and read 40.0 MB/s there, 16.0 MB/s "
           "on average of all nodes; with auto.rebalance=apply: t-0 is led by "
           "node 1, t-1 is led by node 0");
  CHECK(c.rounds == 0);
  CHECK(c.hottest() == 40 * mb);
  // It gets cool, and hot again.
  std::swap(c.rates[3], c.rates[4]);
  c.pass(2 * delay);
  CHECK(c.told.size() == 1);
  std::swap(c.rates[3], c.rates[4]);
  c.pass(2 * delay);
  CHECK(c.told.size() == 2);
}

TEST_CASE(
  "switched off it does not look at loads", "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, two_heavy, rebalance_mode::off};
  c.pass(20 * delay);
  CHECK(c.told.empty());
  CHECK(c.hottest() == 40 * mb);
}

TEST_CASE("a burst moves nothing", "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, {0, 0, 0, 0, 0, 0}};
  c.pass(2 * delay);
  for (int i = 0; i < 10; ++i) {
    c.rates[0] = c.rates[3] = 50 * mb;
    c.pass(delay - measured);
    c.rates[0] = c.rates[3] = 0;
    c.pass(2 * measured);
  }
  CHECK(c.rounds == 0);
  CHECK(c.told.empty());
}

TEST_CASE("of a partition that cannot be split is told once, and nothing done",
  "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, {90 * mb, 0, 0}};
  c.pass(20 * delay);
  CHECK(c.rounds == 0);
  REQUIRE(c.told.size() == 1);
  CHECK(c.told.front().find("t-0 alone has 90.0 MB/s") != std::string::npos);
}

TEST_CASE("after somebody has stopped a move no load is a reason to begin "
          "another one",
  "[cluster][auto_rebalance]") {
  warm_cluster c{3, 1, two_heavy};
  auto_rebalance::step step;
  while (step.start.empty() && c.now < 10 * delay) {
    for (const auto& [id, load] : c.loads())
      c.balance.note_load(id, c.measure(id), c.now);
    step = c.balance.look(c.image(), c.now);
    c.now += measured;
  }
  REQUIRE_FALSE(step.start.empty());
  c.run(c.state.decide(request_moves(step.start)));
  c.run(c.state.decide(request_no_moves(step.start)));
  c.pass(20 * delay);
  CHECK(c.rounds == 0);
  CHECK(c.hottest() == 40 * mb);
}

TEST_CASE("a node that is hot as others have been away gives back what is "
          "theirs",
  "[cluster][auto_rebalance]") {
  warm_cluster c{3, 3, {6 * mb, 6 * mb, 6 * mb, 6 * mb, 6 * mb, 6 * mb}};
  c.fence({node_id{1}});
  c.start(1, 2);
  c.arrive();
  REQUIRE(c.is_hot());
  c.pass(4 * delay);
  CHECK_FALSE(c.is_hot());
  CHECK(c.count_balance().moves.empty());
}

TEST_CASE("whatever partitions carry, rounds get better, settle, and leave "
          "nodes holding what they held",
  "[cluster][auto_rebalance]") {
  int were_hot = 0;
  int are_hot = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto below = [&random](int32_t end) {
      return static_cast<int32_t>(random() % static_cast<uint64_t>(end));
    };
    const auto nodes = 2 + below(6);
    const auto factor = 1 + below(std::min(nodes, 3));
    warm_cluster c{
      nodes, factor, random_rates(random, nodes * (1 + below(40)))};
    if (seed % 2 == 0) {
      // Others lead for it since it was away.
      const auto away = below(nodes);
      c.fence({node_id{away}});
      c.start(away, 2);
      c.arrive();
    }
    const bool was_hot = c.is_hot();
    // One round takes a delay and a measurement or two.
    for (int quiet = 0; quiet < 4; ++quiet) {
      const auto rounds = c.rounds;
      const auto before = c.loads();
      const auto hottest = c.hottest();
      c.pass(delay);
      if (c.rounds == rounds)
        continue;
      quiet = 0;
      CHECK(c.rounds == rounds + 1); // then it waits
      CHECK(squares(c.loads()) < squares(before));
      CHECK(c.hottest() <= hottest);
      REQUIRE(c.rounds < 40);
    }
    const auto rounds = c.rounds;
    c.pass(10 * delay);
    CHECK(c.rounds == rounds);
    // Who counts replicas finds nothing to copy, and hardly a leader.
    for (const auto& move : c.count_balance().moves)
      CHECK_FALSE(move.copies_data());
    if (!was_hot)
      CHECK(rounds == 0);
    were_hot += was_hot ? 1 : 0;
    if (const auto heaviest = *std::max_element(c.rates.begin(), c.rates.end());
      c.is_hot() && c.hottest() > heaviest + heaviest / 5) {
      ++are_hot;
      UNSCOPED_INFO("seed " << seed << " stays hot");
    }
  }
  CHECK(were_hot > 100);
  CHECK(are_hot <= were_hot / 20);
}
