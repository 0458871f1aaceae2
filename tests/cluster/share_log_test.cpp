#include "cluster/share_log.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

share_batch_header data(int64_t first, int64_t last, int64_t producer = -1) {
  return {{first}, {last}, {producer}, producer >= 0};
}
share_batch_header marker(int64_t at, int64_t producer) {
  return {{at}, {at}, {producer}, true, true};
}
share_aborted aborted(int64_t producer, int64_t first, int64_t marker_at) {
  return {{producer}, {first}, {marker_at}};
}

std::vector<bool> gone(const std::vector<share_log_batch>& batches) {
  std::vector<bool> result;
  for (const auto& batch : batches)
    result.push_back(batch.gone);
  return result;
}

} // namespace

TEST_CASE("markers are for nobody", "[cluster][share_log]") {
  const std::vector headers{data(0, 4), marker(5, 1), data(6, 6)};
  CHECK(
    gone(share_log_batches(headers, {})) == std::vector{false, true, false});
}

TEST_CASE("what an aborted transaction wrote is for nobody, up to its marker",
  "[cluster][share_log]") {
  const std::vector headers{data(10, 11, 1), data(12, 12, 2), data(13, 13),
    marker(14, 1), data(15, 15, 1), marker(16, 1), marker(17, 2),
    data(18, 18, 2)};
  // Both began before what was read.
  CHECK(gone(share_log_batches(
          headers, std::vector{aborted(2, 4, 17), aborted(1, 3, 14)}))
        == std::vector{true, true, false, true, false, true, true, false});
}

TEST_CASE("a transaction that aborts later does not reach back",
  "[cluster][share_log]") {
  const std::vector headers{
    data(0, 0, 1), marker(1, 1), data(2, 3, 1), marker(4, 1)};
  CHECK(gone(share_log_batches(headers, std::vector{aborted(1, 2, 4)}))
        == std::vector{false, true, true, true});
}
