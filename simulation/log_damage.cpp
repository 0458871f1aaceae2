#include "simulation/log_damage.hpp"

#include "storage/data_directory_listing.hpp"
#include "storage/record_batch.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace millrace {

std::string log_of(const std::string& path) {
  const auto end = path.rfind('/');
  const auto begin = path.rfind('/', end - 1) + 1;
  return path.substr(begin, end - begin);
}

namespace {

constexpr uint64_t block_bytes = sim_file_content::block_bytes;
/// Of a batch's leader epoch, in its header.
constexpr uint64_t epoch_begin = 12;
constexpr uint64_t epoch_end = 16;

/// Files of partitions that end so and are not empty. Those of the metadata
/// are no logs of records.
std::vector<std::string> files_of_partitions(
  const sim_file_system& disk, std::span<const std::string_view> kinds) {
  std::vector<std::string> found;
  for (const auto& path : disk.tree()) {
    const bool is_one
      = std::any_of(kinds.begin(), kinds.end(), [&](const auto kind) {
          return path.ends_with(kind);
        });
    if (is_one && path.find("metadata") == std::string::npos
        && parse_log_directory_name(log_of(path))
        && !disk.content(path).empty())
      found.push_back(path);
  }
  return found;
}

/// Where the batches of a log's file begin.
std::vector<uint64_t> batches_in(const std::string& content) {
  const auto bytes = std::as_bytes(std::span{content});
  std::vector<uint64_t> begins;
  for (uint64_t at = 0; at + batch_view::header_size <= bytes.size();) {
    const auto size = batch_view{bytes.subspan(at)}.size();
    if (size < static_cast<int64_t>(batch_view::header_size))
      break;
    begins.push_back(at);
    at += static_cast<uint64_t>(size);
  }
  return begins;
}

/// Whether some batch of `before` is another one in `after`, sound, at the same
/// place and offset. A batch does not say whose it is, and its checksum does
/// not cover its offset: nobody could tell.
bool makes_another(const std::string& before, const std::string& after) {
  const auto is = std::as_bytes(std::span{after});
  const auto was = std::as_bytes(std::span{before});
  for (const auto at : batches_in(before)) {
    const batch_view old{was.subspan(at)};
    const batch_view now{is.subspan(at)};
    const auto size = now.size();
    if (now.base_offset() != old.base_offset()
        || size < static_cast<int64_t>(batch_view::header_size)
        || static_cast<uint64_t>(size) > is.size() - at)
      continue;
    const auto whole = is.subspan(at, static_cast<size_t>(size));
    const batch_view batch{whole};
    const bool same
      = after.compare(at, whole.size(), before, at, whole.size()) == 0;
    if (!same && batch.crc() == batch.computed_crc())
      return true;
  }
  return false;
}

template <class T>
const T& one_of(const std::vector<T>& all, sim_world& world) {
  return all[world.random(all.size())];
}

constexpr std::array<std::string_view, 1> logs{".log"};
/// All that a log's directory has but for the notes of what is lost.
constexpr std::array<std::string_view, 5> all_files{
  ".log", ".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint"};

} // namespace

std::vector<std::string> flip_a_bit(sim_file_system& disk, sim_world& world) {
  const auto candidates = files_of_partitions(disk, logs);
  if (candidates.empty())
    return {};
  const auto& path = one_of(candidates, world);
  const auto begins = batches_in(disk.content(path));
  if (begins.empty())
    return {};
  const auto begin = one_of(begins, world);
  const auto size = disk.content(path).size() - begin;
  // In a header every other time: no checksum covers all of that.
  const auto within
    = world.random(2) == 0 ? uint64_t{batch_view::header_size} : size;
  auto at = begin + world.random(std::min(within, size));
  // Of a leader epoch that is wrong nothing tells before the next epoch.
  const auto hit
    = *std::prev(std::upper_bound(begins.begin(), begins.end(), at));
  if (at - hit >= epoch_begin && at - hit < epoch_end)
    at += epoch_end - epoch_begin;
  disk.flip_bit(path, at, static_cast<unsigned>(world.random(8)));
  return {log_of(path)};
}

std::vector<std::string> misdirect_a_write(
  sim_file_system& disk, sim_world& world) {
  const auto sources = files_of_partitions(disk, logs);
  if (sources.empty())
    return {};
  const auto& from = one_of(sources, world);
  const auto written = disk.content(from);
  const auto begins = batches_in(written);
  if (begins.empty())
    return {};
  // What the block held before is what was written of it until some batch.
  const auto first = one_of(begins, world);
  const auto block = first / block_bytes * block_bytes;
  const auto targets = files_of_partitions(disk, all_files);
  const auto& to = one_of(targets, world);
  const auto blocks_there = disk.content(to).size() / block_bytes + 1;
  const auto there = world.random(blocks_there) * block_bytes;
  const auto before = disk.content(to);
  const auto moved = written.substr(
    block, std::min<size_t>(block_bytes, before.size() - there));
  auto after = before;
  after.replace(there, moved.size(), moved);
  if (to.ends_with(".log") && makes_another(before, after))
    return {};
  disk.overwrite(to, there, moved);
  if (to != from || there != block)
    disk.overwrite(from, first, std::string(block + block_bytes - first, '\0'));
  std::vector<std::string> hurt{log_of(from)};
  if (to.ends_with(".log"))
    hurt.push_back(log_of(to));
  return hurt;
}

} // namespace millrace
