#include "storage/batch_filter.hpp"
#include "tests/storage/compaction_recipes.hpp"

using namespace millrace;

namespace {

using fate = batch_filter::fate;

/// A filter whose map knows what it is told.
struct fixture {
  fixture() {
    newest.reset(offset{0}, 100, 1u << 20);
    rules.end = offset{1000};
    rules.now_ms = 50000;
    rules.delete_retention_ms = 100;
  }

  void newer(const std::string& key, int64_t at) {
    newest.put(newest.hash(std::as_bytes(std::span{key})), offset{at});
  }
  batch_filter::verdict judge(const shared_bytes& batch) {
    auto judged = filter.judge(batch_view{batch.span()});
    INFO((judged.ok() ? "" : to_string(judged.error())));
    REQUIRE(judged.ok());
    if (judged->what == fate::replaced) {
      const batch_view now{judged->bytes};
      const batch_view before{batch.span()};
      // What never changes.
      CHECK(now.size() == static_cast<int64_t>(judged->bytes.size()));
      CHECK(now.crc() == now.computed_crc());
      CHECK(now.base_offset() == before.base_offset());
      CHECK(now.last_offset() == before.last_offset());
      CHECK(now.epoch() == before.epoch());
      CHECK(now.producer() == before.producer());
      CHECK(now.producer_epoch() == before.producer_epoch());
      CHECK(now.base_sequence() == before.base_sequence());
    }
    return *judged;
  }

  filter_rules rules;
  offset_map newest{1};
  batch_filter filter{rules, newest};
};

shared_bytes at(int64_t base, shared_bytes batch) {
  patch_base_offset(batch.writable(), offset{base});
  return batch;
}

std::string keys_of(std::span<const std::byte> batch) {
  std::string keys;
  auto end = for_each_record(batch, offset{0}, [&](const record_view& r) {
    keys += *r.key;
    keys += std::to_string(r.at.value);
  });
  REQUIRE(end.ok());
  return keys;
}

} // namespace

TEST_CASE("a batch whose keys have no newer values stays as it is",
  "[storage][batch_filter]") {
  fixture f;
  const auto batch = at(10, keyed_batch({{"a", "1"}, {"b", "1"}}));
  f.newer("a", 10);
  CHECK(f.judge(batch).what == fate::whole);
}

TEST_CASE("a record with a newer value goes, and the others keep their offsets",
  "[storage][batch_filter]") {
  fixture f;
  const auto codec = GENERATE(compression_codec::none, compression_codec::gzip,
    compression_codec::snappy, compression_codec::lz4, compression_codec::zstd);
  const auto batch
    = at(10, keyed_batch({{"a", "1"}, {"b", "1"}, {"c", "1"}}, codec));
  f.newer("b", 20);
  const auto v = f.judge(batch);
  REQUIRE(v.what == fate::replaced);
  CHECK(keys_of(v.bytes) == "a10c12");
  CHECK(batch_view{v.bytes}.record_count() == 2);
  CHECK(batch_view{v.bytes}.codec() == codec);
  CHECK(batch_view{v.bytes}.max_timestamp() == 1002);
}

TEST_CASE("the largest timestamp is of the records that stay",
  "[storage][batch_filter]") {
  fixture f;
  const auto batch = at(10, keyed_batch({{"a", "1"}, {"b", "1"}}));
  f.newer("b", 20);
  const auto v = f.judge(batch);
  CHECK(batch_view{v.bytes}.base_timestamp() == 1000);
  CHECK(batch_view{v.bytes}.max_timestamp() == 1000);
}

TEST_CASE("the same key twice in a batch: the later one stays",
  "[storage][batch_filter]") {
  fixture f;
  f.newer("a", 11);
  const auto v = f.judge(at(10, keyed_batch({{"a", "1"}, {"a", "2"}})));
  REQUIRE(v.what == fate::replaced);
  CHECK(keys_of(v.bytes) == "a11");
}

TEST_CASE("a record without a key goes", "[storage][batch_filter]") {
  fixture f;
  record_builder builder;
  builder.add({.timestamp_ms = 1, .value = "x"});
  auto batch = builder.finish();
  REQUIRE(batch.ok());
  CHECK(f.judge(*batch).what == fate::dropped);
}

TEST_CASE("what lies behind the end of the pass is not looked at",
  "[storage][batch_filter]") {
  fixture f;
  f.newer("a", 2000);
  CHECK(f.judge(at(1000, keyed_batch({{"a", "1"}}))).what == fate::whole);
}

TEST_CASE("what ends below the log's start goes", "[storage][batch_filter]") {
  fixture f;
  f.rules.log_start = offset{12};
  CHECK(f.judge(at(10, keyed_batch({{"a", "1"}, {"b", "1"}}))).what
        == fate::dropped);
  CHECK(f.judge(at(12, keyed_batch({{"a", "1"}}))).what == fate::whole);
}

