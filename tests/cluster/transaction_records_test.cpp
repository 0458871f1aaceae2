#include "cluster/transaction_records.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

transaction_value sample() {
  transaction_value value;
  value.id = {9};
  value.epoch = 3;
  value.timeout_ms = 60'000;
  value.phase = transaction_phase::ongoing;
  value.partitions = {{"t", 0}, {"t", 2}, {"u", 1}};
  value.updated_ms = 1'700'000'000'000;
  value.started_ms = 1'699'999'999'000;
  return value;
}

void comes_back(const transaction_record& record) {
  const auto entry = encode_transaction_record(record);
  const auto decoded = decode_transaction_record(entry.key,
    entry.value ? std::optional<std::string_view>{*entry.value} : std::nullopt);
  REQUIRE(decoded.ok());
  CHECK(*decoded == record);
}

} // namespace

TEST_CASE("a record of a transactional id comes back",
  "[cluster][transaction_records]") {
  comes_back({"x", sample()});
  comes_back({"x", std::nullopt});
  auto value = sample();
  value.phase = transaction_phase::empty;
  value.partitions.clear();
  comes_back({"x", value});
  value = sample();
  value.phase = transaction_phase::prepare_abort;
  value.previous_id = {7};
  value.next_id = {8};
  value.last_epoch = 2;
  value.client_version = 2;
  comes_back({"x", value});
  value.phase = transaction_phase::complete_commit;
  value.partitions.clear();
  comes_back({"x", value});
}

TEST_CASE("the records in docs/formats/transaction-state.md are what its page "
          "says",
  "[cluster][transaction_records]") {
  auto value = sample();
  value.partitions = {{"t", 2}};
  auto entry = encode_transaction_record({"x", value});
  CHECK(entry.key == std::string{"\0\0\0\1x", 5});
  CHECK(entry.value
        == std::string{"\0\0"                          // version 0
                       "\0\0\0\0\0\0\0\x09"            // producer id
                       "\0\3"                          // epoch
                       "\0\0\xea\x60"                  // 60 s
                       "\1"                            // ongoing
                       "\0\0\0\1"                      // one topic
                       "\0\1t\0\0\0\1\0\0\0\2"         // t, partition 2
                       "\0\0\x01\x8b\xcf\xe5\x68\0"    // updated
                       "\0\0\x01\x8b\xcf\xe5\x64\x18", // started
          48});
  value.phase = transaction_phase::complete_commit;
  value.partitions.clear();
  value.epoch = 4;
  value.last_epoch = 3;
  value.client_version = 2;
  entry = encode_transaction_record({"x", value});
  CHECK(entry.value
        == std::string{"\0\1"                         // version 1
                       "\0\0\0\0\0\0\0\x09"           // producer id
                       "\0\4"                         // epoch
                       "\0\0\xea\x60"                 // 60 s
                       "\4"                           // complete_commit
                       "\1"                           // no topics
                       "\0\0\x01\x8b\xcf\xe5\x68\0"   // updated
                       "\0\0\x01\x8b\xcf\xe5\x64\x18" // started
                       "\2"                           // two tagged fields
                       "\2\2\0\2"                     // 2: client's version 2
                       "\x90\x4e\2\0\3",              // 10000: last epoch 3
          44});
}

TEST_CASE("an id never used in a transaction has no list of partitions",
  "[cluster][transaction_records]") {
  auto value = sample();
  value.phase = transaction_phase::empty;
  value.partitions.clear();
  const auto entry = encode_transaction_record({"x", value});
  REQUIRE(entry.value);
  // Behind version, id, epoch, time-out and status: a null array.
  CHECK(entry.value->substr(17, 4) == "\xff\xff\xff\xff");
}

TEST_CASE(
  "keys of other kinds are passed over", "[cluster][transaction_records]") {
  const auto decoded
    = decode_transaction_record(std::string_view{"\0\1anything", 10}, "value");
  REQUIRE(decoded.ok());
  CHECK_FALSE(decoded->has_value());
}

TEST_CASE("a record that makes no sense is an error",
  "[cluster][transaction_records]") {
  const auto good = encode_transaction_record({"x", sample()});
  const auto read = [&](std::string_view value) {
    return decode_transaction_record(good.key, value).ok();
  };
  CHECK(read(*good.value));
  CHECK_FALSE(decode_transaction_record("", *good.value).ok());
  CHECK_FALSE(
    decode_transaction_record(std::string_view{"\0\0\0\5x", 5}, "").ok());
  for (size_t size = 0; size < good.value->size(); ++size)
    CHECK_FALSE(read(good.value->substr(0, size)));
  const auto with = [&](size_t at, char byte) {
    auto bytes = *good.value;
    bytes[at] = byte;
    return bytes;
  };
  CHECK_FALSE(read(with(1, 2)));       // a later version
  CHECK_FALSE(read(with(2, '\x80')));  // a negative producer id
  CHECK_FALSE(read(with(10, '\x80'))); // a negative epoch
  CHECK_FALSE(read(with(16, 6)));      // dead
  CHECK_FALSE(read(with(16, 7)));      // a fence
  CHECK_FALSE(read(with(16, '\xff')));
}
