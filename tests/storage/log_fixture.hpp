#pragma once

// A log in simulated files, and batches to put there.

#include "simulation/sim_file_system.hpp"
#include "storage/partition_log.hpp"
#include "storage/record_builder.hpp"

#include <catch2/catch.hpp>

namespace millrace {

struct batch_recipe {
  int count = 1;
  int64_t timestamp_ms = 1000; // of the first record; then one more each
  producer_id producer{-1};
  int16_t producer_epoch = -1;
  int32_t sequence = -1;
  compression_codec codec = compression_codec::none;
  size_t value_size = 10;
  char fill = 'v';
};

inline shared_bytes make_batch(const batch_recipe& r = {}) {
  record_builder builder{r.codec};
  if (r.producer.value >= 0)
    builder.set_producer(r.producer, r.producer_epoch, r.sequence);
  const std::string value(r.value_size, r.fill);
  for (int i = 0; i < r.count; ++i) {
    record_view record;
    record.timestamp_ms = r.timestamp_ms + i;
    record.key = "key";
    record.value = value;
    builder.add(record);
  }
  auto made = builder.finish();
  REQUIRE(made.ok());
  return *made;
}

/// A disk with one log, and what its owner would remember.
struct log_fixture {
  /// The data directory is there for good; a log's own is not.
  explicit log_fixture(uint64_t seed = 1) : disk(std::mt19937_64{seed}) {
    REQUIRE(make_directory_durable(disk, "/data").ok());
  }

  sim_file_system disk;
  log_config config;
  std::optional<offset> hint;
  std::optional<offset> log_start{offset{0}};
  leader_epoch epoch{1};
  bool replicated = false;
  int64_t now_ms = 1000;
  std::unique_ptr<partition_log> log;

  partition_log& open(bool clean = false) {
    auto opened = try_open(disk, clean);
    INFO((opened.ok() ? "" : to_string(opened.error())));
    REQUIRE(opened.ok());
    log = std::move(*opened);
    return *log;
  }
  result<std::unique_ptr<partition_log>> try_open(
    file_system& files, bool clean = false) {
    return partition_log::open({.files = &files,
      .directory = "/data/t-0",
      .name = {"t", 0},
      .config = config,
      .durable_hint = hint,
      .log_start = log_start,
      .clean = clean,
      .replicated = replicated,
      .now_ms = now_ms});
  }
  append_item append(const batch_recipe& recipe = {}) {
    std::vector<append_item> items(1);
    items[0].batch = make_batch(recipe);
    log->append(items, epoch, now_ms);
    return items[0];
  }
  /// Appends one and expects it to be taken.
  offset append_good(const batch_recipe& recipe = {}) {
    auto item = append(recipe);
    INFO(item.message);
    REQUIRE(item.error == kafka_error::none);
    return item.base_offset;
  }
  void sync() {
    auto job = log->begin_sync();
    const auto outcome = job.run(disk);
    REQUIRE(outcome.ok());
    log->complete_sync(job, outcome);
  }
  void close_and_open() {
    REQUIRE(log->close(true).ok());
    hint = log->log_end_offset();
    log_start = log->log_start_offset();
    log.reset();
    open(true);
  }
};

/// The base offsets of the batches that a read returns.
inline std::vector<int64_t> bases(const partition_log& log, offset from,
  offset limit, size_t bytes_max = SIZE_MAX, bool at_least_one = true) {
  auto bytes = log.read_bytes(from, limit, bytes_max, at_least_one);
  INFO((bytes.ok() ? "" : to_string(bytes.error())));
  REQUIRE(bytes.ok());
  std::vector<int64_t> out;
  for (size_t at = 0; at < bytes->size();) {
    REQUIRE(bytes->size() - at >= batch_view::header_size);
    const batch_view view{bytes->span().subspan(at)};
    REQUIRE(view.size() <= static_cast<int64_t>(bytes->size() - at));
    CHECK(view.crc() == view.computed_crc());
    out.push_back(view.base_offset().value);
    at += static_cast<size_t>(view.size());
  }
  return out;
}

/// All of them.
inline std::vector<int64_t> bases(const partition_log& log) {
  return bases(log, log.log_start_offset(), log.log_end_offset());
}

} // namespace millrace
