// What a log knows of transactions: fences, and up to where read_committed
// may read, also after it was cut, closed, or lost its power.

#include "tests/storage/transaction_recipes.hpp"

#include <random>
#include <tuple>

using namespace millrace;

namespace {

constexpr auto none = kafka_error::none;
constexpr auto old_epoch = kafka_error::invalid_producer_epoch;
constexpr auto deposed = kafka_error::transaction_coordinator_fenced;
constexpr int8_t v2 = 2;

append_item data(log_fixture& f, int64_t producer, int16_t epoch,
  int32_t sequence, size_t value_size = 10) {
  return append_as_coordinator(
    *f.log, make_transactional({.producer = {producer},
              .producer_epoch = epoch,
              .sequence = sequence,
              .value_size = value_size}));
}

append_item marker(log_fixture& f, int64_t producer, int16_t epoch,
  int32_t coordinator_epoch = 0, int8_t version = 0, bool commit = true) {
  return append_as_coordinator(*f.log,
    make_control_batch({{producer}, epoch, commit, coordinator_epoch}, 1000),
    version);
}

offset stable(log_fixture& f) {
  return f.log->last_stable_offset(f.log->log_end_offset());
}

} // namespace

TEST_CASE("read_committed stops at the first open transaction",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  f.append_good();
  CHECK(stable(f) == offset{1});
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(data(f, 8, 0, 0).error == none);
  f.append_good();
  CHECK(stable(f) == offset{1});
  CHECK(marker(f, 7, 0).error == none);
  CHECK(stable(f) == offset{2});
  CHECK(marker(f, 8, 0).error == none);
  CHECK(f.log->last_stable_offset({5}) == offset{2}); // not replicated yet
  CHECK(stable(f) == offset{6});
}

TEST_CASE("an open transaction that retention has taken holds nobody back",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  f.append_good();
  f.append_good();
  f.sync();
  CHECK(stable(f) == offset{0});
  REQUIRE(f.log->delete_records({2}, f.now_ms).ok());
  CHECK(stable(f) == offset{2});
}

TEST_CASE("a coordinator that was deposed ends nothing",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(marker(f, 7, 0, 5).error == none);
  CHECK(data(f, 7, 0, 1).error == none);
  CHECK(marker(f, 7, 0, 4).error == deposed);
  CHECK(stable(f) == offset{2});
  f.close_and_open();
  CHECK(marker(f, 7, 0, 4).error == deposed);
  CHECK(marker(f, 7, 0, 5).error == none);
  CHECK(f.log->producers().at(0).coordinator_epoch == 5);
}

TEST_CASE("a marker in a higher epoch fences what comes late",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(marker(f, 7, 1, 0, 0, false).error == none);
  CHECK(data(f, 7, 0, 1).error == old_epoch);
  CHECK(marker(f, 7, 0).error == old_epoch);
  CHECK(data(f, 7, 1, 0).error == none);
  CHECK(stable(f) == offset{2});
}

TEST_CASE("a coordinator's batch in an older epoch is refused",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  const auto commit = [&](int16_t epoch) {
    record_builder builder;
    builder.set_transaction({7}, epoch);
    builder.add({.timestamp_ms = 1, .key = "k", .value = "v"});
    auto batch = builder.finish();
    REQUIRE(batch.ok());
    return append_as_coordinator(*f.log, std::move(*batch));
  };
  CHECK(commit(1).error == none);
  CHECK(commit(1).base_offset == offset{1}); // no sequence: no duplicate
  CHECK(commit(0).error == old_epoch);
  CHECK(marker(f, 7, 3).error == none);
  CHECK(commit(2).error == old_epoch);
  CHECK(commit(4).error == none);
  CHECK(f.log->log_end_offset() == offset{4});
}

TEST_CASE("a marker of transaction N never ends N+1 (KIP-890)",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(marker(f, 7, 1, 0, v2).error == none);
  // Repeated, as its answer was lost: it ends nothing.
  CHECK(marker(f, 7, 1, 0, v2).error == none);
  CHECK(stable(f) == offset{3});
  CHECK(data(f, 7, 1, 0).error == none);
  CHECK(marker(f, 7, 1, 0, v2).error == old_epoch);
  CHECK(stable(f) == offset{3});
  f.close_and_open();
  CHECK(marker(f, 7, 1, 0, v2).error == old_epoch);
  CHECK(marker(f, 7, 2, 0, v2).error == none);
  CHECK(stable(f) == f.log->log_end_offset());
}

