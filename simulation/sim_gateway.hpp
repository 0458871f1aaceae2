#pragma once

// A gateway whose connections are bytes in memory: the simulated workload
// speaks Kafka's protocol to the production sessions.

#include "actors/gateway_core.hpp"
#include "net/chunk_pool.hpp"

#include <caf/all.hpp>

namespace millrace {

/// A client's connection opens, brings bytes, or goes.
struct sim_connect {
  uint64_t id = 0;
};
struct sim_input {
  uint64_t id = 0;
  std::string bytes;
};
struct sim_disconnect {
  uint64_t id = 0;
};
/// To itself: time has come for what the core waits for.
struct sim_turn {
  uint64_t generation = 0;
};

/// What the node sends to its clients; `closed` comes last.
struct sim_output {
  std::function<void(uint64_t id, std::string bytes)> bytes;
  std::function<void(uint64_t id)> closed;
};

class sim_connection;

struct sim_gateway_state {
  static inline const char* name = "gateway";

  sim_gateway_state();
  ~sim_gateway_state();

  struct peer {
    std::unique_ptr<sim_connection> connection;
    std::unique_ptr<connection_handler> session;
  };

  std::shared_ptr<gateway_core> core;
  sim_output output;
  chunk_pool chunks{16 * 1024, 4};
  std::map<uint64_t, peer> peers;
  uint64_t turn = 0;
  int64_t turn_at_ms = -1;
};

/// Sockets cut in pieces, so it reads as a loop would.
caf::behavior sim_gateway(caf::stateful_actor<sim_gateway_state>* self,
  std::shared_ptr<gateway_core> core, sim_output output);

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::sim_connect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::sim_input)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::sim_disconnect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::sim_turn)
