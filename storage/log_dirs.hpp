#pragma once

// The log directories of a node (`log.dirs`): which of them can be used, in
// which one each partition's log lies, and how a log moves from one to
// another. The first holds the node's own files too, and has to be there; of
// the others any may fail, and the rest goes on.

#include "storage/log_places.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// What is known of a replica whose directory is asked for.
struct replica_history {
  /// It was this node's before this start: it may have had a log.
  bool known = false;
  /// A log that is gone may be made anew, empty: others have it, or the topic
  /// rather loses records than waits.
  bool replaceable = true;
};

class log_dirs {
public:
  struct directory {
    std::string path;
    std::unique_ptr<log_places> places; ///< null: it cannot be used
    std::string failure;                ///< why, as a sentence
  };

  /// Where a log lies.
  struct place {
    size_t directory = 0;
    std::string path;
    /// Made anew, now or in an earlier run that has not said losses_told(), and
    /// what it was may have been in a directory that is gone (R10).
    bool lost = false;
  };

  /// A replica that prepare() will be asked for.
  struct wanted {
    topic_partition name;
    uuid topic;
    replica_history history;
  };

  struct move {
    topic_partition name;
    size_t to = 0;
  };

  /// Opens the others of `paths`; the first is `primary`.
  /// @param ids of directories that are new: one for each of `paths`
  /// Errors: only those of the first directory.
  static result<std::unique_ptr<log_dirs>> open(file_system& files,
    std::unique_ptr<data_directory> primary,
    const std::vector<std::string>& paths, const std::vector<uuid>& ids);

  [[nodiscard]] data_directory& primary() {
    return directories_.front().places->directory();
  }
  [[nodiscard]] const std::vector<directory>& all() const {
    return directories_;
  }
  /// Which one has this path; none if no one.
  [[nodiscard]] std::optional<size_t> find(const std::string& path) const;
  /// Whether the last run ended cleanly in all that can be used.
  [[nodiscard]] bool stopped_cleanly() const;

  /// As log_places::prepare(), in the directory that has the log; a new one
  /// comes to the directory that prefer() has named, or to the one that has
  /// the fewest. errc::offline: the log may be in a directory that cannot be
  /// used, or was in one that is gone for good, and it is not replaceable.
  result<place> prepare(const topic_partition& name, const uuid& topic,
    const replica_history& history);
  /// Those of `logs` that prepare() will make anew and lost are noted with one
  /// write, not one for each of them.
  result<void> note_losses(const std::vector<wanted>& logs);
  /// The cluster knows what was lost: from the next start on that log counts
  /// which was made instead. Durable when it returns.
  /// @param all_made nothing waits any more for a directory that is gone
  result<void> losses_told(bool all_made);
  /// Nobody has the log open any more: prepare() looks anew whose it is.
  void release(const topic_partition& name, const uuid& topic);
  /// Of a partition that has no log yet: where it is to be made.
  void prefer(const topic_partition& name, size_t directory);
  /// Which directory has the log; none where there is no log.
  [[nodiscard]] std::optional<size_t> home_of(
    const topic_partition& name) const;

  // As those of log_places. Hints of a log that is nowhere are dropped.

  [[nodiscard]] log_hints hints(const topic_partition& name) const;
  void set_hints(const topic_partition& name, offset log_start, offset durable);
  void set_log_start(const topic_partition& name, offset log_start);
  void set_high_watermark(const topic_partition& name, offset high_watermark);
  void set_clean_until(const topic_partition& name, offset clean_until);
  void limit_clean_until(const topic_partition& name, offset end);
  result<void> set_offline(const topic_partition& name);
  /// All directories; the first error, when all have been tried.
  result<void> save();
  result<void> mark_clean_stop();
  result<std::string> mark_deleted(const topic_partition& name);

  [[nodiscard]] std::vector<std::string> notes() const;
  /// Paths of strays.
  [[nodiscard]] std::vector<std::string> unclaimed() const;
  [[nodiscard]] std::vector<std::string> leftovers() const;

  // -- moving a log to another directory
  // ---------------------------------------

  /// Moves that an earlier run has not finished; they are to begin again.
  [[nodiscard]] const std::vector<move>& unfinished() const {
    return unfinished_;
  }
  /// Makes the directory `...-future` in which the copy grows, and returns its
  /// path. Until finish_move() it is no log.
  result<std::string> begin_move(
    const topic_partition& name, const uuid& topic, size_t to);
  /// The copy at `future` has all of the log, durably, and nobody has either of
  /// them open: it takes the log's place. After a crash it is the copy that
  /// counts, or the log, whole. Returns what is left of the old log, which may
  /// be removed at leisure.
  result<std::string> finish_move(const topic_partition& name, size_t to,
    const std::string& future, offset log_start, offset end);

private:
  explicit log_dirs(file_system& files) : files_(files) {}

  /// What the first directory knows of all of them (`millrace.log-dirs`).
  struct register_file {
    /// That were ever used, and were not told as gone.
    std::set<uuid> directories;
    /// Of logs that another directory may have too: whose counts, if it is
    /// there.
    std::map<topic_partition, uuid> counts;
    /// Of which topics logs were made anew that were lost: nobody knows yet.
    std::map<topic_partition, uuid> anew;

    bool operator==(const register_file&) const = default;
  };

  result<void> open_others(
    const std::vector<std::string>& paths, const std::vector<uuid>& ids);
  result<std::unique_ptr<log_places>> open_one(
    const std::string& path, const uuid& fresh_id);
  result<void> read_register();
  result<void> write_register(register_file next);
  result<void> drop_copies();
  result<void> note_made(const topic_partition& name, size_t index);
  result<void> take_in(size_t index);
  void note_futures(size_t index);
  void fail(size_t index, std::string why);
  [[nodiscard]] std::string register_path() const;
  [[nodiscard]] uuid id_of(size_t index) const;
  [[nodiscard]] std::optional<size_t> find(const uuid& id) const;
  [[nodiscard]] const directory* first_failed() const;
  [[nodiscard]] bool counts_here(
    const topic_partition& name, size_t index) const;
  [[nodiscard]] bool is_there(
    const topic_partition& name, const uuid& topic) const;
  [[nodiscard]] bool is_noted(const wanted& log) const;
  [[nodiscard]] bool is_lost(const wanted& log) const;
  [[nodiscard]] size_t emptiest() const;
  result<void> check_missing(
    const topic_partition& name, const replica_history& history) const;
  [[nodiscard]] log_places* places_of(const topic_partition& name) const;

  file_system& files_;
  std::vector<directory> directories_;
  register_file register_;
  std::map<topic_partition, size_t> homes_;
  std::map<topic_partition, size_t> preferred_;
  std::vector<move> unfinished_;
  std::vector<std::string> futures_; ///< of earlier runs: to be removed
  std::vector<std::string> notes_;
};

} // namespace millrace
