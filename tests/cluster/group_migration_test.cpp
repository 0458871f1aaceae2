#include "cluster/embedded_protocol.hpp"
#include "tests/cluster/group_host.hpp"

#include <algorithm>
#include <memory>
#include <random>

// Groups with members of both protocols, and their way from one to the other.

namespace millrace {

using test::group_host;
using test::join_options;

namespace {

constexpr uuid topic{0, 77};
constexpr int32_t partitions = 6;

using beat_request = kafka::consumer_group_heartbeat_request;
using beat_response = kafka::consumer_group_heartbeat_response;

topic_view::topic topic_t() {
  return {"t", topic, partitions};
}

group_config quick(migration_policy policy) {
  group_config config;
  config.initial_rebalance_delay_ms = 0;
  config.consumer.assignment_interval_ms = 0;
  config.consumer.migration = policy;
  return config;
}

struct hosted : group_host {
  explicit hosted(migration_policy policy = migration_policy::bidirectional,
    const std::vector<test::logged>& log = {})
      : group_host(quick(policy), log) {
    registry.set_topics(std::make_shared<topic_view>(
      1, std::vector<topic_view::topic>{topic_t()}));
  }

  /// Its type, and how many members it has.
  std::pair<std::string, size_t> kind() {
    if (const auto* g = registry.consumers().find("g"))
      return {"consumer", g->members().size()};
    const auto* g = group("g");
    return {g ? "classic" : "", g ? g->members().size() : 0};
  }
};

/// A consumer, one step at a time; what a real one owns, it owns.
class member {
public:
  virtual ~member() = default;
  /// Does what a real one would do next.
  virtual void step() = 0;
  virtual void leave() = 0;
  [[nodiscard]] const partition_set& owned() const {
    return owned_;
  }

protected:
  partition_set owned_;
};

class assigned_member : public member {
public:
  assigned_member(hosted& host, std::string id)
      : host_(host), id_(std::move(id)) {}

  void step() override {
    if (token_ == 0)
      token_ = host_.send(1, request(epoch_));
    if (!host_.answered(token_))
      return;
    take(host_.answer<beat_response>(std::exchange(token_, 0)));
  }
  void leave() override {
    host_.send(1, request(-1));
    owned_.clear();
  }
  kafka_error error = kafka_error::none;

private:
  beat_request request(int32_t epoch) const {
    beat_request r;
    r.group_id = "g";
    r.member_id = id_;
    r.member_epoch = epoch;
    r.topic_partitions = list_of<beat_request::owned_topic_partitions>(owned_);
    if (epoch == 0) {
      r.rebalance_timeout_ms = 60'000;
      r.subscribed_topic_names = {"t"};
    }
    return r;
  }
  void take(const beat_response& response) {
    error = static_cast<kafka_error>(response.error_code);
    if (error == kafka_error::fenced_member_epoch
        || error == kafka_error::unknown_member_id
        || error == kafka_error::group_id_not_found) {
      owned_.clear();
      epoch_ = 0;
    }
    if (error != kafka_error::none)
      return;
    epoch_ = response.member_epoch;
    if (response.assignment)
      owned_ = partitions_of(response.assignment->topic_partitions);
  }

  hosted& host_;
  std::string id_;
  int32_t epoch_ = 0;
  uint64_t token_ = 0;
};

class classic_member : public member {
public:
  classic_member(
    hosted& host, bool cooperative, std::optional<std::string> instance_id = {})
      : host_(host), cooperative_(cooperative),
        instance_id_(std::move(instance_id)) {}

