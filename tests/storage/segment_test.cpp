#include "storage/segment.hpp"
#include "tests/storage/log_fixture.hpp"

#include <set>

using namespace millrace;

namespace {

/// A file of batches of two records each, offsets from `base`.
struct segment_fixture {
  sim_file_system disk;
  file_cache cache{disk};
  segment s{offset{100}, 0};
  std::vector<uint64_t> positions;

  explicit segment_fixture(int count, int64_t interval = 150) {
    REQUIRE(disk.make_directory("/d").ok());
    auto handle = cache.create(segment_path("/d", s.base, ".log"));
    REQUIRE(handle.ok());
    for (int i = 0; i < count; ++i) {
      auto batch = make_batch({.count = 2, .timestamp_ms = 1000 + 10 * i});
      const offset base{100 + 2 * i};
      patch_base_offset(batch.writable(), base);
      positions.push_back(s.size);
      REQUIRE((*handle)->write_at(s.size, batch.span()).ok());
      s.note(batch_view{batch.span()}, base, s.size,
        static_cast<uint32_t>(batch.size()), interval);
    }
  }
  std::optional<uint64_t> find(int64_t at) {
    auto found = s.find(cache, "/d", offset{at});
    REQUIRE(found.ok());
    if (!*found)
      return {};
    return (*found)->position;
  }
};

} // namespace

TEST_CASE("files are named by their base in 20 digits", "[storage][segment]") {
  CHECK(segment_path("/d", offset{42}, ".index")
        == "/d/00000000000000000042.index");
  CHECK(parse_segment_name("00000000000000000042.log", ".log") == offset{42});
  for (const auto* name : {"42.log", "00000000000000000042.index",
         "0000000000000000004x.log", "-0000000000000000042.log",
         "99999999999999999999.log", "00000000000000000042.log.deleted"})
    CHECK_FALSE(parse_segment_name(name, ".log"));
}

TEST_CASE("every offset is found, with the index in memory, on disk or gone",
  "[storage][segment]") {
  segment_fixture f{20};
  const int mode = GENERATE(0, 1, 2);
  if (mode > 0) {
    CHECK(f.s.offsets.entries().size() > 5);
    REQUIRE(
      f.s.offsets.seal(f.cache, segment_path("/d", f.s.base, ".index")).ok());
  }
  if (mode == 2) {
    f.cache.forget(segment_path("/d", f.s.base, ".index"));
    REQUIRE(f.disk.remove(segment_path("/d", f.s.base, ".index")).ok());
  }
  for (int i = 0; i < 40; ++i)
    CHECK(f.find(100 + i) == f.positions[static_cast<size_t>(i / 2)]);
  CHECK(f.find(5) == 0u);
  CHECK_FALSE(f.find(140));
}

TEST_CASE("an extent ends before the batch that reaches the limit",
  "[storage][segment]") {
  segment_fixture f{20};
  const auto extent = [&](size_t from, std::optional<offset> limit,
                        size_t bytes, bool one) {
    auto end = f.s.extent(f.cache, "/d", f.positions[from], limit, bytes, one);
    REQUIRE(end.ok());
    return end->end;
  };
  CHECK(extent(0, {}, SIZE_MAX, true) == f.s.size);
  for (size_t i = 0; i < 19; ++i) {
    // Limits within batch i and behind it.
    const auto first = offset{100 + 2 * static_cast<int64_t>(i)};
    CHECK(extent(0, first + int64_t{1}, SIZE_MAX, true) == f.positions[i]);
    CHECK(extent(0, first + int64_t{2}, SIZE_MAX, true) == f.positions[i + 1]);
    CHECK(extent(0, {}, f.positions[i + 1], true) == f.positions[i + 1]);
    if (i > 0)
      CHECK(extent(0, {}, f.positions[i + 1] - 1, true) == f.positions[i]);
  }
  CHECK(extent(3, {}, 1, true) == f.positions[4]);
  CHECK(extent(3, {}, 1, false) == f.positions[3]);
  CHECK(extent(3, offset{107}, 1, true) == f.positions[3]);
}

