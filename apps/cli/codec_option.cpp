#include "apps/cli/codec_option.hpp"

namespace millrace::cli {

void add_codec_option(CLI::App& command, std::string& word) {
  command.add_option("-z,--compression", word, "How to compress batches")
    ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
    ->capture_default_str();
}

compression_codec codec_of(const std::string& word) {
  using enum compression_codec;
  if (word == "gzip")
    return gzip;
  if (word == "snappy")
    return snappy;
  if (word == "lz4")
    return lz4;
  return word == "zstd" ? zstd : none;
}

void add_acks_option(CLI::App& command, std::string& word) {
  command
    .add_option("--acks", word,
      "Who must have a record before it counts: nobody (0), the leader (1), "
      "the disks of all in-sync replicas (all)")
    ->check(CLI::IsMember({"0", "1", "all", "-1"}))
    ->capture_default_str();
}

int16_t acks_of(const std::string& word) {
  if (word == "0")
    return 0;
  return word == "1" ? 1 : -1;
}

} // namespace millrace::cli