  void step() override {
    if (join_ == 0 && sync_ == 0 && rejoins_) {
      join();
    } else if (join_ != 0) {
      if (host_.answered(join_))
        joined(host_.joined(std::exchange(join_, 0)));
    } else if (sync_ != 0) {
      if (host_.answered(sync_))
        synced(host_.synced(std::exchange(sync_, 0)));
    } else {
      error = host_.heartbeat("g", id_, generation_, instance_id_);
      failed(error);
    }
  }
  void leave() override {
    if (!id_.empty() && join_ == 0)
      host_.leave("g", id_);
    owned_.clear();
  }
  kafka_error error = kafka_error::none;
  std::string id_;
  int32_t generation_ = -1;

private:
  void join() {
    if (!cooperative_)
      owned_.clear(); // it gives up all
    kafka::consumer_protocol_subscription body;
    body.topics = {"t"};
    for (const auto& [id, list] : owned_)
      body.owned_partitions.push_back({"t", list});
    body.generation_id = generation_;
    kafka_writer writer;
    writer.write_int16(3);
    encode(writer, 3, body);
    join_options options;
    options.member_id = id_;
    options.instance_id = instance_id_;
    options.protocols = {{"range", writer.finish().bytes}};
    rejoins_ = false;
    join_ = host_.join("g", options);
  }
  void joined(const kafka::join_group_response& response) {
    error = static_cast<kafka_error>(response.error_code);
    if (error == kafka_error::member_id_required) {
      id_ = response.member_id;
      rejoins_ = true;
      return;
    }
    failed(error);
    if (error != kafka_error::none)
      return;
    id_ = response.member_id;
    generation_ = response.generation_id;
    CHECK(response.protocol_name == "range");
    sync_ = host_.sync("g", id_, generation_, plan(response), instance_id_);
  }
  /// What it assigns as the leader. What another one still owns goes to nobody
  /// until that one has given it up.
  static std::vector<std::pair<std::string, std::string>> plan(
    const kafka::join_group_response& response) {
    std::map<int32_t, std::string> owners;
    for (const auto& m : response.members) {
      const auto said = read_subscription(m.metadata);
      for (const auto& t : said->owned_partitions)
        for (const auto p : t.partitions)
          owners[p] = m.member_id;
    }
    std::vector<std::pair<std::string, std::string>> plan;
    for (size_t i = 0; i < response.members.size(); ++i) {
      const auto& m = response.members[i];
      partition_set part;
      for (auto p = static_cast<int32_t>(i); p < partitions;
        p += static_cast<int32_t>(response.members.size()))
        if (!owners.contains(p) || owners[p] == m.member_id)
          insert(part, topic, p);
      plan.emplace_back(
        m.member_id, write_assignment(m.metadata, part, {1, {topic_t()}}));
    }
    return plan;
  }
  void synced(const kafka::sync_group_response& response) {
    error = static_cast<kafka_error>(response.error_code);
    failed(error);
    if (error != kafka_error::none)
      return;
    const topic_view topics{1, {topic_t()}};
    const auto assigned = read_assignment(response.assignment, topics).value();
    // What is taken from it is given up, and then it comes again.
    rejoins_ = cooperative_ && !is_subset(owned_, assigned);
    owned_ = assigned;
  }
  void failed(kafka_error why) {
    if (why == kafka_error::none)
      return;
    rejoins_ = true;
    if (why == kafka_error::rebalance_in_progress
        || why == kafka_error::coordinator_load_in_progress)
      return;
    owned_.clear(); // lost
    generation_ = -1;
    if (why == kafka_error::unknown_member_id)
      id_.clear();
  }

  hosted& host_;
  bool cooperative_;
  std::optional<std::string> instance_id_;
  bool rejoins_ = true;
  uint64_t join_ = 0;
  uint64_t sync_ = 0;
};

using member_list = std::vector<std::unique_ptr<member>>;

/// How many members own each partition. Whoever was fenced or times out may
/// think for a while that it still owns something; here nobody is so late.
void check_exclusive(const member_list& members) {
  std::map<int32_t, int> owners;
  for (const auto& m : members)
    for (const auto& [id, list] : m->owned())
      for (const auto partition : list)
        ++owners[partition];
  for (const auto& [partition, count] : owners) {
    INFO("partition " << partition);
    REQUIRE(count == 1);
  }
}

size_t owned_in_all(const member_list& members) {
  size_t count = 0;
  for (const auto& m : members)
    count += count_of(m->owned());
  return count;
}

/// Everyone goes on until nothing changes any more.
void settle(hosted& host, member_list& members) {
  for (int i = 0; i < 200; ++i) {
    for (auto& m : members) {
      m->step();
      check_exclusive(members);
    }
    host.advance(100);
  }
  if (!members.empty())
    CHECK(owned_in_all(members) == partitions);
}

} // namespace

TEST_CASE("a classic group goes over when the first member of the new protocol "
          "comes, and back when the last one leaves (KIP-848)",
  "[cluster][group_migration]") {
  const bool cooperative = GENERATE(false, true);
  hosted host;
  member_list all;
  for (int i = 0; i < 2; ++i)
    all.push_back(std::make_unique<classic_member>(host, cooperative));
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{2}});
  host.commit("g", "t", 5, "", -1);
  all.push_back(std::make_unique<assigned_member>(host, "new"));
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{3}});
  for (const auto& m : all)
    CHECK(count_of(m->owned()) == 2);
  hosted again{migration_policy::bidirectional, host.log};
  CHECK(*again.registry.consumers().find("g")
        == *host.registry.consumers().find("g"));
  all.back()->leave();
  all.pop_back();
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{2}});
  hosted classic{migration_policy::bidirectional, host.log};
  CHECK(classic.kind() == host.kind());
}

