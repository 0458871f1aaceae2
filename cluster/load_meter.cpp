#include "cluster/load_meter.hpp"

#include <algorithm>
#include <tuple>

namespace millrace {

namespace {

int64_t a_second(int64_t bytes, int64_t over_ms) {
  return over_ms > 0 ? bytes * 1000 / over_ms : 0;
}

bool is_heavier(const partition_load& a, const partition_load& b) {
  return std::tuple{-a.rates.total(), a.topic, a.partition}
         < std::tuple{-b.rates.total(), b.topic, b.partition};
}

} // namespace

void load_meter::note(const uuid& topic, int32_t partition,
  const byte_counts& counted, int64_t now_ms) {
  const reading now{counted, now_ms};
  const auto [at, fresh]
    = partitions_.try_emplace({topic, partition}, span{now, now});
  if (fresh)
    return;
  auto& known = at->second;
  if (counted.in < known.last.counted.in
      || counted.out < known.last.counted.out)
    known.first = now;
  known.last = now;
}

void load_meter::forget(const uuid& topic, int32_t partition) {
  partitions_.erase({topic, partition});
}

node_load load_meter::take(int64_t now_ms) {
  node_load load;
  auto since = now_ms;
  for (auto& [key, measured] : partitions_) {
    const auto& [first, last] = measured;
    const auto over = last.at_ms - first.at_ms;
    if (over > 0)
      since = std::min(since, first.at_ms);
    const byte_counts rates{a_second(last.counted.in - first.counted.in, over),
      a_second(last.counted.out - first.counted.out, over)};
    load.rates.in += rates.in;
    load.rates.out += rates.out;
    if (rates.total() > 0)
      load.heaviest.push_back({key.first, key.second, rates});
    measured.first = last;
  }
  load.over_ms = now_ms - since;
  const auto kept = std::min(load.heaviest.size(), node_load::heaviest_max);
  std::partial_sort(load.heaviest.begin(),
    load.heaviest.begin() + static_cast<ptrdiff_t>(kept), load.heaviest.end(),
    is_heavier);
  load.heaviest.resize(kept);
  return load;
}

} // namespace millrace
