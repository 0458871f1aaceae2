// The power goes at every single operation while a log is compacted; whatever
// the disk kept, no key's newest value may be missing, and nothing that was
// replaced may come back as new.

#include "tests/storage/compaction_recipes.hpp"

#include <set>

using namespace millrace;

namespace {

struct promises {
  offset durable{0};
  offset clean{0};
  std::set<int64_t> batches; ///< where they begin
  /// Every record that was ever appended, by offset.
  std::map<int64_t, std::pair<std::string, std::string>> written;
};

void set_up(log_fixture& f, uint64_t seed) {
  f.hint = offset{0};
  f.config.compacted = true;
  f.config.segment_bytes = 900;
  f.config.index_interval_bytes = 200 + static_cast<int64_t>(seed) * 50;
}

void append_some(log_fixture& f, promises& p, std::mt19937_64& rng) {
  std::vector<append_item> items(1 + rng() % 4);
  std::vector<std::vector<keyed>> records(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    records[i].resize(1 + rng() % 3);
    for (auto& r : records[i])
      r = {"k" + std::to_string(rng() % 6), std::string(1 + rng() % 100, 'v')};
    items[i].batch = keyed_batch(records[i]);
  }
  f.log->append(items, f.epoch, f.now_ms);
  for (const auto& item : items)
    p.batches.insert(item.base_offset.value);
  for (size_t i = 0; i < items.size(); ++i)
    for (size_t r = 0; r < records[i].size(); ++r)
      if (items[i].base_offset.value >= 0)
        p.written[items[i].base_offset.value + static_cast<int64_t>(r)]
          = {records[i][r].key, *records[i][r].value};
}

/// Appends, syncs, compacts and cuts until the disk stops.
void work(log_fixture& f, promises& p, std::mt19937_64 rng, int steps) {
  auto opened = f.try_open(f.disk);
  if (!opened)
    return;
  f.log = std::move(*opened);
  for (int step = 0; step < steps && !f.log->offline(); ++step) {
    f.now_ms += 10;
    const auto dice = rng() % 10;
    if (dice < 6) {
      append_some(f, p, rng);
    } else if (dice < 8) {
      auto job = f.log->begin_sync();
      const auto outcome = job.run(f.disk);
      f.log->complete_sync(job, outcome);
      p.durable = f.log->durable_end_offset();
      if (outcome.ok())
        f.hint = p.durable;
    } else if (dice == 8 && p.durable.value > 4 && rng() % 3 == 0) {
      // A follower that has to follow another leader: never below what is
      // compacted, as that was below the high watermark.
      const auto wanted = std::max(
        p.clean.value, p.durable.value - static_cast<int64_t>(rng() % 4));
      const offset end{*std::prev(p.batches.upper_bound(wanted))};
      if (end < p.clean)
        continue;
      f.hint = p.durable = std::min(p.durable, end);
      if (f.log->truncate_to(end).ok()) {
        p.durable = std::min(p.durable, f.log->log_end_offset());
        p.written.erase(p.written.lower_bound(f.log->log_end_offset().value),
          p.written.end());
      } else {
        p.written.erase(
          p.written.lower_bound(p.durable.value), p.written.end());
      }
    } else {
      auto plan = f.log->plan_compaction(p.clean, p.durable, f.now_ms);
      if (!plan || !*plan)
        continue;
      auto done = try_compact(*f.log, f.disk, p.clean, f.now_ms,
        {.map_bytes_max = 1u << 20, .chunk_bytes = 300}, p.durable);
      if (done)
        p.clean = done->clean_until;
    }
  }
}

void check(const partition_log& log, const promises& p) {
  for (const auto& lost : log.recovered().lost)
    REQUIRE_FALSE(lost.acknowledged); // cut where a write was under way
  REQUIRE(log.log_end_offset() >= p.durable);
  const auto there = records_of(log);
  const auto end = log.log_end_offset().value;
  for (const auto& [at, r] : there) {
    if (at >= p.durable.value)
      continue; // what was cut may be there again, or not
    REQUIRE(p.written.contains(at));
    REQUIRE(p.written.at(at).first == r.key);
    REQUIRE(p.written.at(at).second == r.value);
  }
  std::map<std::string, int64_t> newest;
  for (const auto& [at, record] : p.written)
    if (at < std::min(end, p.durable.value))
      newest[record.first] = at;
  for (const auto& [key, at] : newest) {
    INFO("key " << key << " offset " << at);
    REQUIRE(there.contains(at));
  }
}

} // namespace

TEST_CASE("no newest value is missing, wherever the power goes in a "
          "compaction (R18)",
  "[storage][partition_log_compact_crash]") {
  constexpr int steps = 60;
  int finished = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    uint64_t operations = 0;
    {
      log_fixture f;
      set_up(f, seed);
      promises p;
      work(f, p, std::mt19937_64{seed}, steps);
      operations = f.disk.operation_count();
      REQUIRE(p.clean > offset{0});
    }
    for (uint64_t stop = log_fixture{}.disk.operation_count() + 1;
      stop <= operations; ++stop) {
      log_fixture f;
      set_up(f, seed);
      promises p;
      f.disk.stop_at(stop);
      work(f, p, std::mt19937_64{seed}, steps);
      f.log.reset();
      for (const auto policy :
        {crash_policy::lose_unsynced, crash_policy::keep_unsynced,
          crash_policy::random_subset, crash_policy::random_subset}) {
        static uint64_t variant = 0;
        INFO("seed " << seed << " stop " << stop << " policy "
                     << static_cast<int>(policy) << " variant " << variant);
        auto disk = f.disk.clone();
        disk->reseed(std::mt19937_64{++variant});
        disk->crash(policy);
        const auto listed = [&] {
          std::string all;
          for (const auto& path : disk->tree())
            all += path + "\n";
          return all;
        }();
        INFO(listed);
        auto opened = f.try_open(*disk);
        INFO((opened.ok() ? "" : to_string(opened.error())));
        REQUIRE(opened.ok());
        check(**opened, p);
        for (const auto& note : (*opened)->recovered().notes)
          finished += note.ends_with("which is done now") ? 1 : 0;
        for (const auto& path : disk->tree())
          REQUIRE_FALSE(path.ends_with(".swap"));
        const auto end = (*opened)->log_end_offset();
        opened->reset();
        disk->crash(crash_policy::lose_unsynced);
        auto again = f.try_open(*disk);
        REQUIRE(again.ok());
        CHECK((*again)->log_end_offset() == end);
        check(**again, p);
      }
    }
  }
  // Crashes came between the new segment's name and its last one.
  CHECK(finished > 50);
}
