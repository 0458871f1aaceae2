#pragma once

// A node's data directory: whose it is, that nobody else has it, how the last
// run ended, which logs may not be trusted, and what lies in it.
// docs/formats/data-directory.md shows its files.

#include "storage/checkpoint_file.hpp"
#include "storage/data_directory_listing.hpp"
#include "storage/data_directory_properties.hpp"

#include <optional>
#include <set>

namespace millrace {

struct data_directory_options {
  /// This node's number (`node.id`): another one's directory is refused.
  node_id node{0};
  /// Given to a fresh directory. The caller draws them.
  uuid fresh_cluster;
  uuid fresh_directory;
  /// If set, a directory of another cluster is refused, and a fresh one gets
  /// this id.
  std::optional<uuid> cluster;
};

/// The checkpoint files that a directory holds.
enum class checkpoint_kind : uint8_t {
  recovery_point,  ///< Kafka's: recovery starts there
  log_start,       ///< Kafka's: DeleteRecords; durable before deletion (R18)
  high_watermark,  ///< Kafka's `replication-offset-checkpoint`
  durable_offsets, ///< ours: the lazy hint of what was durable (R10)
  clean_until,     ///< Kafka's `cleaner-offset-checkpoint`
};

/// Holds the directory's lock as long as it lives.
class data_directory {
public:
  /// Makes, locks, checks and marks the directory in use. An error's context
  /// is a sentence with cause and cure, for the person who starts the node:
  /// errc::locked, permission, invalid_argument (another node's or cluster's),
  /// unsupported (a format that this version does not know), corrupt.
  static result<std::unique_ptr<data_directory>> open(file_system& files,
    const std::string& path, const data_directory_options& options);

  [[nodiscard]] const std::string& path() const {
    return path_;
  }
  [[nodiscard]] const directory_identity& identity() const {
    return identity_;
  }
  /// Whether open() made it.
  [[nodiscard]] bool fresh() const {
    return fresh_;
  }
  /// Whether the last run ended with mark_clean_stop(). The mark is gone,
  /// durably, since open().
  [[nodiscard]] bool stopped_cleanly() const {
    return stopped_cleanly_;
  }
  /// To be called when everything is synced and closed.
  result<void> mark_clean_stop();

  /// Log directories whose fdatasync failed: their page cache lies, so that
  /// they must not be read as they are, in this run or a later one (R6).
  [[nodiscard]] const std::set<std::string>& offline() const {
    return offline_;
  }
  /// Durable when it returns. `name` is a directory's, as list_logs() has it.
  result<void> set_offline(const std::string& name);
  /// After the log was verified past the page cache, or fetched anew.
  result<void> clear_offline(const std::string& name);

  /// The last starts on this directory, the oldest first: one of them is the
  /// last that its cluster knows. An older copy of it does not know that one.
  [[nodiscard]] const std::vector<uuid>& starts() const {
    return starts_;
  }
  /// This start is going to ask to be let in. Durable when it returns.
  result<void> note_start(const uuid& start);
  /// It was let in, so that those long before it do not count any more.
  result<void> confirm_start(const uuid& start);
  /// Its cluster knows of a start that this directory does not: nothing may
  /// run on it any more, which open() says. Durable when it returns.
  result<void> mark_outdated();

  result<log_listing> list_logs();

  /// What the file holds; nothing when it is not there.
  result<checkpoint> read(checkpoint_kind kind);
  result<void> write(checkpoint_kind kind, const checkpoint& entries);

private:
  data_directory(file_system& files, std::string path)
      : files_(files), path_(std::move(path)) {}

  result<void> take_lock();
  result<void> take_identity(const data_directory_options& options);
  result<void> make_identity(const data_directory_options& options);
  result<void> take_stop_mark();
  result<void> read_starts();
  result<void> write_starts(std::vector<uuid> starts);
  result<void> read_offline();
  result<void> write_offline(std::set<std::string> names);
  [[nodiscard]] std::string at(std::string_view name) const;

  file_system& files_;
  std::string path_;
  std::unique_ptr<directory_lock> lock_;
  directory_identity identity_;
  bool fresh_ = false;
  bool stopped_cleanly_ = false;
  std::vector<uuid> starts_;
  std::set<std::string> offline_;
};

} // namespace millrace
