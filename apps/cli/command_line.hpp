#pragma once

// The whole tree of commands, and running one of them.

#include "apps/cli/command.hpp"
#include "apps/cli/serve_options.hpp"

#include <CLI/CLI.hpp>

#include <functional>

namespace millrace::cli {

/// The tree. Commands that need what this library may not include (actors)
/// are added by main() through `more`.
class command_line {
public:
  using add_function = void (*)(CLI::App& parent, command_context& context);

  /// @param serve runs a node; null where there is none to run (tests)
  explicit command_line(serve_function serve = nullptr,
    std::initializer_list<add_function> more = {});

  /// Parses and runs. Returns the process's exit code; --help is 0.
  int run(int argc, const char* const* argv);

  /// For what is generated from the tree: completion, and tests.
  [[nodiscard]] CLI::App& root() {
    return root_;
  }
  [[nodiscard]] command_context& context() {
    return context_;
  }

private:
  CLI::App root_;
  command_context context_;
};

} // namespace millrace::cli
