#pragma once

// The names in one recorded directory: as the running system saw them, as the
// disk has them for sure, and the changes between the two.

#include "tests/preload/recorded_file.hpp"

#include <map>
#include <memory>
#include <set>

namespace millrace::preload {

class recorded_names;

/// A file or a directory, whatever names lead to it.
struct recorded_node {
  recorded_file content;                 ///< of a file
  std::unique_ptr<recorded_names> names; ///< of a directory; else null
};
using node_pointer = std::shared_ptr<recorded_node>;

/// A new node.
[[nodiscard]] node_pointer make_file();
[[nodiscard]] node_pointer make_directory();

class recorded_names {
public:
  using table = std::map<std::string, node_pointer, std::less<>>;

  /// The call that began at place `begun` puts `node` there, takes the name
  /// away, or moves it within this directory, replacing what was there.
  void put(size_t begun, const std::string& name, const node_pointer& node);
  void remove(size_t begun, const std::string& name);
  void move(size_t begun, const std::string& from, const std::string& to);
  /// The call that began at `begun` has returned.
  void finish(size_t begun, size_t ended);
  /// A sync of the directory that began at `begun` has returned.
  void sync(size_t begun);

  /// The process was killed, and these names are really there: settles what
  /// became of calls that never returned.
  void settle(size_t place, const std::set<std::string>& actual);

  [[nodiscard]] const table& cached() const {
    return cached_;
  }
  [[nodiscard]] const table& durable() const {
    return durable_;
  }
  /// The names that the disk may have when the power goes now. A change is
  /// never there without the earlier ones of its names.
  [[nodiscard]] table crash(crash_policy policy, std::mt19937_64& rng) const;

private:
  struct change {
    size_t begun;
    size_t ended;
    std::string from; ///< taken away; may be empty
    std::string to;   ///< put there; may be empty
    node_pointer node;
  };

  void add(change c);
  static void apply(const change& c, table& names);

  table cached_;
  table durable_;
  std::vector<change> unsynced_;
};

} // namespace millrace::preload
