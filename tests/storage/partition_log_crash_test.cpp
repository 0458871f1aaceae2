// The power goes at every single operation of a workload; whatever the disk
// kept, nothing that was announced durable may be missing.

#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

/// What its owner has made durable elsewhere, and told to clients.
struct promises {
  offset durable{0};   // announced
  offset log_start{0}; // written elsewhere before anything is deleted
  int64_t next_sequence = 0;
  std::map<int64_t, char> contents; // by offset, of what was written
};

constexpr producer_id pid{7};

/// Appends, syncs, rolls, truncates and retires until the disk stops.
void work(log_fixture& f, promises& p, std::mt19937_64 rng, int steps) {
  auto opened = f.try_open(f.disk);
  if (!opened)
    return;
  f.log = std::move(*opened);
  for (int step = 0; step < steps && !f.log->offline(); ++step) {
    f.now_ms += 10;
    const auto dice = rng() % 10;
    if (dice < 6) {
      std::vector<append_item> items(1 + rng() % 3);
      for (size_t i = 0; i < items.size(); ++i) {
        const int count = 1 + static_cast<int>(rng() % 3);
        const char fill = static_cast<char>('a' + rng() % 26);
        items[i].batch = make_batch({.count = count,
          .timestamp_ms = f.now_ms,
          .producer = pid,
          .producer_epoch = 0,
          .sequence = static_cast<int32_t>(p.next_sequence),
          .value_size = 1 + rng() % 600,
          .fill = fill});
        p.next_sequence += count;
        for (int c = 0; c < count; ++c)
          p.contents[p.next_sequence - count + c] = fill;
      }
      f.log->append(items, f.epoch, f.now_ms);
    } else if (dice < 8) {
      auto job = f.log->begin_sync();
      const auto outcome = job.run(f.disk);
      f.log->complete_sync(job, outcome);
      p.durable = f.log->durable_end_offset();
      if (outcome.ok() && rng() % 2 == 0)
        f.hint = p.durable; // lazily
    } else if (dice == 8) {
      ++f.epoch.value;
    } else if (const auto start = f.log->begin_retention(f.now_ms, p.durable)) {
      f.log_start = p.log_start = *start;
      if (auto gone = f.log->finish_retention(*start, f.now_ms))
        for (const auto& path : gone->paths_to_remove)
          static_cast<void>(f.disk.remove(path));
    }
  }
}

/// Sequences equal offsets in this workload, as nothing is refused.
void check(const log_fixture& f, const partition_log& log, const promises& p) {
  CHECK(log.recovered().lost.empty());
  REQUIRE(log.log_end_offset() >= p.durable);
  REQUIRE(log.durable_end_offset() == log.log_end_offset());
  offset next = log.log_start_offset();
  // Without a hint, whatever is there may be where a foreign log begins.
  if (f.hint)
    REQUIRE(next <= std::max(p.log_start, p.durable));
  while (next < log.log_end_offset()) {
    auto bytes = log.read_bytes(next, log.log_end_offset(), 4096, true);
    REQUIRE(bytes.ok());
    REQUIRE(bytes->size() > 0);
    for (size_t at = 0; at < bytes->size();) {
      const batch_view view{bytes->span().subspan(at)};
      REQUIRE(view.crc() == view.computed_crc());
      if (view.base_offset() < next)
        REQUIRE(next == log.log_start_offset());
      else
        REQUIRE(view.base_offset() == next);
      // Nothing doubled: the sequence is the offset.
      REQUIRE(view.base_sequence() == view.base_offset().value);
      const auto* end = bytes->data() + at + view.size();
      // The last byte is the count of headers, the one before is the value's.
      REQUIRE(
        static_cast<char>(end[-2]) == p.contents.at(view.last_offset().value));
      next = view.last_offset() + int64_t{1};
      at += static_cast<size_t>(view.size());
    }
  }
  if (log.log_end_offset() > log.log_start_offset()
      || log.segment_count() > 1) {
    const auto producers = log.producers();
    REQUIRE(producers.size() == 1);
    REQUIRE(producers[0].last_sequence == log.log_end_offset().value - 1);
  }
}

