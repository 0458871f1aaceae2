// A log of a million keys on a real disk, in less memory than the keys need.

#include "storage/posix_file_system.hpp"
#include "tests/storage/compaction_recipes.hpp"
#include "tests/storage/temporary_directory.hpp"

using namespace millrace;

namespace {

constexpr uint64_t keys = 1'000'000;
constexpr uint64_t rounds = 2;
constexpr size_t batch_records = 500;

/// Every key once in a round, in an order that jumps: an odd factor that
/// shares none with a million.
uint64_t key_of(uint64_t i, uint64_t round) {
  return (i * 700'001 + round * 123) % keys;
}

void fill(partition_log& log, std::vector<int64_t>& newest) {
  int64_t at = 0;
  for (uint64_t round = 0; round < rounds; ++round)
    for (uint64_t i = 0; i < keys;) {
      record_builder builder;
      for (size_t r = 0; r < batch_records; ++r, ++i, ++at) {
        const auto key = key_of(i, round);
        newest[key] = at;
        const auto text = std::to_string(key);
        builder.add({.timestamp_ms = 1000, .key = text, .value = text});
      }
      auto batch = builder.finish();
      REQUIRE(batch.ok());
      append_item item;
      item.batch = std::move(*batch);
      item.origin = append_origin::coordinator;
      log.append(std::span{&item, 1}, leader_epoch{1}, 1000);
      REQUIRE(item.error == kafka_error::none);
    }
}

} // namespace

TEST_CASE("a million keys are compacted in 4 MiB, in several passes",
  "[storage][compaction_million]") {
  temporary_directory directory;
  posix_file_system files;
  log_config config;
  config.compacted = true;
  config.segment_bytes = 64 << 20;
  auto opened = partition_log::open({.files = &files,
    .directory = directory.path() + "/t-0",
    .name = {"t", 0},
    .config = config});
  REQUIRE(opened.ok());
  auto& log = **opened;
  std::vector<int64_t> newest(keys);
  fill(log, newest);
  REQUIRE(log.roll_if_due(1000 + config.segment_ms + 1).ok());
  const auto before = log.size_bytes();

  offset clean{0};
  int passes = 0;
  while (clean < log.log_end_offset()) {
    auto run = try_compact(log, files, clean, 5000,
      {.map_bytes_max = size_t{4} << 20, .chunk_bytes = size_t{1} << 20});
    INFO((run.ok() ? "" : to_string(run.error())));
    REQUIRE(run.ok());
    REQUIRE(run->clean_until > clean);
    CHECK(run->map_bytes <= size_t{4} << 20);
    clean = run->clean_until;
    ++passes;
  }
  // 4 MiB are 2^18 slots, 7/8 of which are used: 229,376 keys; a batch that
  // does not fit as a whole waits. 2,000,000 / 229,000 and one more.
  CHECK(passes == 9);
  CHECK(log.size_bytes() < before * 6 / 10);

  uint64_t seen = 0;
  bool all_newest = true;
  for (auto from = offset{0}; from < log.log_end_offset();) {
    auto bytes
      = log.read_bytes(from, log.log_end_offset(), size_t{8} << 20, true);
    REQUIRE(bytes.ok());
    auto end
      = for_each_record(bytes->span(), from, [&](const record_view& record) {
          const auto key = std::stoull(std::string{*record.key});
          all_newest = all_newest && newest[key] == record.at.value;
          ++seen;
        });
    REQUIRE(end.ok());
    from = *end;
  }
  CHECK(seen == keys);
  CHECK(all_newest);
}
