#pragma once

// Loads for measuring a server: prepared requests over pipelined
// connections, so that what is measured is not this program.

#include "apps/cli/figures.hpp"
#include "apps/client/cluster.hpp"
#include "storage/log_config.hpp"

#include <string>

namespace millrace::cli {

struct produce_load {
  std::string topic;
  int32_t connections = 2;
  int32_t in_flight = 8; ///< requests of one connection
  int32_t batch_records = 1000;
  int32_t record_bytes = 100;
  double seconds = 5;
  int16_t acks = -1;
  compression_codec codec = compression_codec::none;
};

/// Writes the same batches over and over, over all partitions in turn.
/// Errors: not_found, offline. Errors of single requests are counted.
[[nodiscard]] result<figures> run_load(
  client::cluster& nodes, const produce_load& load);

struct consume_load {
  std::string topic;
  int32_t connections = 2;
  int32_t fetch_bytes = 1 << 20; ///< of one partition and request
  double seconds = 5;            ///< at most; it ends where the logs end
};

/// Reads all partitions from their beginnings, shared out over connections;
/// records are counted, not taken apart.
[[nodiscard]] result<figures> run_load(
  client::cluster& nodes, const consume_load& load);

} // namespace millrace::cli
