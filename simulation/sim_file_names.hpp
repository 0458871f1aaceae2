#pragma once

// The names of the simulated file system: directories as the running system
// sees them and as the disk has them, and the changes between the two.

#include "simulation/sim_file_content.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

/// A file or a directory, whatever names lead to it.
struct sim_inode {
  using pointer = std::shared_ptr<sim_inode>;

  bool is_directory = false;
  sim_file_content content;                     // of a file
  uint64_t reserved = 0;                        // bytes asked for by reserve()
  bool dropped = false;                         // nothing of it is in memory
  std::map<std::string, pointer> names;         // of a directory: what is seen
  std::map<std::string, pointer> durable_names; // what the disk has

  /// The bytes that a file takes.
  [[nodiscard]] uint64_t allocated() const {
    return std::max<uint64_t>(reserved, content.size());
  }
};

/// A tree of nodes. A rename is one change: both its names come or none.
/// A later change of a node is durable only with the earlier ones.
class sim_file_names {
public:
  sim_file_names();

  /// The node at `path`, or null. Doubled slashes and dots mean nothing.
  [[nodiscard]] sim_inode::pointer find(const std::string& path) const;
  /// The directory that holds, or would hold, `path`, and the last name of
  /// the path. Null where there is no such directory.
  struct place {
    sim_inode::pointer directory;
    std::string name;
  };
  [[nodiscard]] place locate(const std::string& path) const;

  /// Puts `what` at `at`, replacing what is there.
  void link(const place& at, const sim_inode::pointer& what);
  void unlink(const place& at);
  void move(const place& from, const place& to);
  /// Every change that touches `directory` is on disk.
  void sync(const sim_inode::pointer& directory);
  /// Every change of every name is on disk.
  void sync_all();
  void crash(crash_policy policy, std::mt19937_64& rng);

  /// Calls `visit(path, node)` for everything below the root, in order.
  template <class Visit>
  void walk(Visit visit) const {
    walk("", *root_, visit);
  }
  [[nodiscard]] sim_file_names clone() const;

private:
  // `what` goes from one name (or none) to another (or none).
  struct change {
    sim_inode::pointer what;
    place from;
    place to;
  };

  template <class Visit>
  static void walk(
    const std::string& prefix, const sim_inode& directory, Visit& visit) {
    for (const auto& [name, node] : directory.names) {
      const auto path = prefix + "/" + name;
      visit(path, *node);
      if (node->is_directory)
        walk(path, *node, visit);
    }
  }
  static void make_durable(const change& c);
  static void settle(
    sim_inode& directory, crash_policy policy, std::mt19937_64& rng);

  sim_inode::pointer root_;
  std::vector<change> unsynced_;
};

} // namespace millrace
