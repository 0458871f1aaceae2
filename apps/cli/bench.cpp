#include "apps/cli/codec_option.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/load.hpp"

namespace millrace::cli {
namespace {

template <class Load>
int measure(const command_context& context, const Load& load) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto run = run_load(**nodes, load);
  if (!run)
    return report(run.error());
  print(table_of(*run).to_string(context.format()));
  return run->errors == 0 ? exit_ok : exit_failed;
}

struct produce_words {
  produce_load load;
  std::string codec = "none";
  std::string acks = "all";
};

void add_produce_load(CLI::App& bench, command_context& context) {
  auto options = make_options<produce_words>();
  auto& load = options->load;
  auto* command = bench.add_subcommand(
    "produce", "Write batches as fast as the server takes them");
  command->add_option("TOPIC", load.topic, "Where to write")->required();
  command->add_option("--connections", load.connections, "Connections")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  command
    ->add_option("--in-flight", load.in_flight,
      "Requests of one connection without an answer")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  command
    ->add_option("--batch-records", load.batch_records, "Records in one batch")
    ->check(CLI::Range(1, 1000000))
    ->capture_default_str();
  command
    ->add_option(
      "--record-bytes", load.record_bytes, "Bytes of a record's value")
    ->check(CLI::NonNegativeNumber)
    ->capture_default_str();
  command->add_option("--seconds", load.seconds, "How long to write")
    ->check(CLI::PositiveNumber)
    ->capture_default_str();
  add_acks_option(*command, options->acks);
  add_codec_option(*command, options->codec);
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
MB are millions of bytes of record batches; latencies are from sending a
request to its answer. --in-flight 1 --connections 1 --batch-records 1 gives
the latency of a lone record.

Examples:
  millrace bench produce load
  millrace bench produce load --batch-records 1 --in-flight 64 --acks 1)");
  set_action(*command, context, [&context, options] {
    options->load.codec = codec_of(options->codec);
    options->load.acks = acks_of(options->acks);
    return measure(context, options->load);
  });
}

void add_consume_load(CLI::App& bench, command_context& context) {
  auto load = make_options<consume_load>();
  auto* command = bench.add_subcommand(
    "consume", "Read a topic from its beginning as fast as it comes");
  command->add_option("TOPIC", load->topic, "What to read")->required();
  command
    ->add_option("--connections", load->connections,
      "Connections; each reads partitions of its own")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  command
    ->add_option("--fetch-bytes", load->fetch_bytes, "Bytes to ask for at once")
    ->check(CLI::PositiveNumber)
    ->capture_default_str();
  command
    ->add_option("--seconds", load->seconds,
      "The longest to read; it ends where the topic ends")
    ->check(CLI::PositiveNumber)
    ->capture_default_str();
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(
    "\nExample:\n  millrace bench consume load --fetch-bytes 4194304");
  set_action(*command, context, [&context, load] {
    return measure(context, *load);
  });
}

} // namespace

void add_bench(CLI::App& parent, command_context& context) {
  auto* bench = parent.add_subcommand(
    "bench", "Measure a server with loads of this program");
  bench->require_subcommand(1);
  add_produce_load(*bench, context);
  add_consume_load(*bench, context);
}

} // namespace millrace::cli
