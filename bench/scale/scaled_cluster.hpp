#pragma once

// A simulated cluster of many nodes or many partitions, in which nothing fails
// but what a measurement asks for. Virtual time is what the protocols wait
// for; the processor's time is what all nodes together have to do.

#include "simulation/fixture_client.hpp"
#include "simulation/link_traffic.hpp"
#include "simulation/sim_cluster.hpp"

#include <optional>

namespace millrace::bench {

struct scale_options {
  int32_t nodes = 3;
  int32_t partitions = 0;
  int16_t replication_factor = 3;
  uint64_t seed = 1;
};

/// What something took.
struct span_of_work {
  double virtual_s = 0;
  double cpu_s = 0; ///< of this process, which is all nodes
};

class scaled_cluster {
public:
  /// Starts the nodes, makes the partitions, and waits until all is quiet.
  explicit scaled_cluster(const scale_options& options);

  [[nodiscard]] int32_t voters() const;

  /// What the nodes say while nobody wants anything of them for `span`.
  link_traffic listen(sim_time span);
  /// A topic is made, until each of its replicas is in sync.
  span_of_work make_topic(const std::string& name, int32_t partitions);
  struct fail_over {
    span_of_work decides; ///< until another node decides
    span_of_work leads;   ///< until all know who leads what that one has led
  };
  /// The node that leads the metadata ends. It is back, and in sync,
  /// afterwards.
  fail_over fail_controller(sim_end how);
  /// All nodes are killed and started again: until all replicas are in sync.
  span_of_work restart_all();

private:
  [[nodiscard]] const metadata_image* image_of(int32_t index);
  /// The node that leads the metadata and decides, by its index.
  [[nodiscard]] std::optional<int32_t> controller();
  /// What keeps all nodes from knowing that all are there and everything is in
  /// sync; empty: nothing.
  [[nodiscard]] std::string unsettled();
  void settle(const std::string& what, sim_time look_every);
  /// Whether the others know that `gone` leads nothing any more.
  [[nodiscard]] bool is_replaced(int32_t gone);
  void wait(const std::function<bool()>& condition, const std::string& what,
    sim_time look_every);
  span_of_work measure(const std::function<void()>& work);

  scale_options options_;
  sim_world world_;
  sim_cluster cluster_;
  testing::fixture_client client_;
};

} // namespace millrace::bench
