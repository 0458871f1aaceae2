#pragma once

// A share partition above a log of plain batches, for tests.

#include "cluster/share_partition.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace millrace::test {

/// What is delivered of a share partition, in short.
[[nodiscard]] inline share_acquired given(
  int64_t first, int64_t last, int16_t count = 1) {
  return {{first}, {last}, count};
}

[[nodiscard]] inline share_acknowledgement said(
  int64_t first, int64_t last, share_acknowledge_type type) {
  return {{first}, {last}, {static_cast<int8_t>(type)}};
}

struct share_host {
  explicit share_host(
    const share_partition_snapshot& known = fresh(), share_limits limits = {})
      : partition(known, {0}, {7}, limits) {}

  static share_partition_snapshot fresh() {
    return {.state_epoch = 3, .start = {0}};
  }

  /// `count` batches of `size` records each at the log's end.
  void append(int64_t size, int64_t count = 1, bool gone = false) {
    for (; count > 0; --count) {
      log.push_back({{log_end}, {log_end + size - 1}, gone});
      log_end += size;
    }
  }

  std::vector<share_acquired> fetch(
    const std::string& member, share_wanted wanted = {.records_max = 500}) {
    const auto from = partition.next_fetch_offset();
    if (!from)
      return {};
    std::vector<share_log_batch> read;
    for (const auto& batch : log)
      if (batch.last >= *from)
        read.push_back(batch);
    return partition.acquire(member, *from, read, wanted, now_ms);
  }

  kafka_error say(const std::string& member, int64_t first, int64_t last,
    share_acknowledge_type type, uint64_t ticket = 1) {
    const auto batch = said(first, last, type);
    return partition.acknowledge(member, {&batch, 1}, ticket, now_ms).error;
  }
  kafka_error accept(const std::string& member, int64_t first, int64_t last) {
    return say(member, first, last, share_acknowledge_type::accept);
  }

  /// What is new becomes durable; returns what was written.
  share_partition_snapshot write() {
    const auto write = partition.take_write();
    REQUIRE(write);
    static_cast<void>(partition.write_done());
    return *write;
  }

  share_partition partition;
  std::vector<share_log_batch> log;
  int64_t log_end = 0;
  int64_t now_ms = 1'000;
};

} // namespace millrace::test
