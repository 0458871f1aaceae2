#include "storage/batch_check.hpp"
#include "storage/compression.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_batch_cursor.hpp"
#include "storage/record_field.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

append_item checked(
  shared_bytes batch, const log_config& config = {}, int64_t now_ms = 1000) {
  append_item item;
  item.batch = std::move(batch);
  check_batch(item, config, now_ms);
  return item;
}

/// A batch with `value` at `at` and a right checksum.
template <class T>
shared_bytes with(size_t at, T value, batch_recipe recipe = {}) {
  auto batch = make_batch(recipe);
  store_field(batch.data() + at, value);
  if (at >= batch_view::crc_begin)
    patch_crc(batch.writable());
  return batch;
}

} // namespace

TEST_CASE("a good batch of every codec is accepted and not touched",
  "[storage][batch_check]") {
  for (const auto codec : {compression_codec::none, compression_codec::gzip,
         compression_codec::snappy, compression_codec::lz4,
         compression_codec::zstd}) {
    INFO(to_string(codec));
    auto batch = make_batch({.count = 50, .codec = codec});
    const auto before = shared_bytes::copy_of(batch.span());
    const auto item = checked(batch);
    INFO(item.message);
    CHECK(item.error == kafka_error::none);
    CHECK(item.batch == before);
    CHECK(item.log_append_time == -1);
  }
}

TEST_CASE("a batch that is not one whole batch of format 2 is refused (R15)",
  "[storage][batch_check]") {
  const auto good = make_batch();
  CHECK(checked({}).error == kafka_error::corrupt_message);
  CHECK(checked(good.slice(0, 60)).error == kafka_error::corrupt_message);
  CHECK(checked(good.slice(0, good.size() - 1)).error
        == kafka_error::corrupt_message);
  CHECK(checked(with(16, int8_t{1})).error
        == kafka_error::unsupported_for_message_format);
  CHECK(checked(with(16, int8_t{3})).error == kafka_error::corrupt_message);
  CHECK(checked(with(8, int32_t{-5})).error == kafka_error::corrupt_message);
  auto bad = make_batch();
  bad.writable()[good.size() - 3] ^= std::byte{1};
  CHECK(checked(bad).error == kafka_error::corrupt_message);
  // Two batches (R15: exactly one).
  auto two = shared_bytes::allocate(2 * good.size());
  std::memcpy(two.data(), good.data(), good.size());
  std::memcpy(two.data() + good.size(), good.data(), good.size());
  CHECK(checked(two).error == kafka_error::invalid_record);
}

TEST_CASE("a batch above max.message.bytes or segment.bytes is refused",
  "[storage][batch_check]") {
  log_config config;
  config.max_message_bytes = static_cast<int64_t>(make_batch().size());
  CHECK(checked(make_batch(), config).error == kafka_error::none);
  --config.max_message_bytes;
  CHECK(checked(make_batch(), config).error == kafka_error::message_too_large);
  config = {};
  config.segment_bytes = 70;
  CHECK(
    checked(make_batch(), config).error == kafka_error::record_list_too_large);
}

TEST_CASE("a header that lies about its records is refused (R15)",
  "[storage][batch_check]") {
  for (const auto codec : {compression_codec::none, compression_codec::zstd}) {
    const batch_recipe r{.count = 3, .codec = codec};
    const auto error_of = [](shared_bytes batch) {
      return checked(std::move(batch)).error;
    };
    CHECK(error_of(with(57, int32_t{2}, r)) == kafka_error::invalid_record);
    CHECK(error_of(with(57, int32_t{0}, r)) == kafka_error::invalid_record);
    CHECK(error_of(with(57, int32_t{-1}, r)) == kafka_error::invalid_record);
    CHECK(error_of(with(23, int32_t{7}, r)) == kafka_error::invalid_record);
    // Count and last delta agree with each other, not with the records.
    auto fewer = with(57, int32_t{2}, r);
    store_field(fewer.data() + 23, int32_t{1});
    patch_crc(fewer.writable());
    CHECK(error_of(fewer) == kafka_error::invalid_record);
    auto more = with(57, int32_t{4}, r);
    store_field(more.data() + 23, int32_t{3});
    patch_crc(more.writable());
    CHECK(error_of(more) == kafka_error::invalid_record);
  }
}

