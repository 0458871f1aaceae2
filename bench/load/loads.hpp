#pragma once

// The loads. Each makes its requests first, then measures: the same volume in
// each run, because what is dirty in the page cache makes writing dearer.

#include "bench/load/server_process.hpp"
#include "bench/load/wire.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace millrace::bench {

/// Figures by their names, in the order they are printed.
using figures = std::vector<std::pair<std::string, double>>;

/// Where a load goes.
struct target {
  uint16_t port = 0;
  std::string topic = "load";
  int32_t partitions = 1;
  /// Of the server, for what it costs; 0 if nobody asks.
  pid_t pid = 0;
};

struct produce_load {
  int connections = 1;
  int in_flight = 1;
  batch_shape batch;
  uint32_t batches = 1; ///< so many different ones, in turn
  /// Of all connections together.
  long requests = 1000;
  int16_t acks = 1;
};

struct steady_load {
  int connections = 1;
  batch_shape batch;
  double rate = 100; ///< requests a second, of all connections together
  double seconds = 10;
  int16_t acks = 1;
};

struct fetch_load {
  int connections = 1;
  int32_t bytes_max = 1 << 20;
  /// How many bytes are read in all; it starts over at the end of the log.
  int64_t bytes = int64_t{1} << 30;
  double mb_per_s = 0; ///< at most; 0: as fast as it goes
};

/// Makes the topic; any error ends the program.
figures create_topic(const target& where);
/// Sends to the partitions in turn. The latencies are from before sending to
/// the answer; with several requests in flight they contain the queue.
figures produce(const target& where, const produce_load& load);
/// Sends at fixed times, whatever the answers do (an open loop). The latencies
/// are from the time that a request was due, so that those who wait behind a
/// slow one count.
figures steady(const target& where, const steady_load& load);
/// Each connection reads one partition after the other from the start.
/// Precondition: there are records in every partition.
figures fetch(const target& where, const fetch_load& load);
/// Opens connections, asks each for ApiVersions, and leaves them open while
/// memory is measured.
figures idle_connections(const target& where, int count);

/// Of sorted values; `part` within [0, 1].
[[nodiscard]] double percentile(const std::vector<double>& sorted, double part);

} // namespace millrace::bench
