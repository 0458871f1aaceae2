#include "apps/cli/command.hpp"
#include "schema/kafka/apis.hpp"

namespace millrace::cli {
namespace {

int print_version(const command_context& context) {
  if (context.format() == output_format::table) {
    print("millrace " MILLRACE_VERSION "\n");
    return exit_ok;
  }
  print("{\"name\":\"millrace\",\"version\":\"" MILLRACE_VERSION
        "\",\"kafka_apis\":"
        + std::to_string(kafka::apis().size()) + "}\n");
  return exit_ok;
}

} // namespace

void add_version(CLI::App& parent, command_context& context) {
  auto* command = parent.add_subcommand("version", "Print the version");
  add_output_option(*command, context);
  set_action(*command, context, [&context] {
    return print_version(context);
  });
}

} // namespace millrace::cli
