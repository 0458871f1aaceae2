#pragma once

// The words for codecs and acks that options take.

#include "storage/log_config.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace millrace::cli {

/// Adds -z/--compression.
void add_codec_option(CLI::App& command, std::string& word);
/// Precondition: a word that the option accepts.
[[nodiscard]] compression_codec codec_of(const std::string& word);

/// Adds --acks.
void add_acks_option(CLI::App& command, std::string& word);
/// 0, 1, or -1 for `all`. Precondition: a word that the option accepts.
[[nodiscard]] int16_t acks_of(const std::string& word);

} // namespace millrace::cli
