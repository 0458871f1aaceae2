#pragma once

// The data directory as the record tells it: replays the calls one by one,
// and knows at each place what the disk has for sure, what it may have, and
// what the page cache had.

#include "tests/preload/directory_content.hpp"
#include "tests/preload/recorded_names.hpp"

#include <deque>
#include <optional>
#include <random>

namespace millrace::preload {

/// Syncs that are taken out of the record, to see that the checks notice.
struct planted_fault {
  /// Of directories, or of files, with this ending.
  std::optional<std::string> directories;
  std::optional<std::string> files;

  /// Reads `directories:ENDING` or `files:ENDING`; nothing from other names.
  [[nodiscard]] static std::optional<planted_fault> parse(
    std::string_view name);
  [[nodiscard]] bool hits(std::string_view path, bool is_directory) const;
};

class recorded_disk {
public:
  /// @param root as the recorder was given it
  recorded_disk(
    const recording& record, std::string root, planted_fault fault = {});

  /// What the disk has before the first entry. Default: nothing.
  void begin_with(directory_content content);

  /// Replays the entry at `place`; places come in order from 0. Errors:
  /// unsupported for a call that this model does not know.
  result<void> replay(size_t place);

  /// Between two processes, at `place`: the first was killed or has stopped,
  /// and the directory really has `actual`. Errors: corrupt, naming a file
  /// that is not as recorded: a call was missed.
  result<void> settle(size_t place, directory_content actual);

  /// What the disk may have when the power goes now.
  [[nodiscard]] directory_content crash(
    crash_policy policy, std::mt19937_64& rng) const;

  /// The durable bytes of the files in directory `name` with this ending.
  [[nodiscard]] std::vector<std::string_view> durable_files(
    std::string_view name, std::string_view ending) const;
  /// The file behind an open descriptor; null if it is none.
  [[nodiscard]] const recorded_file* open_file(int descriptor) const;

private:
  struct handle {
    node_pointer node;
    std::string path;
    bool synchronous = false;
  };
  struct place_of_name {
    node_pointer directory;
    std::string name;
  };

  result<void> begin(size_t place, const recorded_entry& e);
  result<void> end(const recorded_entry& e, size_t place);
  void begin_open(size_t place, const recorded_entry& e);
  void end_open(const recorded_entry& begun, int descriptor);
  result<void> rename(size_t place, const recorded_entry& e);
  void sync(size_t begun, const handle& what);
  void sync_below(
    size_t begun, const node_pointer& directory, const std::string& path);

  [[nodiscard]] std::string below_root(std::string_view path) const;
  [[nodiscard]] node_pointer find(const std::string& path) const;
  [[nodiscard]] place_of_name locate(const std::string& path) const;
  /// Remembers whom to tell when the call at `begun` returns.
  void touch(size_t begun, const node_pointer& node);

  const recording& record_;
  std::string root_path_;
  planted_fault fault_;
  node_pointer root_;
  std::map<int, handle> handles_;
  std::map<size_t, std::vector<node_pointer>> touched_; // by running calls
  std::map<size_t, handle> running_;      // what they were made on
  std::deque<directory_content> settled_; // bytes that the files look into
};

} // namespace millrace::preload