void set_up(log_fixture& f, uint64_t seed) {
  if (seed % 2 == 1)
    f.hint = offset{0};
  f.config.segment_bytes = 3000;
  f.config.index_interval_bytes = 700;
  f.config.retention_bytes = 7000;
}

} // namespace

TEST_CASE("nothing announced is missing and nothing is doubled, wherever the "
          "power goes (R5, R10, R14, R18)",
  "[storage][partition_log_crash]") {
  constexpr int steps = 40;
  int torn = 0;
  int kept_aside = 0;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    uint64_t operations = 0;
    {
      log_fixture f;
      set_up(f, seed);
      promises p;
      work(f, p, std::mt19937_64{seed}, steps);
      operations = f.disk.operation_count();
    }
    REQUIRE(operations > 30);
    for (uint64_t stop = log_fixture{}.disk.operation_count() + 1;
      stop <= operations; ++stop) {
      log_fixture f;
      set_up(f, seed);
      promises p;
      f.disk.stop_at(stop);
      work(f, p, std::mt19937_64{seed}, steps);
      f.log.reset();
      for (const auto policy : {crash_policy::lose_unsynced,
             crash_policy::keep_unsynced, crash_policy::random_subset,
             crash_policy::random_subset, crash_policy::random_subset}) {
        static uint64_t variant = 0;
        INFO("seed " << seed << " stop " << stop << " policy "
                     << static_cast<int>(policy) << " variant " << variant);
        auto disk = f.disk.clone();
        disk->reseed(std::mt19937_64{++variant});
        disk->crash(policy);
        auto opened = f.try_open(*disk);
        INFO((opened.ok() ? "" : to_string(opened.error())));
        REQUIRE(opened.ok());
        auto after = std::move(*opened);
        // A cut above the hint is no loss of what was promised.
        torn += after->recovered().torn_bytes > 0 ? 1 : 0;
        if (after->recovered().lost.empty()) {
          check(f, *after, p);
        } else {
          ++kept_aside;
          CHECK_FALSE(after->recovered().lost[0].acknowledged);
          REQUIRE(after->log_end_offset() >= p.durable);
        }
        const auto end = after->log_end_offset();
        // Recovery twice is recovery once.
        after.reset();
        disk->crash(crash_policy::lose_unsynced);
        auto again = f.try_open(*disk);
        REQUIRE(again.ok());
        CHECK((*again)->log_end_offset() == end);
        CHECK((*again)->recovered().lost.empty());
        CHECK((*again)->recovered().torn_bytes == 0);
      }
    }
  }
  // The crashes were not all kind.
  CHECK(torn > 100);
  CHECK(kept_aside > 10);
}

TEST_CASE("a recovery that is cut short is finished by the next one (R5)",
  "[storage][partition_log_crash]") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    log_fixture f;
    set_up(f, seed);
    promises p;
    f.disk.stop_at(25 + seed * 7);
    work(f, p, std::mt19937_64{seed}, 40);
    f.log.reset();
    f.disk.reseed(std::mt19937_64{seed});
    f.disk.crash(crash_policy::random_subset);
    for (uint64_t stop = 1;; ++stop) {
      INFO("seed " << seed << " stop " << stop);
      auto disk = f.disk.clone();
      const auto before = disk->operation_count();
      disk->stop_at(before + stop);
      auto first = f.try_open(*disk);
      const bool finished = first.ok() && !disk->stopped();
      if (first)
        first->reset();
      disk->reseed(std::mt19937_64{stop});
      disk->crash(crash_policy::random_subset);
      auto second = f.try_open(*disk);
      REQUIRE(second.ok());
      REQUIRE((*second)->log_end_offset() >= p.durable);
      if (finished)
        break;
    }
  }
}
