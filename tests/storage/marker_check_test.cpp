#include "storage/marker_check.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr producer_id pid{4};
constexpr kafka_error fenced_epoch = kafka_error::invalid_producer_epoch;

/// A producer in epoch 3 after a marker of coordinator epoch 5.
producer_entry after_marker(bool open) {
  producer_entry entry;
  entry.epoch = 3;
  entry.coordinator_epoch = 5;
  if (open)
    entry.transaction_start = offset{40};
  return entry;
}

} // namespace

TEST_CASE(
  "a marker is judged by its epochs (KIP-890)", "[storage][marker_check]") {
  const auto judged
    = [](bool open, int16_t epoch, int32_t coordinator, int8_t version) {
        const auto known = after_marker(open);
        return judge_marker(&known, {pid, epoch, true, coordinator}, version);
      };
  for (const int8_t version : {int8_t{0}, int8_t{1}, int8_t{2}}) {
    CHECK(judge_marker(nullptr, {pid, 0, true, 0}, version).error
          == kafka_error::none);
    CHECK(judged(true, 4, 5, version).error == kafka_error::none);
    CHECK(judged(true, 2, 5, version).error == fenced_epoch);
    CHECK(judged(true, 4, 4, version).error
          == kafka_error::transaction_coordinator_fenced);
  }
  CHECK(judged(true, 3, 5, 0).error == kafka_error::none);
  CHECK(judged(true, 3, 5, 2).error == fenced_epoch);
  CHECK(judged(false, 3, 5, 0).error == kafka_error::none);
  CHECK(judged(false, 3, 5, 2).error == kafka_error::none);
}
