#include "storage/compaction_writer.hpp"
#include "storage/partition_log_recovery.hpp"

#include <array>

namespace millrace {

namespace {

/// Where the log goes on behind the batches of a file, as far as they follow
/// one another from `base` on.
result<offset> end_of_batches(
  const std::shared_ptr<file>& source, offset base) {
  auto size = source->size();
  if (!size)
    return size.error();
  batch_walker walker{source, 0, *size};
  offset end = base;
  while (true) {
    auto batch = walker.next();
    if (!batch && batch.error().code != errc::corrupt)
      return batch.error();
    if (!batch || !*batch || (*batch)->header.base_offset() != end)
      return end;
    end = (*batch)->header.last_offset() + int64_t{1};
  }
}

std::optional<offset> parse_swap_name(
  std::string_view name, std::string_view kind) {
  return parse_segment_name(name, std::string{kind} + std::string{swap_suffix});
}

} // namespace

result<void> partition_log::recovery::finish_swaps(
  const std::vector<directory_entry>& entries) {
  for (const auto& entry : entries)
    if (const auto base = parse_swap_name(entry.name, ".log"))
      MILLRACE_TRY(finish_swap(*base, entries));
  // Of a segment that has its own name already, or of one that never came to
  // be.
  for (const auto& entry : entries)
    if (const auto base = parse_swap_name(entry.name, ".index"))
      MILLRACE_TRY(finish_indexes(*base));
  for (const auto& entry : entries)
    if (entry.name.ends_with(swap_suffix))
      MILLRACE_TRY(log_.remove_if_there(log_.directory_ + "/" + entry.name));
  return files_.sync_directory(log_.directory_);
}

result<void> partition_log::recovery::finish_swap(
  offset base, const std::vector<directory_entry>& entries) {
  const auto path = log_.path_of(base, ".log");
  auto source = files_.open(path + std::string{swap_suffix}, open_mode::read);
  if (!source)
    return source.error();
  auto end = end_of_batches(*source, base);
  if (!end)
    return end.error();
  for (const auto& entry : entries)
    for (const auto* kind :
      {".log", ".index", ".timeindex", ".txnindex", ".snapshot"})
      if (const auto at = parse_segment_name(entry.name, kind);
        at && *at > base && *at < *end)
        MILLRACE_TRY(log_.remove_if_there(log_.directory_ + "/" + entry.name));
  // The old ones must be gone before nothing tells any more that they are.
  MILLRACE_TRY(files_.sync_directory(log_.directory_));
  MILLRACE_TRY(files_.rename(path + std::string{swap_suffix}, path));
  log_.report_.notes.push_back(
    path + ": a crash had interrupted its compaction, which is done now");
  return {};
}

result<void> partition_log::recovery::finish_indexes(offset base) {
  auto fits = fits_log(base);
  if (!fits)
    return fits.error();
  for (const auto* kind : {".index", ".timeindex", ".txnindex"}) {
    const auto path = log_.path_of(base, kind);
    const auto swap = path + std::string{swap_suffix};
    if (*fits && files_.exists(swap))
      MILLRACE_TRY(files_.rename(swap, path));
  }
  return {};
}

result<bool> partition_log::recovery::fits_log(offset base) {
  const auto path = log_.path_of(base, ".index") + std::string{swap_suffix};
  offset_index index;
  MILLRACE_TRY(index.load(*log_.cache_, path));
  log_.cache_->forget(path);
  if (index.entries().empty())
    return false; // few batches: what index there is does not matter
  auto source = files_.open(log_.path_of(base, ".log"), open_mode::read);
  if (!source)
    return source.error().code == errc::not_found ? result{false}
                                                  : source.error();
  const auto& entry = index.entries().back();
  std::array<std::byte, batch_view::header_size> header;
  auto got = (*source)->read_at(static_cast<uint64_t>(entry.position), header);
  if (!got)
    return got.error();
  const batch_view view{header};
  return *got == header.size() && view.plausible()
         && view.last_offset() == base + int64_t{entry.relative_offset};
}

} // namespace millrace
