#pragma once

// Shell completion, written from the tree of commands itself: it cannot name
// an option that is not there.

#include <CLI/CLI.hpp>

#include <string>

namespace millrace::cli {

enum class shell { bash, zsh, fish };

/// A script for `which` that completes the commands, options and the words
/// that options take. `source` it, or put it where the shell looks.
[[nodiscard]] std::string completion_script(const CLI::App& root, shell which);

} // namespace millrace::cli
