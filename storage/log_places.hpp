#pragma once

// Where the logs of a node lie in its data directory, and what its
// checkpoints say of them: prepares a directory for a replica, renames it
// away when its topic is gone, and collects the hints that make the next
// start quick and honest (R10, R17, R18).

#include "storage/data_directory.hpp"

#include <map>

namespace millrace {

struct log_hints {
  /// 0 where the checkpoint has no entry; nullopt if it could not be read.
  std::optional<offset> log_start;
  std::optional<offset> durable;        ///< a lower bound (R10)
  std::optional<offset> high_watermark; ///< a lower bound
  /// Up to where compaction has seen every key; 0 where nobody knows.
  offset clean_until{0};
  /// The last run ended cleanly, and nobody has opened the log since.
  bool clean = false;
};

class log_places {
public:
  /// Reads the listing and the checkpoints. A broken checkpoint costs time,
  /// not data: it is told in notes() and done without.
  static result<std::unique_ptr<log_places>> open(
    file_system& files, std::unique_ptr<data_directory> directory);

  [[nodiscard]] data_directory& directory() {
    return *directory_;
  }
  [[nodiscard]] const data_directory& directory() const {
    return *directory_;
  }
  /// Sentences for the log.
  [[nodiscard]] const std::vector<std::string>& notes() const {
    return notes_;
  }
  /// Paths of directories that an earlier run marked as deleted.
  [[nodiscard]] std::vector<std::string> leftovers() const;

  /// The directory for this partition of this topic: the one that is there,
  /// or a new one, durably named. One that belongs to another topic of the
  /// same name is renamed away, never adopted (R17).
  /// One whose bytes could not be made durable in an earlier run is read past
  /// the page cache first, and what the disk does not have is not there (R6).
  /// errc::offline: the system holds on to its pages.
  result<std::string> prepare(const topic_partition& name, const uuid& topic);
  /// Log directories that nobody has prepared: strays.
  [[nodiscard]] std::vector<std::string> unclaimed() const;
  /// The same, each with the topic that it belongs to, if that is known.
  [[nodiscard]] const std::map<topic_partition, std::optional<uuid>>&
  unprepared() const {
    return there_;
  }
  /// Names of copies that were on their way here (`...-future`).
  [[nodiscard]] const std::vector<std::string>& future() const {
    return future_;
  }
  /// There is a log here, of this topic, and nobody has it open.
  void adopt(const topic_partition& name, const uuid& topic) {
    there_.insert_or_assign(name, topic);
  }

  [[nodiscard]] log_hints hints(const topic_partition& name) const;
  void set_hints(const topic_partition& name, offset log_start, offset durable);
  void set_log_start(const topic_partition& name, offset log_start);
  void set_high_watermark(const topic_partition& name, offset high_watermark);
  void set_clean_until(const topic_partition& name, offset clean_until);
  /// The log is about to be cut: what comes anew is not clean.
  void limit_clean_until(const topic_partition& name, offset end);
  /// Writes the checkpoints that changed; durable when it returns.
  result<void> save();

  /// Renames the partition's directory to `...-delete`, durably, forgets its
  /// hints, and returns the new path, which may be removed at leisure.
  result<std::string> mark_deleted(const topic_partition& name);

private:
  log_places(file_system& files, std::unique_ptr<data_directory> directory)
      : files_(files), directory_(std::move(directory)) {}

  [[nodiscard]] std::string path_of(const std::string& name) const;
  result<void> make(const std::string& path, const uuid& topic);
  result<bool> holds_records(const std::string& path);
  result<void> reopen_offline(const std::string& name);

  file_system& files_;
  std::unique_ptr<data_directory> directory_;
  std::map<topic_partition, std::optional<uuid>> there_; ///< not yet prepared
  std::map<topic_partition, int> prepared_;              ///< how often
  std::vector<std::string> deleted_;
  std::vector<std::string> future_;
  checkpoint log_start_;
  bool log_start_known_ = true;
  checkpoint durable_;
  checkpoint high_watermark_;
  checkpoint clean_until_;
  bool log_start_changed_ = false;
  bool durable_changed_ = false;
  bool high_watermark_changed_ = false;
  bool clean_until_changed_ = false;
  std::vector<std::string> notes_;
};

} // namespace millrace