TEST_CASE("attributes that a client may not set are refused",
  "[storage][batch_check]") {
  CHECK(checked(with(21, int16_t{5})).error
        == kafka_error::unsupported_compression_type);
  CHECK(checked(with(21, int16_t{0x20})).error == kafka_error::invalid_record);
  // A transaction has a producer.
  CHECK(checked(with(21, int16_t{0x10})).error == kafka_error::invalid_record);
  // Says gzip, is not.
  CHECK(checked(with(21, int16_t{1})).error == kafka_error::corrupt_message);
}

TEST_CASE("a client's batch begins at offset 0, a replica's where it is",
  "[storage][batch_check]") {
  CHECK(checked(with(0, int64_t{5})).error == kafka_error::invalid_record);
  append_item item;
  item.batch = with(0, int64_t{5});
  item.origin = append_origin::coordinator;
  check_batch(item, {}, 1000);
  CHECK(item.error == kafka_error::none);
}

TEST_CASE("a batch that claims LogAppendTime is taken as Kafka takes it",
  "[storage][batch_check]") {
  const auto claims = with(21, int16_t{0x08});
  CHECK(checked(claims).error == kafka_error::none);
  const auto item = checked(claims);
  const batch_view view{item.batch.span()};
  CHECK(view.timestamps() == timestamp_type::create_time);
  CHECK(view.crc() == view.computed_crc());
  log_config config;
  config.timestamps = timestamp_type::log_append_time;
  const auto refused = checked(with(21, int16_t{0x08}), config);
  CHECK(refused.error == kafka_error::invalid_timestamp);
  CHECK(refused.record_errors.size() == 1);
}

TEST_CASE("a marker has the time of its append where the topic asks for it",
  "[storage][batch_check]") {
  const auto stamped = [](timestamp_type timestamps) {
    append_item item;
    item.batch = make_control_batch({producer_id{7}, 1, true, 0}, 500);
    item.origin = append_origin::coordinator;
    log_config config;
    config.timestamps = timestamps;
    check_batch(item, config, 1000);
    CHECK(item.error == kafka_error::none);
    return item;
  };
  const auto item = stamped(timestamp_type::log_append_time);
  const batch_view view{item.batch.span()};
  CHECK(view.is_control());
  CHECK(view.timestamps() == timestamp_type::log_append_time);
  CHECK(view.max_timestamp() == 1000);
  CHECK(view.crc() == view.computed_crc());
  const auto own = stamped(timestamp_type::create_time);
  CHECK(batch_view{own.batch.span()}.max_timestamp() == 500);
}

TEST_CASE("records whose offsets do not follow one another are named",
  "[storage][batch_check]") {
  auto batch = make_batch({.count = 2, .value_size = 1});
  // The second record: length, attributes, timestamp delta, offset delta.
  const size_t record = (batch.size() - batch_view::header_size) / 2;
  batch.writable()[batch_view::header_size + record + 3] = std::byte{4}; // 2
  patch_crc(batch.writable());
  const auto item = checked(batch);
  CHECK(item.error == kafka_error::invalid_record);
  REQUIRE(item.record_errors.size() == 1);
  CHECK(item.record_errors[0].batch_index == 1);
}

TEST_CASE("timestamps out of the topic's window are refused by record",
  "[storage][batch_check]") {
  log_config config;
  config.timestamp_before_max_ms = 50;
  config.timestamp_after_max_ms = 20;
  const auto at = [&](int64_t timestamp) {
    return checked(make_batch({.timestamp_ms = timestamp}), config, 1000);
  };
  CHECK(at(950).error == kafka_error::none);
  CHECK(at(1020).error == kafka_error::none);
  CHECK(at(949).error == kafka_error::invalid_timestamp);
  CHECK(at(1021).error == kafka_error::invalid_timestamp);
  CHECK(at(1021).record_errors.size() == 1);
  CHECK(at(INT64_MAX).error == kafka_error::invalid_timestamp);
}