TEST_CASE("batches and markers of one append know of one another",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  std::vector<append_item> items(4);
  items[0].batch = make_control_batch({{7}, 1, true, 3}, 1000);
  items[1].batch = make_control_batch({{7}, 1, true, 3}, 1000);
  items[2].batch
    = make_transactional({.producer = {7}, .producer_epoch = 1, .sequence = 0});
  items[3].batch = make_control_batch({{7}, 1, true, 3}, 1000);
  for (auto& item : items) {
    item.origin = append_origin::coordinator;
    item.transaction_version = v2;
  }
  f.log->append(items, f.epoch, f.now_ms);
  CHECK(items[0].error == none);
  CHECK(items[1].error == none);
  CHECK(items[2].error == none);
  CHECK(items[3].error == old_epoch);
  CHECK(f.log->log_end_offset() == offset{4});
  CHECK(stable(f) == offset{3});
}

TEST_CASE("a reader is told of what was aborted, and of nothing else",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(data(f, 8, 0, 0).error == none);
  CHECK(marker(f, 7, 0, 0, 0, false).error == none);
  CHECK(marker(f, 8, 0, 0, 0, true).error == none);
  CHECK(marker(f, 8, 0, 0, 0, false).error == none); // of nothing
  const std::vector<ended_transaction> expected{{{7}, {0}, {2}, {1}}};
  CHECK(f.log->aborted_in({0}, {5}) == expected);
  CHECK(f.log->aborted_in({2}, {5}) == expected);
  CHECK(f.log->aborted_in({3}, {5}).empty());
  f.close_and_open();
  CHECK(f.log->aborted_in({0}, {5}) == expected);
}

TEST_CASE("a file of aborted transactions that makes no sense is made anew",
  "[storage][partition_log_transactions]") {
  for (const bool clean : {true, false}) {
    log_fixture f;
    f.config.segment_bytes = 700;
    f.open();
    int32_t sequence = 0;
    for (int16_t epoch = 0; epoch < 12; ++epoch) {
      CHECK(data(f, 7, epoch, 0).error == none);
      CHECK(data(f, 8, 0, sequence++).error == none);
      CHECK(marker(f, 7, static_cast<int16_t>(epoch + 1), 0, v2, false).error
            == none);
    }
    REQUIRE(f.log->segment_count() > 3);
    f.sync();
    const auto end = f.log->log_end_offset();
    const auto expected = f.log->aborted_in({0}, end);
    CHECK(expected.size() == 12);
    if (clean)
      REQUIRE(f.log->close(true).ok());
    f.hint = end;
    f.log.reset();
    // The first segment that has such a file.
    const auto path = segment_path("/data/t-0", {0}, ".txnindex");
    auto file = f.disk.open(path, open_mode::read_write);
    REQUIRE(file.ok());
    const std::byte wrong{0x80}; // a negative producer id
    REQUIRE((*file)->write_at(2, std::span{&wrong, 1}).ok());
    f.open(clean);
    CHECK(f.log->recovered().notes.size() == 1);
    CHECK(f.log->aborted_in({0}, end) == expected);
    CHECK(stable(f) == offset{1}); // producer 8's
    f.close_and_open();
    CHECK(f.log->recovered().notes.empty());
    CHECK(f.log->aborted_in({0}, end) == expected);
  }
}

TEST_CASE("an older file of aborted transactions does not outlive a seal",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.config.segment_bytes = 200;
  f.open();
  f.append_good();
  const auto path = segment_path("/data/t-0", {0}, ".txnindex");
  transaction_index older;
  older.add({{7}, {0}, {1}, {2}});
  REQUIRE(replace_file(f.disk, path, older.encode()).ok());
  f.close_and_open();
  while (f.log->segment_count() < 2)
    f.append_good();
  CHECK_FALSE(read_file(f.disk, path).ok());
}

