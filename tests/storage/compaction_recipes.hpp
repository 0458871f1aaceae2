#pragma once

// Records with keys, and a log that is compacted at once.

#include "storage/record_reader.hpp"
#include "tests/storage/transaction_recipes.hpp"

#include <map>

namespace millrace {

struct keyed {
  std::string key;
  std::optional<std::string> value;
};

inline record_builder builder_of(const std::vector<keyed>& records,
  compression_codec codec = compression_codec::none,
  int64_t timestamp_ms = 1000) {
  record_builder builder{codec};
  for (const auto& r : records) {
    record_view record;
    record.timestamp_ms = timestamp_ms++;
    record.key = r.key;
    if (r.value)
      record.value = *r.value;
    builder.add(record);
  }
  return builder;
}

inline shared_bytes keyed_batch(const std::vector<keyed>& records,
  compression_codec codec = compression_codec::none,
  int64_t timestamp_ms = 1000) {
  auto made = builder_of(records, codec, timestamp_ms).finish();
  REQUIRE(made.ok());
  return *made;
}

/// As an idempotent producer's.
inline shared_bytes keyed_batch_of(producer_id producer, int32_t sequence,
  const std::vector<keyed>& records, bool transactional = false) {
  auto builder = builder_of(records);
  builder.set_producer(producer, 0, sequence);
  auto made = builder.finish();
  REQUIRE(made.ok());
  if (transactional) {
    const auto attributes = batch_view{made->span()}.attributes();
    patch_attributes(made->writable(),
      static_cast<int16_t>(attributes | batch_attributes::transactional));
    patch_crc(made->writable());
  }
  return *made;
}

inline offset append_keyed(log_fixture& f, shared_bytes batch) {
  std::vector<append_item> items(1);
  items[0].batch = std::move(batch);
  items[0].origin = append_origin::coordinator;
  f.log->append(items, f.epoch, f.now_ms);
  INFO(items[0].message);
  REQUIRE(items[0].error == kafka_error::none);
  return items[0].base_offset;
}

struct seen_record {
  std::string key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;
};

/// What a reader of the whole log sees, by offset.
inline std::map<int64_t, seen_record> records_of(const partition_log& log) {
  std::map<int64_t, seen_record> out;
  auto bytes = log.read_bytes(
    log.log_start_offset(), log.log_end_offset(), SIZE_MAX, true);
  INFO((bytes.ok() ? "" : to_string(bytes.error())));
  REQUIRE(bytes.ok());
  auto end = for_each_record(
    bytes->span(), log.log_start_offset(), [&](const record_view& r) {
      auto& seen = out[r.at.value];
      seen.key = r.key.value_or("");
      if (r.value)
        seen.value = *r.value;
      seen.timestamp_ms = r.timestamp_ms;
    });
  INFO((end.ok() ? "" : to_string(end.error())));
  REQUIRE(end.ok());
  CHECK(*end == log.log_end_offset());
  return out;
}

struct compaction_run {
  offset clean_until{0};
  size_t swaps = 0;
  size_t map_bytes = 0; ///< that the keys took
};

/// One pass over all that may be compacted. Errors: those of log and job.
inline result<compaction_run> try_compact(partition_log& log, file_system& disk,
  offset clean_until, int64_t now_ms, compaction_job::limits limits = {},
  std::optional<offset> stable_end = {}) {
  auto plan = log.plan_compaction(clean_until,
    stable_end.value_or(log.last_stable_offset(log.log_end_offset())), now_ms);
  if (!plan)
    return plan.error();
  compaction_run run{clean_until};
  if (!*plan)
    return run;
  auto order = log.begin_compaction(**plan, now_ms);
  if (!order)
    return order.error();
  const auto gate = order->gate;
  offset_map map{7};
  compaction_job job{std::move(*order), limits, map};
  while (true) {
    auto step = job.step();
    if (!step)
      return step.error();
    if (step->ready != nullptr) {
      ++run.swaps;
      auto removal = log.finish_compaction(std::move(*step->ready), gate);
      if (!removal)
        return removal.error();
      for (const auto& path : removal->paths_to_remove)
        MILLRACE_TRY(disk.remove(path));
    }
    if (step->done)
      break;
  }
  run.clean_until = job.clean_until();
  run.map_bytes = map.memory_bytes();
  return run;
}

inline compaction_run compact(log_fixture& f, offset clean_until = offset{0},
  compaction_job::limits limits = {}) {
  auto done = try_compact(*f.log, f.disk, clean_until, f.now_ms, limits);
  INFO((done.ok() ? "" : to_string(done.error())));
  REQUIRE(done.ok());
  return *done;
}

} // namespace millrace
