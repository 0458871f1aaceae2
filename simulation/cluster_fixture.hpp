#pragma once

// For tests of users' own actors: a whole cluster in memory, of the very
// actors that run in production, on a network, disks and clocks that do what
// the test says. Nothing waits for real time, and the same seed gives the same
// run, message for message.
//
//   millrace::custom_deployments actors;
//   actors.place<word_counter>("word_counter");
//   millrace::testing::cluster_fixture cluster{3, actors};
//   cluster.produce("text", {}, "to be or not to be");
//   cluster.crash(cluster.await_node_of({"word_counter"}));
//   cluster.eventually([&] {
//     return cluster.last_values("counts")["be"] == "2";
//   });
//
// What is expected and does not come within virtual time throws
// expectation_failed, whose text is the trace of the last messages: any
// framework for tests shows it. Nodes are numbered from 1, as everywhere.

#include "actors/custom_deployments.hpp"

#include <capnp/schema.h>
#include <kj/string.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace millrace::testing {

using namespace std::chrono_literals;
using virtual_time = std::chrono::milliseconds;

class expectation_failed : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

struct fixture_options {
  uint64_t seed = 1;
  /// Kafka's key names, for every node.
  std::map<std::string, std::string> settings = {};
  /// How many lines of the trace a failure shows.
  size_t trace_lines = 60;
  /// Whether the nodes' own logs are shown, on stderr.
  bool show_logs = false;
};

class cluster_fixture {
public:
  /// Starts the nodes and waits until they count on one another. The first
  /// three are the controllers.
  explicit cluster_fixture(int32_t nodes = 3, custom_deployments actors = {},
    fixture_options options = {});
  ~cluster_fixture();
  cluster_fixture(const cluster_fixture&) = delete;
  cluster_fixture& operator=(const cluster_fixture&) = delete;

  // -- what befalls nodes ----------------------------------------------------

  /// Its power goes: what is not synced is lost. It stays away.
  void crash(int32_t node);
  /// As `kill -9`: its disk has everything. It stays away.
  void kill(int32_t node);
  /// Starts it on its disk, after an end of it if it runs.
  void restart(int32_t node);
  /// Stands still for `span`, and goes on as if nothing had been.
  void pause(int32_t node, virtual_time span);

  // -- the network -----------------------------------------------------------

  /// Nothing gets from one to the other, both ways.
  void cut(int32_t a, int32_t b);
  void cut_one_way(int32_t from, int32_t to);
  /// Cuts it off from all others. Its clients reach it still.
  void isolate(int32_t node);
  /// Messages are lost, doubled, late and out of order now and then: worse than
  /// TCP allows.
  void disturb();
  /// Ends all cuts, and the disturbance.
  void heal();

  // -- clock and disk --------------------------------------------------------

  /// Its wall clock jumps.
  void clock(int32_t node, virtual_time by);

  class disk_control {
  public:
    /// The next sync of a file fails.
    void fail_next_sync();
    /// Beyond so many bytes in all, there is no space.
    void limit_space(uint64_t bytes);
    /// There is space again, and what was to fail does not.
    void heal();

  private:
    friend class cluster_fixture;
    disk_control(cluster_fixture& cluster, int32_t node)
        : cluster_(cluster), node_(node) {}
    cluster_fixture& cluster_;
    int32_t node_;
  };
  [[nodiscard]] disk_control disk(int32_t node);

  // -- time ------------------------------------------------------------------

  void run_for(virtual_time span);
  /// Runs until `condition` holds; it is looked at after every step.
  /// @param what is missing, for the failure's text
  void until(const std::function<bool()>& condition,
    const std::string& what = "what is awaited", virtual_time within = 30s);
  /// The same for a condition that asks clients: it is looked at every 100 ms
  /// of virtual time.
  void eventually(const std::function<bool()>& condition,
    const std::string& what = "what is awaited", virtual_time within = 30s);
  /// Runs until all nodes are up, count on one another, and have all that they
  /// are to have: the next fault of one node costs nothing.
  void await_in_sync(virtual_time within = 120s);
  [[nodiscard]] virtual_time now() const;

  // -- clients ---------------------------------------------------------------

  void create_topic(const std::string& name, int32_t partitions = 1);
  /// Writes a record as any client would, and waits until it is acknowledged.
  void produce(const std::string& topic, std::optional<std::string> key,
    std::optional<std::string> value, int32_t partition = 0);
  /// All that is committed, by partition and offset. A topic that is not there
  /// has nothing.
  [[nodiscard]] std::vector<topic_record> consume(const std::string& topic);
  /// The latest value of each key.
  [[nodiscard]] std::map<std::string, std::string> last_values(
    const std::string& topic);

  /// The nodes that hold a partition, the preferred leader first; while it is
  /// moved, the new ones and the old ones. Empty: there is no such partition.
  [[nodiscard]] std::vector<int32_t> replicas_of(
    const std::string& topic, int32_t partition = 0) const;

  /// The node that leads a partition; none: nobody does.
  [[nodiscard]] std::optional<int32_t> leader_of(
    const std::string& topic, int32_t partition = 0) const;

  // -- actors ----------------------------------------------------------------

  /// Waits for a message of type T that is handed to an instance of `name`
  /// from now on, or since the last such call, and for which `matches` holds.
  /// Returns who has sent it.
  template <class T>
  actor_address expect(const std::string& name,
    const std::function<bool(typename T::Reader)>& matches = {},
    virtual_time within = 30s) {
    know<T>();
    return expect_letter(
      name, capnp::typeId<T>(),
      [&](const actor_message& message) {
        bool fits = false;
        message.as<T>([&](typename T::Reader root) {
          fits = !matches || matches(root);
        });
        return fits;
      },
      within);
  }
  /// Messages of this type are shown as text in the trace.
  template <class T>
  void know() {
    learn(capnp::typeId<T>(), capnp::Schema::from<T>().getShortDisplayName(),
      [](const shared_bytes& body) {
        std::string text;
        const auto read = read_capnp<T>(
          body, "message", [&](typename T::Reader root) -> result<void> {
            text = kj::str(root).cStr();
            return {};
          });
        return read ? text : "(cannot be read)";
      });
  }
  /// Where an instance runs; none: nowhere.
  [[nodiscard]] std::optional<int32_t> node_of(
    const actor_address& instance) const;
  /// The same when it runs somewhere.
  [[nodiscard]] int32_t await_node_of(const actor_address& instance);

  // -- the trace -------------------------------------------------------------

  /// Messages of the cluster's own conversations, too.
  void trace_everything();
  [[nodiscard]] std::string trace(size_t lines = 60) const;
  /// Depends on everything that has happened: the same for the same seed.
  [[nodiscard]] uint64_t trace_hash() const;

private:
  class impl;

  actor_address expect_letter(const std::string& name, uint64_t type,
    const std::function<bool(const actor_message&)>& matches,
    virtual_time within);
  void learn(uint64_t type, kj::StringPtr name,
    std::function<std::string(const shared_bytes&)> show);

  std::unique_ptr<impl> impl_;
};

} // namespace millrace::testing