TEST_CASE("what was aborted before a snapshot within a segment is known, "
          "whether the offset index is good or not",
  "[storage][partition_log_transactions]") {
  for (const bool spoil : {false, true}) {
    log_fixture f;
    f.open();
    for (int16_t epoch = 0; epoch < 30; ++epoch) {
      auto item
        = append_as_coordinator(*f.log, make_transactional({.producer = {7},
                                          .producer_epoch = epoch,
                                          .sequence = 0,
                                          .value_size = 5000}));
      CHECK(item.error == none);
      CHECK(marker(f, 7, static_cast<int16_t>(epoch + 1), 0, v2, false).error
            == none);
    }
    const auto end = f.log->log_end_offset();
    const auto expected = f.log->aborted_in({0}, end);
    CHECK(expected.size() == 30);
    REQUIRE(f.log->close(true).ok());
    f.log.reset();
    f.hint = end;
    // A segment that is long enough has a snapshot at its end.
    REQUIRE(
      read_file(f.disk, segment_path("/data/t-0", end, ".snapshot")).ok());
    if (spoil) {
      const auto path = segment_path("/data/t-0", {0}, ".index");
      auto content = read_file(f.disk, path);
      REQUIRE(content.ok());
      for (size_t at = 7; at < content->size(); at += 8)
        ++content->at(at); // where the entry's batch is
      REQUIRE(replace_file(f.disk, path, *content).ok());
    }
    f.open(true);
    CHECK(f.log->log_end_offset() == end);
    CHECK(f.log->aborted_in({0}, end) == expected);
    // After a crash the batches tell.
    f.log.reset();
    f.open();
    CHECK(f.log->aborted_in({0}, end) == expected);
  }
}

TEST_CASE("the file of aborted transactions goes with its segment",
  "[storage][partition_log_transactions]") {
  log_fixture f;
  f.config.segment_bytes = 200;
  f.open();
  CHECK(data(f, 7, 0, 0).error == none);
  CHECK(marker(f, 7, 1, 0, v2, false).error == none);
  while (f.log->segment_count() < 3)
    f.append_good();
  f.sync();
  const auto path = segment_path("/data/t-0", {0}, ".txnindex");
  CHECK(read_file(f.disk, path).ok());
  const auto gone
    = f.log->delete_records(f.log->log_end_offset() + int64_t{-1}, f.now_ms);
  REQUIRE(gone.ok());
  CHECK_FALSE(read_file(f.disk, path).ok());
  CHECK(std::count(gone->paths_to_remove.begin(), gone->paths_to_remove.end(),
          path + ".deleted")
        == 1);
}

namespace {

/// A batch as the walk remembers it.
struct placed {
  int64_t base = 0;
  int64_t end = 0;
  bool control = false;
  int64_t producer = 0;
  int16_t epoch = 0;
  int32_t coordinator_epoch = -1;
  bool commit = false;
};

/// What a log of these batches must know of one producer.
struct known_producer {
  int16_t epoch = -1;
  int32_t next_sequence = 0;
  int64_t first = -1;
  int32_t coordinator_epoch = -1;
};

class walk {
public:
  /// @param value_size of the records; large ones make a stop leave a
  /// snapshot within a segment
  walk(uint64_t seed, size_t value_size)
      : random_(seed), f_(seed), value_size_(value_size) {
    f_.config.segment_bytes = value_size > 1'000 ? 200'000 : 700;
    f_.config.index_interval_bytes = value_size > 1'000 ? 10'000 : 200;
    f_.hint = offset{0};
    f_.open();
  }

  size_t ends_met = 0;
  size_t aborted_met = 0;
  size_t cuts = 0;
  size_t crashes = 0;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto dice = below(100);
      if (dice < 55)
        write();
      else if (dice < 80)
        end();
      else if (dice < 85)
        f_.append_good(), model_.push_back(last());
      else if (dice < 90)
        sync();
      else if (dice < 93)
        cut();
      else if (dice < 96)
        close();
      else
        crash();
      check();
    }
  }

