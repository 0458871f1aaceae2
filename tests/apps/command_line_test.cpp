#include "apps/cli/command_line.hpp"
#include "apps/cli/completion.hpp"
#include "apps/cli/exit_code.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

/// Parses without running; returns whether it was understood.
bool understood(std::vector<const char*> words) {
  command_line line;
  words.insert(words.begin(), "millrace");
  try {
    line.root().parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError&) {
    return false;
  }
  return line.context().action != nullptr;
}

int run(std::vector<const char*> words) {
  command_line line;
  words.insert(words.begin(), "millrace");
  return line.run(static_cast<int>(words.size()), words.data());
}

void each_command(
  const CLI::App& at, const std::function<void(const CLI::App&)>& visit) {
  visit(at);
  for (const auto* below : at.get_subcommands([](const CLI::App*) {
         return true;
       }))
    each_command(*below, visit);
}

} // namespace

TEST_CASE(
  "the commands of kcat's users are understood", "[apps][command_line]") {
  CHECK(understood({"produce", "t", "-K:", "-H", "a=1", "-z", "zstd", "-p", "0",
    "--acks", "1", "-c", "3", "-b", "h:1"}));
  CHECK(understood({"consume", "t", "-o", "-10", "-e", "-c", "5", "-f", "%k\\n",
    "-p", "0", "-p", "1"}));
  CHECK(understood({"consume", "-g", "g", "a", "b", "--output", "json"}));
  CHECK(understood({"topic", "create", "t", "-p", "3", "-c", "a=b"}));
  CHECK(understood({"topic", "delete-records", "t", "--before", "-1"}));
  CHECK(understood({"group", "reset-offsets", "g", "--shift-by", "-5"}));
  CHECK(understood({"config", "set", "topic", "t", "a=b", "c=d"}));
  CHECK(understood({"serve", "--set", "a=b", "--set", "c=d"}));
  CHECK(understood({"dev", "--nodes", "5", "--set", "a=b"}));
  CHECK(understood({"cluster", "status", "-o", "json", "-b", "h:1"}));
}

TEST_CASE(
  "a mistake in the line has the exit code for usage", "[apps][command_line]") {
  CHECK(run({}) == exit_usage);
  CHECK(run({"nonsense"}) == exit_usage);
  CHECK(run({"topic"}) == exit_usage);
  CHECK(run({"topic", "create"}) == exit_usage);
  CHECK(run({"produce", "t", "-z", "rar"}) == exit_usage);
  CHECK(run({"consume", "t", "-o", "somewhere"}) == exit_usage);
  CHECK(run({"consume", "t", "-f", "%q"}) == exit_usage);
  CHECK(run({"serve", "--set", "no.such.key=1"}) == exit_usage);
  CHECK(run({"topic", "list", "-b", "host:port"}) == exit_usage);
}

TEST_CASE("a server that is not there has an exit code of its own",
  "[apps][command_line]") {
  // Port 1 of the loopback address refuses.
  CHECK(run({"topic", "list", "-b", "127.0.0.1:1"}) == exit_unreachable);
}

TEST_CASE("every command with options has help, and every last one examples",
  "[apps][command_line]") {
  command_line line;
  each_command(line.root(), [](const CLI::App& command) {
    INFO(command.get_name());
    CHECK_FALSE(command.get_description().empty());
    if (command.get_name() == "version")
      return;
    const bool is_last = command
                           .get_subcommands([](const CLI::App*) {
                             return true;
                           })
                           .empty();
    if (is_last)
      CHECK(command.get_footer().find("Example") != std::string::npos);
  });
}

TEST_CASE("completion names every command and option", "[apps][command_line]") {
  command_line line;
  for (auto which : {shell::bash, shell::zsh, shell::fish}) {
    const auto script = completion_script(line.root(), which);
    each_command(line.root(), [&](const CLI::App& command) {
      INFO(command.get_name());
      CHECK(script.find(command.get_name()) != std::string::npos);
      for (const auto* option : command.get_options([](const CLI::Option*) {
             return true;
           }))
        for (const auto& name : option->get_lnames())
          CHECK(script.find(name) != std::string::npos);
    });
    CHECK(script.find("gzip snappy lz4 zstd") != std::string::npos);
  }
}

TEST_CASE(
  "errors tell by their exit code what kind they are", "[apps][command_line]") {
  CHECK(exit_code_of({errc::none, ""}) == exit_ok);
  CHECK(exit_code_of({errc::not_found, ""}) == exit_not_found);
  CHECK(exit_code_of({errc::offline, ""}) == exit_unreachable);
  CHECK(exit_code_of({errc::invalid_argument, ""}) == exit_usage);
  CHECK(exit_code_of({errc::io_error, ""}) == exit_failed);
}