TEST_CASE("a wrong largest timestamp is put right", "[storage][batch_check]") {
  const auto item = checked(with(35, int64_t{999999}, {.count = 2}));
  CHECK(item.error == kafka_error::none);
  const batch_view view{item.batch.span()};
  CHECK(view.max_timestamp() == 1001);
  CHECK(view.crc() == view.computed_crc());
}

TEST_CASE("LogAppendTime stamps the batch inside its checksum (R15)",
  "[storage][batch_check]") {
  log_config config;
  config.timestamps = timestamp_type::log_append_time;
  const auto item = checked(make_batch({.count = 3}), config, 5000);
  CHECK(item.error == kafka_error::none);
  CHECK(item.log_append_time == 5000);
  const batch_view view{item.batch.span()};
  CHECK(view.timestamps() == timestamp_type::log_append_time);
  CHECK(view.max_timestamp() == 5000);
  CHECK(view.crc() == view.computed_crc());
}

TEST_CASE("a batch is re-coded where the topic names another codec",
  "[storage][batch_check]") {
  for (const auto from : {compression_codec::none, compression_codec::gzip})
    for (const auto to : {compression_codec::none, compression_codec::snappy,
           compression_codec::lz4, compression_codec::zstd}) {
      log_config config;
      config.compression = to;
      const auto plain = make_batch({.count = 100});
      const auto item
        = checked(make_batch({.count = 100, .codec = from}), config);
      CHECK(item.error == kafka_error::none);
      const batch_view view{item.batch.span()};
      CHECK(view.codec() == to);
      CHECK(view.size() == static_cast<int64_t>(item.batch.size()));
      CHECK(view.crc() == view.computed_crc());
      auto records = decompress(to, view.records(), 1 << 20);
      REQUIRE(records.ok());
      const auto expected = batch_view{plain.span()}.records();
      CHECK(std::equal(
        records->begin(), records->end(), expected.begin(), expected.end()));
    }
}

TEST_CASE("a decompression bomb is refused", "[storage][batch_check]") {
  log_config config;
  config.decompressed_bytes_max = 1 << 20;
  for (const auto codec : {compression_codec::gzip, compression_codec::snappy,
         compression_codec::lz4, compression_codec::zstd}) {
    INFO(to_string(codec));
    const auto item
      = checked(make_batch({.codec = codec, .value_size = 4 << 20}), config);
    CHECK(item.error == kafka_error::message_too_large);
  }
}

TEST_CASE("a record larger than the cursor's window is walked in steps",
  "[storage][batch_check]") {
  for (const auto codec : {compression_codec::gzip, compression_codec::snappy,
         compression_codec::lz4, compression_codec::zstd}) {
    INFO(to_string(codec));
    const auto item
      = checked(make_batch({.count = 3, .codec = codec, .value_size = 100000}));
    INFO(item.message);
    CHECK(item.error == kafka_error::none);
  }
}

TEST_CASE("no spoiled byte of the records crashes the check",
  "[storage][batch_check]") {
  std::mt19937_64 rng{7};
  for (const auto codec : {compression_codec::none, compression_codec::gzip,
         compression_codec::snappy, compression_codec::lz4,
         compression_codec::zstd})
    for (int i = 0; i < 2000; ++i) {
      auto batch = make_batch({.count = 4, .codec = codec, .value_size = 30});
      for (int n = 0; n < 2; ++n)
        batch.writable()[21 + rng() % (batch.size() - 21)]
          = static_cast<std::byte>(rng());
      patch_crc(batch.writable());
      log_config config;
      if (rng() % 2 == 0)
        config.compression = compression_codec::lz4;
      const auto item = checked(batch, config);
      if (item.error == kafka_error::none) {
        const batch_view view{item.batch.span()};
        CHECK(view.crc() == view.computed_crc());
      }
    }
}

TEST_CASE("bytes behind the last record are refused as an invalid record",
  "[storage][batch_check]") {
  const auto good = make_batch();
  for (const auto tail : {std::byte{0}, std::byte{0xff}}) {
    auto longer = shared_bytes::allocate(good.size() + 1);
    std::copy_n(good.data(), good.size(), longer.data());
    longer.data()[good.size()] = tail;
    patch_size(longer.writable());
    patch_crc(longer.writable());
    CHECK(checked(longer).error == kafka_error::invalid_record);
  }
}