private:
  int64_t below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>{0, bound - 1}(random_);
  }
  placed last(bool control = false, int64_t producer = -1, int16_t epoch = -1,
    int32_t coordinator = -1, bool commit = false) const {
    const auto end = f_.log->log_end_offset().value;
    return {end - 1, end, control, producer, epoch, coordinator, commit};
  }

  std::map<int64_t, known_producer> known() const {
    std::map<int64_t, known_producer> out;
    for (const auto& batch : model_) {
      if (batch.producer < 0)
        continue;
      auto& one = out[batch.producer];
      if (one.epoch != batch.epoch)
        one.next_sequence = 0;
      one.epoch = batch.epoch;
      if (batch.control) {
        one.first = -1;
        one.coordinator_epoch = batch.coordinator_epoch;
        continue;
      }
      if (one.first < 0)
        one.first = batch.base;
      ++one.next_sequence;
    }
    return out;
  }

  /// By producer, first offset and marker, of the model.
  using aborted = std::tuple<int64_t, int64_t, int64_t>;

  std::vector<aborted> aborted_of_model(int64_t from, int64_t limit) const {
    std::vector<aborted> out;
    std::map<int64_t, int64_t> first;
    for (const auto& batch : model_) {
      if (batch.producer < 0)
        continue;
      if (!batch.control) {
        first.try_emplace(batch.producer, batch.base);
        continue;
      }
      const auto begun = first.extract(batch.producer);
      if (!begun.empty() && !batch.commit && batch.base >= from
          && begun.mapped() < limit)
        out.emplace_back(batch.producer, begun.mapped(), batch.base);
    }
    return out;
  }

  void check_aborted(int64_t from, int64_t limit) {
    std::vector<aborted> told;
    for (const auto& one : f_.log->aborted_in({from}, {limit}))
      told.emplace_back(one.producer.value, one.first.value, one.marker.value);
    INFO("aborted in " << from << " to " << limit);
    REQUIRE(told == aborted_of_model(from, limit));
    aborted_met += told.size();
  }

  void write() {
    const auto id = 1 + below(4);
    const auto all = known();
    const auto found = all.find(id);
    const auto epoch = found == all.end()
                         ? int16_t{0}
                         : std::max(found->second.epoch, int16_t{0});
    const auto sequence = found == all.end() ? 0 : found->second.next_sequence;
    const auto item = data(f_, id, epoch, sequence, value_size_);
    INFO(item.message);
    REQUIRE(item.error == none);
    model_.push_back(last(false, id, epoch));
  }

  void end() {
    const auto id = 1 + below(4);
    const auto all = known();
    const auto found = all.find(id);
    if (found == all.end() || found->second.first < 0)
      return;
    coordinator_epoch_ += below(10) == 0 ? 1 : 0;
    const auto epoch = static_cast<int16_t>(found->second.epoch + 1);
    const bool commit = below(3) == 0;
    const auto item = marker(f_, id, epoch, coordinator_epoch_, v2, commit);
    INFO(item.message);
    REQUIRE(item.error == none);
    ++ends_met;
    model_.push_back(last(true, id, epoch, coordinator_epoch_, commit));
  }

  void sync() {
    f_.sync();
    if (below(2) == 0)
      f_.hint = f_.log->durable_end_offset();
  }

  void forget_from(int64_t end) {
    while (!model_.empty() && model_.back().end > end)
      model_.pop_back();
  }

  void cut() {
    if (model_.empty())
      return;
    ++cuts;
    const auto size = static_cast<int64_t>(model_.size());
    const auto& at = model_[static_cast<size_t>(
      size - 1 - below(std::min<int64_t>(size, 12)))];
    const offset end{at.base};
    f_.hint = std::min(*f_.hint, end);
    forget_from(end.value);
    REQUIRE(f_.log->truncate_to(end).ok());
  }

  void close() {
    f_.close_and_open();
  }

  void crash() {
    ++crashes;
    f_.log.reset();
    f_.disk.crash(below(2) == 0 ? crash_policy::lose_unsynced
                                : crash_policy::random_subset);
    f_.open();
    forget_from(f_.log->log_end_offset().value);
  }

  void check() {
    REQUIRE(f_.log->log_end_offset().value
            == (model_.empty() ? 0 : model_.back().end));
    const auto all = known();
    auto expected = f_.log->log_end_offset().value;
    for (const auto& [id, one] : all)
      if (one.first >= 0)
        expected = std::min(expected, one.first);
    REQUIRE(stable(f_).value == expected);
    const auto end = f_.log->log_end_offset().value;
    check_aborted(0, end);
    const auto from = below(end + 1);
    check_aborted(from, from + below(end - from + 1));
    const auto producers = f_.log->producers();
    REQUIRE(producers.size() == all.size());
    for (const auto& producer : producers) {
      const auto& one = all.at(producer.id.value);
      REQUIRE(producer.epoch == one.epoch);
      REQUIRE(producer.transaction_start.value == one.first);
      REQUIRE(producer.coordinator_epoch == one.coordinator_epoch);
    }
  }

  std::mt19937_64 random_;
  log_fixture f_;
  size_t value_size_;
  std::vector<placed> model_;
  int32_t coordinator_epoch_ = 0;
};

} // namespace

TEST_CASE("a log knows its transactions again after every cut, stop and crash "
          "(R14)",
  "[storage][partition_log_transactions]") {
  size_t ends = 0, aborted = 0, cuts = 0, crashes = 0;
  for (uint64_t seed = 1; seed <= 90; ++seed) {
    INFO("seed " << seed);
    walk w{seed, seed % 3 == 0 ? size_t{9'000} : size_t{10}};
    w.run(200);
    ends += w.ends_met;
    aborted += w.aborted_met;
    cuts += w.cuts;
    crashes += w.crashes;
  }
  CHECK(ends > 1'000);
  CHECK(aborted > 10'000);
  CHECK(cuts > 200);
  CHECK(crashes > 300);
}