TEST_CASE("members of both protocols share a group, whoever comes first",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<assigned_member>(host, "a"));
  settle(host, all);
  all.push_back(std::make_unique<classic_member>(host, false));
  settle(host, all);
  CHECK(count_of(all[0]->owned()) == 3);
  all.push_back(std::make_unique<classic_member>(host, true));
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{3}});
  all[1]->leave();
  all.erase(all.begin() + 1);
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{2}});
}

TEST_CASE(
  "a policy says which way a group may go", "[cluster][group_migration]") {
  const auto policy = GENERATE(migration_policy::disabled,
    migration_policy::upgrade, migration_policy::downgrade);
  hosted host{policy};
  member_list classic;
  classic.push_back(std::make_unique<classic_member>(host, false));
  settle(host, classic);
  assigned_member other{host, "a"};
  other.step();
  if (policy != migration_policy::upgrade) {
    CHECK(other.error == kafka_error::group_id_not_found);
    CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{1}});
    return;
  }
  CHECK(other.error == kafka_error::none);
  other.leave();
  settle(host, classic);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{1}});
}

TEST_CASE("a group that is no consumers' stays as it is",
  "[cluster][group_migration]") {
  hosted host;
  join_options options;
  options.version = 3;
  const bool connect = GENERATE(false, true);
  if (connect)
    options.protocol_type = "connect";
  const auto token = host.join("g", options);
  CHECK(host.join_error(token) == kafka_error::none);
  assigned_member other{host, "a"};
  other.step();
  CHECK(other.error == kafka_error::group_id_not_found);
  CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{1}});
}

TEST_CASE("who waits in a classic group that goes over is told to rejoin",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<classic_member>(host, false));
  settle(host, all);
  all.push_back(std::make_unique<classic_member>(host, false));
  for (int i = 0; i < 3; ++i)
    all.back()->step(); // its JoinGroup waits for the first one
  all.push_back(std::make_unique<assigned_member>(host, "a"));
  settle(host, all);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{3}});
  for (const auto& m : all)
    CHECK(count_of(m->owned()) == 2);
}

TEST_CASE("nobody is served while a group goes over, and it stays what it was "
          "if that cannot be written (R20)",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<classic_member>(host, false));
  settle(host, all);
  auto& classic = dynamic_cast<classic_member&>(*all[0]);
  host.appends_at_once = false;
  assigned_member other{host, "a"};
  other.step();
  CHECK(host.heartbeat("g", classic.id_, classic.generation_)
        == kafka_error::coordinator_load_in_progress);
  assigned_member third{host, "b"};
  third.step();
  CHECK(third.error == kafka_error::coordinator_load_in_progress);
  host.end_append(kafka_error::not_enough_replicas);
  other.step();
  CHECK(other.error == kafka_error::coordinator_not_available);
  CHECK(
    host.heartbeat("g", classic.id_, classic.generation_) == kafka_error::none);
  CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{1}});
  // The same on the way back.
  host.appends_at_once = true;
  other.step();
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{2}});
  host.appends_at_once = false;
  other.leave();
  host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{2}});
}

TEST_CASE("a member of the classic protocol that does not come back is out",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<classic_member>(host, false));
  all.push_back(std::make_unique<assigned_member>(host, "a"));
  settle(host, all);
  auto& classic = dynamic_cast<classic_member&>(*all[0]);
  assigned_member third{host, "b"};
  third.step();
  // It heartbeats, and does not rejoin.
  for (int i = 0; i < 59; ++i) {
    host.advance(1'000);
    all[1]->step();
    third.step();
    CHECK(host.heartbeat("g", classic.id_, classic.generation_)
          == kafka_error::rebalance_in_progress);
  }
  host.advance(2'000);
  CHECK(host.heartbeat("g", classic.id_, classic.generation_)
        == kafka_error::unknown_member_id);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{2}});
}

