#include "apps/cli/command.hpp"

namespace millrace::cli {

void add_server_options(CLI::App& command, command_context& context) {
  command
    .add_option("-b,--bootstrap", context.bootstrap,
      "Any server of the cluster, as HOST:PORT, several with commas; "
      "MILLRACE_BOOTSTRAP sets another default")
    ->capture_default_str();
  command
    .add_option("--timeout", context.timeout_seconds,
      "Seconds to try for before giving up")
    ->check(CLI::PositiveNumber)
    ->capture_default_str();
}

void add_output_option(
  CLI::App& command, command_context& context, bool short_form) {
  command
    .add_option(short_form ? "-o,--output" : "--output", context.output,
      "How to print results: table or json")
    ->check(CLI::IsMember({"table", "json"}))
    ->capture_default_str();
}

void set_action(
  CLI::App& command, command_context& context, std::function<int()> action) {
  command.callback([&context, action = std::move(action)] {
    context.action = action;
  });
}

result<std::unique_ptr<client::cluster>> connect(
  const command_context& context) {
  client::cluster_options options;
  options.bootstrap.clear();
  options.timeout_ms = static_cast<int>(context.timeout_seconds * 1000);
  std::string_view rest = context.bootstrap;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    auto address = parse_endpoint(rest.substr(0, comma), 9092);
    if (!address)
      return error{
        errc::invalid_argument, "--bootstrap: " + address.error().context};
    options.bootstrap.push_back(std::move(*address));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  auto nodes = std::make_unique<client::cluster>(std::move(options));
  // A wrong address is told at once, not after all retries.
  if (auto reached = nodes->any(); !reached)
    return reached.error();
  return nodes;
}

} // namespace millrace::cli
