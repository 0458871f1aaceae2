// millrace_load: a raw load on a server that speaks Kafka's protocol. It
// prints one line of JSON.

#include "bench/load/loads.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>

namespace {

using namespace millrace::bench;
using millrace::compression_codec;

void print(const figures& all) {
  const char* before = "{";
  for (const auto& [name, value] : all) {
    std::printf("%s\"%s\": %.6g", before, name.c_str(), value);
    before = ", ";
  }
  std::printf("}\n");
}

void add_target(CLI::App& command, target& where) {
  command.add_option("--port", where.port, "Of 127.0.0.1")->required();
  command.add_option("--topic", where.topic, "Its name");
  command.add_option("--partitions", where.partitions, "Of the topic");
  command.add_option("--pid", where.pid, "The server, to measure its cost");
}

void add_batch(CLI::App& command, batch_shape& batch) {
  static const std::map<std::string, compression_codec> codecs{
    {"none", compression_codec::none}, {"gzip", compression_codec::gzip},
    {"snappy", compression_codec::snappy}, {"lz4", compression_codec::lz4},
    {"zstd", compression_codec::zstd}};
  command.add_option("--records", batch.records, "In a batch");
  command.add_option("--record-bytes", batch.record_bytes, "Of a value");
  command.add_option("--codec", batch.codec, "Of a batch")
    ->transform(CLI::CheckedTransformer{codecs});
  command.add_option("--keys", batch.keys, "So many different ones");
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"A raw load on a server that speaks Kafka's protocol"};
  app.require_subcommand(1);
  target where;

  auto* create = app.add_subcommand("create", "Make the topic");
  add_target(*create, where);
  create->callback([&] {
    print(create_topic(where));
  });

  produce_load writing;
  auto* writer = app.add_subcommand("produce", "Write batches made before");
  add_target(*writer, where);
  writer->add_option("--connections", writing.connections, "Connections");
  writer->add_option("--in-flight", writing.in_flight, "Per connection");
  add_batch(*writer, writing.batch);
  writer->add_option("--batches", writing.batches, "Different ones");
  writer->add_option("--requests", writing.requests, "Of all connections");
  writer->add_option("--acks", writing.acks, "1 or -1");
  writer->callback([&] {
    print(produce(where, writing));
  });

  steady_load going;
  auto* goer = app.add_subcommand("steady", "Write at fixed times");
  add_target(*goer, where);
  goer->add_option("--connections", going.connections, "Connections");
  add_batch(*goer, going.batch);
  goer->add_option("--rate", going.rate, "Requests a second, of all");
  goer->add_option("--seconds", going.seconds, "How long");
  goer->add_option("--acks", going.acks, "1 or -1");
  goer->callback([&] {
    print(steady(where, going));
  });

  fetch_load reading;
  auto* reader = app.add_subcommand("fetch", "Read from the start");
  add_target(*reader, where);
  reader->add_option("--connections", reading.connections, "Connections");
  reader->add_option("--bytes-max", reading.bytes_max, "Of a partition");
  reader->add_option("--bytes", reading.bytes, "To read in all");
  reader->add_option("--mb-per-s", reading.mb_per_s, "At most");
  reader->callback([&] {
    print(fetch(where, reading));
  });

  int count = 1000;
  auto* idle = app.add_subcommand("idle", "Open connections and stay");
  add_target(*idle, where);
  idle->add_option("--connections", count, "How many");
  idle->callback([&] {
    print(idle_connections(where, count));
  });

  CLI11_PARSE(app, argc, argv);
  return 0;
}
