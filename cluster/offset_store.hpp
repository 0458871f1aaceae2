#pragma once

// The committed offsets of the groups of one __consumer_offsets partition.

#include "schema/types.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct offset_key {
  std::string group;
  std::string topic;
  int32_t partition = 0;

  friend auto operator<=>(const offset_key&, const offset_key&) = default;
};

/// What a consumer has written down about one partition.
struct committed_offset {
  int64_t offset = -1;
  int32_t leader_epoch = -1; ///< -1: the client did not say
  std::string metadata;
  int64_t commit_ms = 0;  ///< wall clock
  int64_t expire_ms = -1; ///< wall clock; -1: by the retention (KIP-211)
  uuid topic_id;          ///< zero: committed by name

  bool operator==(const committed_offset&) const = default;
};

/// Offsets by group, topic and partition, each with two faces (R20):
/// *committed*, which is durable and what fetches see, and *latest*, which
/// counts what is appended and not yet known to be durable, and is what
/// decisions see.
class offset_store {
public:
  /// Notes that `append_id` will set or (no value) erase `key`. Append ids
  /// only rise.
  void stage(uint64_t append_id, const offset_key& key,
    std::optional<committed_offset> value);

  /// Makes a value (or an erasure) the committed one. For a fresh record
  /// `append_id` is what it was staged with; for a replayed one 0.
  /// @param at of its record in the log; -1: not known, and old
  void apply(uint64_t append_id, const offset_key& key,
    std::optional<committed_offset> value, offset at);

  /// Forgets what was staged: the append has failed.
  void drop(uint64_t append_id, const offset_key& key);

  /// What a fetch sees, or null.
  [[nodiscard]] const committed_offset* committed(const std::string& group,
    const std::string& topic, int32_t partition) const;
  /// Where the record of what a fetch sees stands in the log.
  [[nodiscard]] std::optional<offset> committed_at(const offset_key& key) const;
  /// What a decision sees, or null.
  [[nodiscard]] const committed_offset* latest(const std::string& group,
    const std::string& topic, int32_t partition) const;

  using visitor = std::function<void(const std::string& topic,
    int32_t partition, const committed_offset& value)>;
  /// In order of topic and partition. `visit` must not change the store.
  void for_each_committed(const std::string& group, const visitor& visit) const;
  void for_each_latest(const std::string& group, const visitor& visit) const;

  /// Whether anything is committed or staged, a staged erasure included.
  [[nodiscard]] bool knows(const std::string& group) const;
  /// Whether any offset will be there once all that is staged is durable.
  [[nodiscard]] bool has_latest(const std::string& group) const;
  [[nodiscard]] std::vector<std::string> groups() const;
  void clear();

private:
  struct staged_offset {
    uint64_t append_id = 0;
    std::optional<committed_offset> value;
  };
  struct slot {
    std::optional<committed_offset> committed;
    offset committed_at{-1};
    std::vector<staged_offset> staged; // in order of append_id

    [[nodiscard]] const committed_offset* latest() const;
    [[nodiscard]] bool blank() const {
      return !committed && staged.empty();
    }
  };
  using topic_map = std::map<std::string, std::map<int32_t, slot>>;

  [[nodiscard]] const slot* find(const std::string& group,
    const std::string& topic, int32_t partition) const;
  void erase_if_blank(const offset_key& key);

  std::map<std::string, topic_map> groups_;
};

} // namespace millrace
