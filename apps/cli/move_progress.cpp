#include "apps/cli/move_progress.hpp"

#include "cluster/partition_settling.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace millrace::cli {
namespace {

/// Before that much has passed, what is left would be a guess.
constexpr int64_t telling_ms = 3000;

int64_t biggest(const std::map<node_id, int64_t>& sizes) {
  int64_t most = 0;
  for (const auto& [node, bytes] : sizes)
    most = std::max(most, bytes);
  return most;
}

/// For each replica that is new: what it has, and what it is to have.
template <class Visit>
void for_each_copy(const std::vector<replica_move>& moves,
  const client::replica_sizes& sizes, Visit visit) {
  for (const auto& move : moves) {
    const auto known = sizes.find(move.name);
    if (known == sizes.end())
      continue;
    const auto whole = biggest(known->second);
    for (const auto id : move.to)
      if (!has_node(move.from, id)) {
        const auto at = known->second.find(id);
        visit(at == known->second.end() ? 0 : at->second, whole);
      }
  }
}

std::string megabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / 1e6);
  return text;
}

std::string duration(int64_t seconds) {
  if (seconds < 100)
    return std::to_string(seconds) + " s";
  if (seconds < 100 * 60)
    return std::to_string((seconds + 30) / 60) + " min";
  return std::to_string((seconds + 1800) / 3600) + " h";
}

} // namespace

std::string to_string(const move_figures& f) {
  auto text = "moved " + std::to_string(f.done) + " of "
              + std::to_string(f.total) + " partitions";
  if (f.to_copy == 0)
    return text;
  text += ", " + megabytes(f.copied) + " of " + megabytes(f.to_copy) + " MB";
  if (f.copied == 0 || f.elapsed_ms < telling_ms)
    return text;
  const auto per_s
    = static_cast<double>(f.copied) * 1e3 / static_cast<double>(f.elapsed_ms);
  text += ", " + megabytes(static_cast<int64_t>(per_s)) + " MB/s";
  if (f.copied < f.to_copy)
    text += ", about "
            + duration(static_cast<int64_t>(
              static_cast<double>(f.to_copy - f.copied) / per_s))
            + " left";
  return text;
}

int64_t bytes_to_copy(
  const std::vector<replica_move>& moves, const client::replica_sizes& sizes) {
  int64_t bytes = 0;
  for_each_copy(moves, sizes, [&](int64_t, int64_t whole) {
    bytes += whole;
  });
  return bytes;
}

int64_t bytes_copied(
  const std::vector<replica_move>& moves, const client::replica_sizes& sizes) {
  int64_t bytes = 0;
  for_each_copy(moves, sizes, [&](int64_t has, int64_t) {
    bytes += has;
  });
  return bytes;
}

move_progress::move_progress(
  client::cluster& nodes, const std::vector<replica_move>& moves)
    : nodes_(nodes), enabled_(::isatty(STDERR_FILENO) == 1) {
  if (!enabled_)
    return;
  before_ = client::find_replica_sizes(nodes_, names_of(moves));
  figures_.total = moves.size();
  figures_.to_copy = bytes_to_copy(moves, before_);
  began_ms_ = client::steady_ms();
}

move_progress::~move_progress() {
  if (!enabled_)
    return;
  write(0);
  std::fputc('\n', stderr);
}

void move_progress::show(const std::vector<replica_move>& under_way) {
  if (!enabled_ || client::steady_ms() < due_ms_)
    return;
  write(bytes_copied(
    under_way, client::find_replica_sizes(nodes_, names_of(under_way))));
  due_ms_ = client::steady_ms() + 1000;
}

void move_progress::finish(const std::vector<replica_move>& moves) {
  figures_.done += moves.size();
  finished_ += bytes_to_copy(moves, before_);
}

void move_progress::write(int64_t under_way) {
  // Producers go on meanwhile, so it may be more than it was to be.
  figures_.copied = std::min(finished_ + under_way, figures_.to_copy);
  figures_.elapsed_ms = client::steady_ms() - began_ms_;
  std::fprintf(stderr, "\r%s\033[K", to_string(figures_).c_str());
  std::fflush(stderr);
}

} // namespace millrace::cli
