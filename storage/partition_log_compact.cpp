#include "storage/partition_log.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

constexpr const char* segment_kinds[]
  = {".log", ".index", ".timeindex", ".txnindex"};

} // namespace

result<std::vector<compaction_candidate>> partition_log::candidates() {
  std::vector<compaction_candidate> out;
  for (size_t i = 0; i + 1 < segments_.size(); ++i) {
    auto& s = segments_[i];
    auto youngest = s.find_largest(*cache_, directory_);
    if (!youngest)
      return youngest.error();
    MILLRACE_TRY(s.find_first_timestamp(*cache_, directory_));
    const auto or_created = [&](int64_t timestamp) {
      return timestamp >= 0 ? timestamp : s.created_ms;
    };
    out.push_back({.base = s.base,
      .end = end_of(i),
      .size = s.size,
      .oldest_ms = or_created(s.first_timestamp.value_or(-1)),
      .youngest_ms = or_created(youngest->timestamp)});
  }
  return out;
}

result<std::optional<compaction_plan>> partition_log::plan_compaction(
  offset clean_until, offset stable_end, int64_t now_ms) {
  // Where something is lost nobody knows which keys were in it.
  if (offline_ || !config_.compacted || lost_.first())
    return std::optional<compaction_plan>{};
  auto sealed = candidates();
  if (!sealed)
    return sealed.error();
  return millrace::plan_compaction(*sealed,
    {.log_start = log_start_,
      .clean_until = clean_until,
      .stable_end = stable_end,
      .now_ms = now_ms},
    config_);
}

result<compaction_job::order> partition_log::begin_compaction(
  const compaction_plan& plan, int64_t now_ms) {
  auto sealed = candidates();
  if (!sealed)
    return sealed.error();
  compaction_job::order order;
  order.cache = cache_;
  order.directory = directory_;
  order.first_dirty = plan.first_dirty;
  order.end = plan.end;
  order.index_interval_bytes = config_.index_interval_bytes;
  for (size_t i = 0; i < plan.segment_count; ++i) {
    const auto& s = segments_[i];
    auto source = cache_->open(path_of(s.base, ".log"));
    if (!source)
      return source.error();
    order.inputs.push_back({.base = s.base,
      .end = end_of(i),
      .size = s.size,
      .source = std::move(*source),
      .aborted = s.aborted.entries()});
  }
  order.groups
    = group_segments(std::span{*sealed}.first(plan.segment_count), config_);
  auto& rules = order.rules;
  rules.log_start = log_start_;
  rules.now_ms = now_ms;
  rules.delete_retention_ms = config_.delete_retention_ms;
  rules.levels = config_.levels;
  rules.unfolded_bytes_max = config_.decompressed_bytes_max;
  for (const auto& aborted : aborted_in(segments_.front().base, plan.end))
    rules.aborted.add(aborted);
  producers_.for_each([&](producer_id id, const producer_entry& entry) {
    const auto* last = entry.last();
    rules.producers[id]
      = {last == nullptr ? offset{-1} : last->last_offset, entry.epoch};
  });
  revoke_compaction();
  gate_ = order.gate = std::make_shared<compaction_gate>();
  return order;
}

result<partition_log::removal> partition_log::finish_compaction(
  compacted_segment&& done, const std::shared_ptr<compaction_gate>& gate) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  const auto first
    = std::find_if(segments_.begin(), segments_.end(), [&](const segment& s) {
        return s.base == done.made.base;
      });
  const auto index = static_cast<size_t>(first - segments_.begin());
  const auto count = done.replaced.size();
  const bool there = gate == gate_ && index + count < segments_.size()
                     && std::equal(
                       done.replaced.begin(), done.replaced.end(), first,
                       [](offset base, const segment& s) {
                         return s.base == base;
                       });
  if (!there) { // retention has taken some of it meanwhile
    MILLRACE_TRY(remove_swaps());
    return removal{};
  }
  auto swapped = swap_in(index, std::move(done));
  if (!swapped) // only opening the log again tells what is there
    offline_ = true;
  return swapped;
}

result<partition_log::removal> partition_log::swap_in(
  size_t index, compacted_segment&& done) {
  removal out;
  auto& files = cache_->files();
  const auto retire = [&](const std::string& path) -> result<void> {
    cache_->forget(path);
    auto renamed = files.rename(path, path + ".deleted");
    if (renamed)
      out.paths_to_remove.push_back(path + ".deleted");
    else if (renamed.error().code != errc::not_found)
      return renamed;
    return {};
  };
  for (size_t i = 1; i < done.replaced.size(); ++i) {
    for (const auto* kind : segment_kinds)
      MILLRACE_TRY(retire(path_of(done.replaced[i], kind)));
    MILLRACE_TRY(retire(path_of(done.replaced[i], ".snapshot")));
  }
  // While the new segment has its name in .swap, opening the log does all of
  // this again. Without that name the old ones must be gone.
  if (done.replaced.size() > 1)
    MILLRACE_TRY(files.sync_directory(directory_));
  const auto base = done.made.base;
  for (const auto* kind : segment_kinds) {
    const auto path = path_of(base, kind);
    MILLRACE_TRY(retire(path));
    if (kind == std::string_view{".txnindex"} && !done.made.aborted_filed)
      continue;
    MILLRACE_TRY(files.rename(path + std::string{swap_suffix}, path));
  }
  directory_dirty_ = swap_dirty_ = true;
  const auto from = segments_.begin() + static_cast<ptrdiff_t>(index);
  segments_.erase(
    from + 1, from + static_cast<ptrdiff_t>(done.replaced.size()));
  *from = std::move(done.made);
  return out;
}

void partition_log::revoke_compaction() {
  if (gate_ != nullptr)
    gate_->revoke();
  gate_.reset();
}

result<void> partition_log::remove_swaps() {
  auto entries = cache_->files().list(directory_);
  if (!entries)
    return entries.error();
  bool removed = false;
  for (const auto& entry : *entries)
    if (entry.name.ends_with(swap_suffix)) {
      MILLRACE_TRY(remove_if_there(directory_ + "/" + entry.name));
      removed = true;
    }
  if (std::exchange(swap_dirty_, false) || removed)
    MILLRACE_TRY(cache_->files().sync_directory(directory_));
  return {};
}

} // namespace millrace
