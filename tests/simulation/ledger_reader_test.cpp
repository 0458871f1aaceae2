#include "simulation/ledger_reader.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_builder.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Batches one after the other, as a log holds them.
struct some_log {
  std::string bytes;
  int64_t next = 0;

  void put(const shared_bytes& batch, int64_t records) {
    auto made = shared_bytes::copy_of(batch.span());
    patch_base_offset(made.writable(), offset{next});
    bytes += made.text();
    next += records;
  }
  void send(int64_t producer, const std::vector<std::string>& values) {
    record_builder builder;
    builder.set_transaction(producer_id{producer}, 0);
    for (const auto& value : values)
      builder.add({.timestamp_ms = 1, .value = value});
    put(*builder.finish(), static_cast<int64_t>(values.size()));
  }
  void end(int64_t producer, bool commit) {
    put(make_control_batch({producer_id{producer}, 0, commit, 0}, 1), 1);
  }
  [[nodiscard]] kafka::fetch_response::partition_data answer() const {
    kafka::fetch_response::partition_data p;
    p.records.bytes = shared_bytes::copy_of(bytes);
    return p;
  }
};

using values = std::map<int64_t, std::string>;

} // namespace

TEST_CASE("a read_committed reader passes over what was aborted, and markers",
  "[simulation][ledger_reader]") {
  some_log log;
  log.send(1, {"a", "b"}); // 0, 1
  log.send(2, {"c"});      // 2
  log.end(1, false);       // 3
  log.send(1, {"d"});      // 4
  log.end(2, true);        // 5
  log.end(1, true);        // 6
  auto answer = log.answer();
  answer.aborted_transactions = {{1, 0}};
  committed_view view;
  REQUIRE(take_committed(answer, view).ok());
  CHECK(view.values == values{{2, "c"}, {4, "d"}});
  CHECK(view.end == 7);
}

TEST_CASE("a reader that goes on within a batch takes only what it lacks",
  "[simulation][ledger_reader]") {
  some_log log;
  log.send(1, {"a", "b"});
  log.end(1, true);
  committed_view view{.end = 1};
  REQUIRE(take_committed(log.answer(), view).ok());
  CHECK(view.values == values{{1, "b"}});
  CHECK(view.end == 3);
}

TEST_CASE("a gap between batches is no answer", "[simulation][ledger_reader]") {
  some_log log;
  log.next = 5;
  log.send(1, {"a"});
  committed_view view;
  CHECK_FALSE(take_committed(log.answer(), view).ok());
}
