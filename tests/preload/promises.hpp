#pragma once

// What a server that starts again must have, by the history up to a place of
// the record: everything that was acknowledged, nothing that was not asked
// for, nothing twice. Pure; recovery_check.hpp asks the server.

#include "tests/preload/history.hpp"

#include <map>
#include <set>

namespace millrace::preload {

/// A record that was read.
struct found_record {
  int64_t at = 0; ///< its offset
  int64_t number = -1;
};

class promises {
public:
  promises(const history& done, size_t place);

  /// Each says what is wrong, or nothing.

  /// @param found every topic but internal ones
  [[nodiscard]] std::string check_topics(
    const std::set<std::string>& found) const;
  /// @param log_start the first offset that is told
  /// @param found all records of the partition of a topic that is there
  [[nodiscard]] std::string check_records(const topic_partition& at,
    int64_t log_start, const std::vector<found_record>& found) const;
  /// @param found the committed value; -1 if there is none
  [[nodiscard]] std::string check_commit(
    const std::string& group, const topic_partition& at, int64_t found) const;
  /// @param fresh a producer id that has just been given
  [[nodiscard]] std::string check_producer_id(int64_t fresh) const;

  using commit_name = std::pair<std::string, topic_partition>;
  /// Everything that was committed or might have been.
  [[nodiscard]] std::vector<commit_name> commits() const;
  /// The last acknowledged produce of each idempotent producer, for topics
  /// that must be there.
  [[nodiscard]] std::vector<operation> last_produces() const;

private:
  enum class presence : uint8_t { absent, unknown, present };
  /// A number of which each new one is higher.
  struct rising {
    int64_t least = -1;
    std::set<int64_t> possible;

    void take(int64_t value, bool promised) {
      possible.insert(value);
      if (promised)
        least = std::max(least, value);
    }
  };
  struct topic {
    presence there = presence::absent;
    /// Of the newest topic of that name, by partition.
    std::map<int32_t, std::vector<operation>> produces;
    std::map<int32_t, rising> starts; ///< of the logs
  };

  void take(const operation& o, size_t place);
  [[nodiscard]] std::string check_sequence(const std::vector<operation>& sent,
    int64_t log_start, const std::vector<found_record>& found) const;

  size_t place_;
  std::map<std::string, topic> topics_;
  std::map<commit_name, rising> commits_;
  std::set<int64_t> producer_ids_;
};

} // namespace millrace::preload