TEST_CASE("an extent tells whether a batch below the limit did not fit",
  "[storage][segment]") {
  segment_fixture f{20};
  const auto more = [&](std::optional<offset> limit, size_t bytes) {
    auto end = f.s.extent(f.cache, "/d", f.positions[0], limit, bytes, true);
    REQUIRE(end.ok());
    return end->more;
  };
  CHECK_FALSE(more({}, SIZE_MAX));
  CHECK(more({}, f.s.size - 1));
  CHECK(more({}, 1));
  // Two records a batch: batch 1 holds offsets 102 and 103.
  CHECK_FALSE(more(offset{102}, 1));
  CHECK_FALSE(more(offset{103}, f.positions[1]));
  CHECK(more(offset{104}, f.positions[1]));
  CHECK_FALSE(more(offset{104}, f.positions[2]));
}

TEST_CASE("resuming brings indexes and timestamps to what is left",
  "[storage][segment]") {
  for (size_t keep = 0; keep < 20; ++keep) {
    segment_fixture f{20};
    segment_fixture shorter{static_cast<int>(keep)};
    REQUIRE(f.s.resume(f.cache, "/d", f.positions[keep], 150).ok());
    CHECK(f.s.size == shorter.s.size);
    CHECK(f.s.offsets.entries() == shorter.s.offsets.entries());
    CHECK(f.s.times.entries() == shorter.s.times.entries());
    CHECK(f.s.first_timestamp == shorter.s.first_timestamp);
    if (keep > 0)
      CHECK(f.s.largest->timestamp == shorter.s.largest->timestamp);
  }
}

TEST_CASE("a segment rolls when its relative offsets would pass 2^31-1 (R16)",
  "[storage][segment]") {
  segment_fixture f{1};
  const log_config config;
  CHECK_FALSE(
    f.s.must_roll(config, 0, 100, offset{100 + INT64_C(0x7fffffff)}, 1000, 0));
  CHECK(
    f.s.must_roll(config, 0, 100, offset{101 + INT64_C(0x7fffffff)}, 1000, 0));
}

TEST_CASE("a segment rolls when an index is full", "[storage][segment]") {
  segment_fixture f{20};
  log_config config;
  config.segment_index_bytes
    = static_cast<int64_t>(f.s.times.size_bytes()) + 12;
  CHECK_FALSE(f.s.must_roll(config, 0, 100, offset{140}, 1000, 0));
  --config.segment_index_bytes;
  CHECK(f.s.must_roll(config, 0, 100, offset{140}, 1000, 0));
}

TEST_CASE("segments that begin together do not end together with a jitter",
  "[storage][segment]") {
  log_config config;
  config.segment_ms = 1000;
  config.segment_jitter_ms = 400;
  std::set<int64_t> ages;
  for (int64_t first = 0; first < 50; ++first) {
    segment s{offset{first}, 0};
    s.first_timestamp = 10'000;
    s.size = 1;
    int64_t age = 0;
    while (!s.must_roll(config, 0, 100, offset{first}, 10'000 + age, 0))
      ++age;
    ages.insert(age);
    CHECK(age > 600);
    CHECK(age <= 1001);
  }
  CHECK(ages.size() > 20);
}

TEST_CASE("index entries are big-endian", "[storage][segment]") {
  std::array<std::byte, 12> bytes{};
  offset_entry{0x01020304, 0x0a0b0c0d}.store(bytes.data());
  CHECK(bytes[0] == std::byte{1});
  CHECK(bytes[7] == std::byte{0x0d});
  CHECK(
    offset_entry::load(bytes.data()) == offset_entry{0x01020304, 0x0a0b0c0d});
  time_entry{-2, 7}.store(bytes.data());
  CHECK(bytes[7] == std::byte{0xfe});
  CHECK(time_entry::load(bytes.data()) == time_entry{-2, 7});
}
