#pragma once

// What the inner loops work on.

#include "schema/assert.hpp"
#include "schema/shared_bytes.hpp"
#include "storage/partition_log.hpp"
#include "storage/posix_file_system.hpp"
#include "storage/record_builder.hpp"

#include <memory>
#include <string>

namespace millrace::bench {

/// When all of it happens: milliseconds since the epoch.
constexpr int64_t now_ms = 1'700'000'000'000;

/// A batch of `records` records of 100 bytes.
inline shared_bytes batch_of(int64_t records) {
  const std::string value(100, 'v');
  record_builder builder;
  for (int64_t i = 0; i < records; ++i)
    builder.add({.timestamp_ms = now_ms, .value = value});
  auto made = builder.finish();
  MILLRACE_ASSERT(made, "an uncompressed batch can be made");
  return *made;
}

/// An empty log in a directory of its own, which goes with it.
class fresh_log {
public:
  explicit fresh_log(const std::string& name)
      : directory_("millrace-inner-" + name) {
    discard();
    log = open();
  }
  ~fresh_log() {
    discard();
  }
  fresh_log(const fresh_log&) = delete;
  fresh_log& operator=(const fresh_log&) = delete;

  /// Empties the log, so that the disk does not fill.
  void restart() {
    discard();
    log = open();
  }

  std::unique_ptr<partition_log> log;

private:
  void discard() {
    log.reset();
    if (files_.exists(directory_))
      MILLRACE_ASSERT(
        remove_tree(files_, directory_), "the directory can be removed");
  }
  std::unique_ptr<partition_log> open() {
    partition_log::opening what;
    what.files = &files_;
    what.directory = directory_;
    what.name = {"inner", {0}};
    what.now_ms = now_ms;
    auto opened = partition_log::open(std::move(what));
    MILLRACE_ASSERT(opened, "a log can be made here");
    return std::move(*opened);
  }

  posix_file_system files_;
  std::string directory_;
};

} // namespace millrace::bench