TEST_CASE("its session is as long as it has asked for, and ends",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<assigned_member>(host, "a"));
  all.push_back(std::make_unique<classic_member>(host, true));
  settle(host, all);
  for (int i = 0; i < 11; ++i) {
    host.advance(1'000); // 10 s is what it has asked for
    all[0]->step();
  }
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{1}});
}

TEST_CASE("a static member goes from one protocol to the other",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<classic_member>(host, false, "one"));
  settle(host, all);
  beat_request r;
  r.group_id = "g";
  r.member_id = "new";
  r.instance_id = "one";
  r.rebalance_timeout_ms = 60'000;
  r.subscribed_topic_names = {"t"};
  r.topic_partitions.emplace();
  const auto& joined = host.answer<beat_response>(host.send(1, r));
  CHECK(joined.error_code == 0);
  CHECK(host.kind() == std::pair{std::string{"consumer"}, size_t{1}});
  auto& old = dynamic_cast<classic_member&>(*all[0]);
  CHECK(host.heartbeat("g", old.id_, old.generation_, "one")
        == kafka_error::fenced_instance_id);
  // And back: then nobody is left who speaks the other one.
  member_list back;
  back.push_back(std::make_unique<classic_member>(host, false, "one"));
  settle(host, back);
  CHECK(host.kind() == std::pair{std::string{"classic"}, size_t{1}});
}

TEST_CASE("what members of the classic protocol may commit and ask",
  "[cluster][group_migration]") {
  hosted host;
  member_list all;
  all.push_back(std::make_unique<classic_member>(host, false));
  all.push_back(std::make_unique<assigned_member>(host, "a"));
  settle(host, all);
  auto& m = dynamic_cast<classic_member&>(*all[0]);
  CHECK(host.commit_error(host.commit("g", "t", 5, m.id_, m.generation_))
        == kafka_error::none);
  CHECK(host.commit_error(host.commit("g", "t", 5, m.id_, m.generation_ - 1))
        == kafka_error::illegal_generation);
  CHECK(host.heartbeat("g", m.id_, m.generation_ - 1)
        == kafka_error::illegal_generation);
  CHECK(host.heartbeat("g", "a", 2) == kafka_error::unknown_member_id);
  CHECK(
    host.leave_error(host.leave("g", "a")) == kafka_error::unknown_member_id);
  join_options other;
  other.member_id = "x";
  other.protocols = {{"mine", test::subscription({"t"})}};
  CHECK(host.join_error(host.join("g", other))
        == kafka_error::inconsistent_group_protocol);
  other.protocols = {{"range", "no subscription"}};
  CHECK(host.join_error(host.join("g", other))
        == kafka_error::inconsistent_group_protocol);
  kafka::consumer_group_describe_request request;
  request.group_ids = {"g"};
  const auto& described = host.answer<kafka::consumer_group_describe_response>(
    host.send(1, request));
  int classic = 0;
  for (const auto& d : described.groups.at(0).members)
    classic += d.member_type == 0 ? 1 : 0;
  CHECK(classic == 1);
}

TEST_CASE("whoever comes and goes, no partition has two owners",
  "[cluster][group_migration][random]") {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random{seed};
    const auto below = [&](uint32_t n) {
      return random() % n;
    };
    hosted host;
    member_list all;
    int ids = 0;
    for (int turn = 0; turn < 300; ++turn) {
      const auto what = below(40);
      if (what == 0 && all.size() < 6) {
        all.push_back(
          std::make_unique<assigned_member>(host, "m" + std::to_string(++ids)));
      } else if (what <= 2 && all.size() < 6) {
        all.push_back(std::make_unique<classic_member>(host, below(2) == 0));
      } else if (what == 3 && !all.empty()) {
        const auto i = below(static_cast<uint32_t>(all.size()));
        all[i]->leave();
        all.erase(all.begin() + i);
      } else if (!all.empty()) {
        all[below(static_cast<uint32_t>(all.size()))]->step();
      }
      host.advance(below(50));
      check_exclusive(all);
    }
    settle(host, all);
    hosted again{migration_policy::bidirectional, host.log};
    CHECK(again.kind() == host.kind());
  }
}

} // namespace millrace
