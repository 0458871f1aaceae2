#pragma once

// What has happened in a simulated cluster, for a human who wonders why a
// test has failed: one line for each event, with the virtual time, who, and
// what. Messages of users' own schemas are shown as text once their type is
// known here.

#include "schema/custom_message.hpp"
#include "schema/types.hpp"
#include "simulation/sim_world.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>

namespace millrace::testing {

class message_trace {
public:
  /// Bodies of `type` are shown as `show` says.
  void teach(uint64_t type, std::string name,
    std::function<std::string(const shared_bytes&)> show);
  /// Messages between nodes of the cluster's own conversations, too.
  void show_everything() {
    everything_ = true;
  }

  void note(sim_time at, const std::string& who, const std::string& what);
  void arrived(sim_time at, node_id from, node_id to, const envelope& message);
  /// A letter as it is shown.
  [[nodiscard]] std::string text_of(const actor_letter& letter) const;
  /// The last `count` lines.
  [[nodiscard]] std::string last(size_t count) const;

private:
  struct known_type {
    std::string name;
    std::function<std::string(const shared_bytes&)> show;
  };

  void add(sim_time at, std::string line);

  std::map<uint64_t, known_type> types_;
  std::deque<std::string> lines_;
  uint64_t dropped_ = 0;
  bool everything_ = false;
};

} // namespace millrace::testing
