#pragma once

// A consumer group in a run of a cluster whose members speak the classic
// protocol or KIP-848's: now all the one, now all the other, and mostly both,
// so that the group goes over and back again and again.

#include "simulation/mixed_member.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

class mixed_workload {
public:
  /// What nodes are to be told: sessions that end while a run goes on.
  [[nodiscard]] static std::map<std::string, std::string> settings();

  explicit mixed_workload(cluster_clients& all);
  void start();
  /// Nothing fails any more: waits until each partition has its owner, and
  /// looks what is committed.
  void finish();
  [[nodiscard]] bool done() const {
    return done_;
  }
  [[nodiscard]] const owner_book& book() const {
    return group_.book;
  }
  [[nodiscard]] std::string last_answer() const;

private:
  struct slot {
    std::unique_ptr<mixed_member> member;
    uint64_t life = 0;
  };

  void begin_life(size_t number);
  void disturb(size_t number, uint64_t life);
  [[nodiscard]] bool is_classic_time() const;
  void await_owners();
  void look();

  mixed_group group_;
  cluster_client client_;
  std::vector<slot> slots_;
  std::string last_answer_;
  bool done_ = false;
};

} // namespace millrace
