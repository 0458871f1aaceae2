#pragma once

// The file system's twin: everything in memory, the same for the same seed.
// It can lose what was not synced (bytes and names), tear writes, fail, run
// out of space and handles, and flip bits. A crash kills every open handle
// and lock; what opens afterwards sees what the disk kept.

#include "simulation/sim_file_content.hpp"
#include "storage/file.hpp"

namespace millrace {

struct sim_file_state;

/// Operations are what changes something: open() that makes or empties a
/// file, write, sync, truncate, reserve, make_directory, rename, remove,
/// sync_directory, sync of the volume and lock. They are numbered from 1.
///
/// Everything takes part in one thread.
class sim_file_system : public file_system {
public:
  explicit sim_file_system(std::mt19937_64 rng = std::mt19937_64{1});
  ~sim_file_system() override;

  result<std::shared_ptr<file>> open(
    const std::string& path, open_mode mode) override;
  result<void> make_directory(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> remove(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<std::unique_ptr<volume_sync>> open_volume(
    const std::string& path) override;
  result<std::vector<directory_entry>> list(const std::string& path) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  result<space_info> space(const std::string& path) override;
  result<std::unique_ptr<directory_lock>> lock(
    const std::string& path) override;

  /// The power goes and comes back. Handles and locks of before answer
  /// errc::offline from now on. Ends stop_at().
  void crash(crash_policy policy);
  /// The process dies and the machine goes on: handles and locks are dead,
  /// the page cache is there, so that what opens next reads bytes and names
  /// that the disk may never see (R5). Ends stop_at().
  void kill();
  /// An empty disk in its place. Ends stop_at().
  void wipe();
  /// A copy of everything (cache, disk, faults to come, random state), whose
  /// fate is its own. No handle leads to it yet.
  [[nodiscard]] std::unique_ptr<sim_file_system> clone() const;
  /// Another random state: for crashing clones in different ways.
  void reseed(std::mt19937_64 rng);

  /// Operations begun so far.
  [[nodiscard]] uint64_t operation_count() const;
  /// How many of them failed because a fault was asked for.
  [[nodiscard]] uint64_t faults_injected() const;
  /// Operation number `operation` fails with `code`. A write leaves a prefix
  /// of its bytes, a sync does what fail_next_sync() says, anything else has
  /// no effect.
  void fail_at(uint64_t operation, errc code);
  /// The next sync of a file fails: its pages are clean, the disk is old, and
  /// later syncs of the same bytes succeed without writing them (R6).
  void fail_next_sync();
  /// As if the power went in the middle of operation number `operation`: that
  /// one is still under way when the crash comes (its blocks and names are
  /// among the unsynced), and it and all after it, reads too, answer
  /// errc::offline until crash().
  void stop_at(uint64_t operation);
  [[nodiscard]] bool stopped() const;
  /// Writes and reservations fail with errc::out_of_space beyond `bytes` in
  /// all files together. The default is without bound.
  void limit_space(uint64_t bytes);
  /// Opens fail with errc::out_of_handles while `count` handles are open.
  void limit_handles(uint64_t count);
  /// From here on drop_cache() does not let go of anything.
  void pin_memory();
  /// From here on resident() says now and then that bytes are not in memory.
  void run_short_of_memory();
  /// No fault that was asked for and has not come yet comes any more, and
  /// there is room. What has gone wrong stays so.
  void heal();
  /// Flips a bit in cache and on disk. Precondition: the file is there.
  void flip_bit(const std::string& path, uint64_t byte, unsigned bit);
  /// Something else stands there in cache and on disk; nothing beyond the end
  /// of the file. Precondition: the file is there.
  void overwrite(
    const std::string& path, uint64_t position, std::string_view bytes);

  /// Depends on the order, kind, path, position and bytes of every operation
  /// so far, and on every read but for its bytes, which follow from those.
  [[nodiscard]] uint64_t trace_hash() const;
  /// The paths of all files and directories, sorted; a directory's path ends
  /// in a slash.
  [[nodiscard]] std::vector<std::string> tree() const;
  /// What a reader sees. Precondition: the file is there.
  [[nodiscard]] std::string content(const std::string& path) const;
  /// What the disk has of it. Precondition: the file is there.
  [[nodiscard]] std::string durable_content(const std::string& path) const;

private:
  std::shared_ptr<sim_file_state> state_;
};

} // namespace millrace
