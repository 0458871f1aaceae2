#include "bench/load/connection.hpp"
#include "bench/load/loads.hpp"
#include "bench/load/wire.hpp"

#include <cstdio>
#include <cstdlib>

namespace millrace::bench {
namespace {

/// Of the many: the load's own memory must not crowd out the server's.
constexpr size_t read_ahead = 64;

} // namespace

figures idle_connections(const target& where, int count) {
  const server_process server{where.pid};
  const auto before = static_cast<double>(server.resident_kib());
  std::vector<connection> peers;
  peers.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i)
    peers.emplace_back(where.port, read_ahead);
  const auto question = api_versions_frame();
  for (auto& peer : peers)
    peer.send(question);
  for (auto& peer : peers)
    (void)peer.receive(); // that there is an answer is all that counts
  const auto after = static_cast<double>(server.resident_kib());
  return {{"connections", static_cast<double>(count)},
    {"resident_kib_before", before}, {"resident_kib_after", after},
    {"kib_each", (after - before) / count}};
}

figures create_topic(const target& where) {
  connection peer{where.port};
  peer.send(create_topic_frame(where.topic, where.partitions));
  const auto error = create_topic_error(peer.receive());
  if (error != 0) {
    std::fprintf(stderr, "millrace_load: create: error %d\n", error);
    std::_Exit(2);
  }
  return {{"partitions", static_cast<double>(where.partitions)}};
}

} // namespace millrace::bench
