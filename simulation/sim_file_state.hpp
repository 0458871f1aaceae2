#pragma once

// What a simulated file system and its open handles share: the names, the
// random state, the faults to come and the trace.

#include "schema/assert.hpp"
#include "schema/result.hpp"
#include "simulation/sim_file_names.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <span>

namespace millrace {

/// There is one disk.
inline constexpr uint64_t sim_device = 1;

/// The answer to everything after the power has gone.
[[nodiscard]] inline error sim_machine_off(const std::string& path) {
  return {errc::offline, path + ": the simulated machine is off"};
}

/// Plain data; begin() is the one place where an operation meets its fate.
struct sim_file_state {
  // What an operation may do: all it wants, nothing, or its work half done
  // (and then answer `failure`).
  struct verdict {
    bool apply = true;
    bool fault = false;
    error failure;
  };

  explicit sim_file_state(std::mt19937_64 r) : rng(r) {}

  sim_file_names names;
  std::mt19937_64 rng;
  uint64_t life = 1; // counts crashes; handles of another life are dead
  std::set<std::string> locked;
  uint64_t handle_count = 0;
  uint64_t operations = 0;
  uint64_t faults = 0;
  std::map<uint64_t, errc> failures;
  bool next_sync_fails = false;
  uint64_t stop_operation = UINT64_MAX;
  bool off = false;
  uint64_t space_max = UINT64_MAX;
  uint64_t handles_max = UINT64_MAX;
  bool short_of_memory = false;
  bool pins_memory = false;
  uint64_t hash = 0xcbf29ce484222325ull;

  void mix(uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 29;
  }
  void mix(std::span<const std::byte> bytes) {
    mix(bytes.size());
    for (size_t at = 0; at < bytes.size(); at += 8) {
      uint64_t word = 0;
      std::memcpy(
        &word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
      mix(word);
    }
  }
  void mix(char kind, const std::string& path) {
    mix(static_cast<uint64_t>(kind));
    mix(std::as_bytes(std::span{path}));
  }

  /// Counts the operation, and says what becomes of it.
  verdict begin(char kind, const std::string& path) {
    mix(kind, path);
    if (off)
      return {false, false, sim_machine_off(path)};
    ++operations;
    if (operations >= stop_operation) {
      off = true;
      ++faults;
      return {true, true, sim_machine_off(path)};
    }
    const auto found = failures.find(operations);
    if (found == failures.end())
      return {};
    ++faults;
    return {false, true,
      {found->second, path + ": a simulated " + to_string(found->second)}};
  }

  /// Handles and locks of before are dead; the machine is on again.
  void end_life() {
    ++life;
    handle_count = 0;
    locked.clear();
    off = false;
    stop_operation = UINT64_MAX;
  }

  [[nodiscard]] uint64_t used() const {
    uint64_t bytes = 0;
    names.walk([&](const std::string&, const sim_inode& node) {
      if (!node.is_directory)
        bytes += node.allocated();
    });
    return bytes;
  }
  [[nodiscard]] bool fits(const sim_inode& node, uint64_t end) const {
    if (space_max == UINT64_MAX || end <= node.allocated())
      return true;
    return used() + (end - node.allocated()) <= space_max;
  }

  sim_inode& file_at(const std::string& path) const {
    const auto node = names.find(path);
    MILLRACE_ASSERT(node && !node->is_directory, "the file is there");
    return *node;
  }
};

} // namespace millrace
