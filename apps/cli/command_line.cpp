#include "apps/cli/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace millrace::cli {
namespace {

constexpr const char* footer = R"(
First steps:
  millrace serve                                run a node with data in ./data
  millrace dev                                  or a cluster of three
  millrace topic create orders -p 6             make a topic
  echo hello | millrace produce orders          write a record
  millrace consume orders -e                    read them all, then stop

`millrace COMMAND --help` shows a command's options with examples.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 no server.)";

} // namespace

command_line::command_line(
  serve_function serve, std::initializer_list<add_function> more)
    : root_("Millrace: Kafka's work in one program.", "millrace") {
  // Not through CLI11: it would give the variable's value to the options of
  // all other commands too, and they share this one place.
  if (const char* server = std::getenv("MILLRACE_BOOTSTRAP"))
    context_.bootstrap = server;
  root_.require_subcommand(1);
  root_.footer(footer);
  root_.set_version_flag("--version", "millrace " MILLRACE_VERSION);
  add_serve(root_, context_, serve);
  add_join(root_, context_, serve);
  add_dev(root_, context_);
  add_cluster(root_, context_);
  add_rebalance(root_, context_);
  add_topic(root_, context_);
  add_produce(root_, context_);
  add_consume(root_, context_);
  add_group(root_, context_);
  add_config(root_, context_);
  add_bench(root_, context_);
  for (auto add : more)
    add(root_, context_);
  add_completion(root_, context_);
  add_version(root_, context_);
}

int command_line::run(int argc, const char* const* argv) {
  // A closed pipe is seen as an error of the write, not as a death.
  std::signal(SIGPIPE, SIG_IGN);
  // CLI11 reports what it found by throwing; nothing of it goes further.
  try {
    root_.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return root_.exit(help);
  } catch (const CLI::ParseError& mistake) {
    std::fprintf(stderr, "millrace: %s\n", mistake.what());
    const CLI::App* at = &root_;
    std::string name = "millrace";
    for (auto named = root_.get_subcommands(); !named.empty();
      named = at->get_subcommands()) {
      at = named.front();
      name += " " + at->get_name();
    }
    std::fprintf(stderr, "`%s --help` shows how it is used.\n", name.c_str());
    return exit_usage;
  }
  const int code = context_.action ? context_.action() : exit_usage;
  if (std::fflush(stdout) != 0 && code == exit_ok && errno != EPIPE)
    return report({errc::io_error, "cannot write to stdout"});
  return code;
}

} // namespace millrace::cli