TEST_CASE("a batch with a tombstone gets a delete horizon, and its records "
          "keep their times (KIP-534)",
  "[storage][batch_filter]") {
  fixture f;
  const auto batch = at(10, keyed_batch({{"a", "1"}, {"b", std::nullopt}}));
  const auto v = f.judge(batch);
  REQUIRE(v.what == fate::replaced);
  const auto made = shared_bytes::copy_of(v.bytes);
  const batch_view now{made.span()};
  CHECK((now.attributes() & batch_attributes::delete_horizon) != 0);
  CHECK(now.base_timestamp() == 50100); // now and delete.retention.ms
  CHECK(now.max_timestamp() == 1001);
  std::vector<int64_t> times;
  REQUIRE(for_each_record(made.span(), offset{0}, [&](const record_view& r) {
    times.push_back(r.timestamp_ms);
  }).ok());
  CHECK(times == std::vector<int64_t>{1000, 1001});
  // Until then it stays as it is, and not a millisecond longer.
  f.rules.now_ms = 50099;
  CHECK(f.judge(made).what == fate::whole);
  f.rules.now_ms = 50100;
  const auto later = f.judge(made);
  REQUIRE(later.what == fate::replaced);
  CHECK(keys_of(later.bytes) == "a10");
}

TEST_CASE("a producer's last batch stays, if only its header (R13)",
  "[storage][batch_filter]") {
  fixture f;
  f.newer("a", 500);
  f.rules.producers[producer_id{7}] = {offset{11}, 0};
  const auto last = at(10, keyed_batch_of({7}, 3, {{"a", "1"}, {"a", "2"}}));
  const auto v = f.judge(last);
  REQUIRE(v.what == fate::replaced);
  const batch_view now{v.bytes};
  CHECK(now.size() == 61);
  CHECK(now.record_count() == 0);
  CHECK(now.last_sequence() == 4);
  // And as it is from then on, until the producer has sent another.
  const auto made = shared_bytes::copy_of(v.bytes);
  CHECK(f.judge(made).what == fate::whole);
  f.rules.producers[producer_id{7}] = {offset{12}, 0};
  CHECK(f.judge(made).what == fate::dropped);
}

TEST_CASE("aborted records go, and their marker once nothing is left of them",
  "[storage][batch_filter]") {
  fixture f;
  const producer_id p{7};
  f.rules.aborted.add({p, offset{10}, offset{14}, offset{15}});
  const auto data = at(10, keyed_batch_of(p, 0, {{"a", "1"}}, true));
  const auto marker = at(14, make_control_batch({p, 0, false, 1}, 1000));
  CHECK(f.judge(data).what == fate::dropped);
  CHECK(f.judge(marker).what == fate::whole);
  // The next pass.
  batch_filter again{f.rules, f.newest};
  auto v = again.judge(batch_view{marker.span()});
  REQUIRE(v.ok());
  REQUIRE(v->what == fate::replaced);
  const auto made = shared_bytes::copy_of(v->bytes);
  CHECK(
    marker_in(batch_view{made.span()}) == marker_in(batch_view{marker.span()}));
  batch_filter third{f.rules, f.newest};
  f.rules.now_ms = 50099;
  CHECK(third.judge(batch_view{made.span()})->what == fate::whole);
  f.rules.now_ms = 50100;
  CHECK(third.judge(batch_view{made.span()})->what == fate::dropped);
}

TEST_CASE("another transaction of the same producer is not aborted with it",
  "[storage][batch_filter]") {
  fixture f;
  const producer_id p{7};
  f.rules.aborted.add({p, offset{10}, offset{14}, offset{15}});
  f.rules.aborted.add({p, offset{30}, offset{34}, offset{35}});
  const auto one = [&](int64_t base) {
    return f.judge(at(base, keyed_batch_of(p, 0, {{"a", "1"}}, true))).what;
  };
  CHECK(one(9) == fate::whole);
  CHECK(one(13) == fate::dropped);
  CHECK(one(20) == fate::whole);
  CHECK(one(31) == fate::dropped);
  CHECK(one(40) == fate::whole);
}

TEST_CASE("records that are not what the header says are damage",
  "[storage][batch_filter]") {
  fixture f;
  auto batch = keyed_batch({{"a", "1"}, {"b", "2"}});
  patch_record_count(batch.writable(), 3);
  patch_crc(batch.writable());
  auto v = f.filter.judge(batch_view{batch.span()});
  REQUIRE_FALSE(v.ok());
  CHECK(v.error().code == errc::corrupt);
}

TEST_CASE("a filler is an empty batch over the offsets that are gone",
  "[storage][batch_filter]") {
  const auto made = make_filler(offset{5}, offset{90}, leader_epoch{3});
  const batch_view view{made};
  CHECK(view.plausible());
  CHECK(is_filler(view));
  CHECK(view.crc() == view.computed_crc());
  CHECK(view.base_offset() == offset{5});
  CHECK(view.last_offset() == offset{90});
  CHECK(view.epoch() == leader_epoch{3});
  CHECK(view.producer().value == -1);
  CHECK(view.base_sequence() == -1);
  CHECK_FALSE(is_filler(batch_view{keyed_batch({{"a", "1"}}).span()}));
}
