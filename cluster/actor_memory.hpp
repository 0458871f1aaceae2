#pragma once

// What a custom actor must not forget: its own pairs, how far it has read
// each partition, what it has written that no topic has taken yet, and how
// often it has begun. All of it is one map, kept in a log: a change is a
// record with the pair's key, so a restart is a replay, and one batch of
// records is one atomic step. Format: docs/formats/actor-state.md.

#include "schema/custom_message.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class actor_memory {
public:
  /// For the log; without a value: erase.
  struct record {
    std::string key;
    std::optional<std::string> value;
  };

  // -- the actor's own pairs -------------------------------------------------

  /// Null: there is none. Valid until the next change.
  [[nodiscard]] const std::string* find(std::string_view key) const;
  void put(std::string_view key, std::string value);
  void erase(std::string_view key);
  /// Calls `visit` for the pairs whose keys begin with `prefix`, by key.
  template <class Visit>
  void for_each(std::string_view prefix, Visit&& visit) const {
    const auto begin = own_key(prefix);
    for (auto at = all_.lower_bound(begin);
      at != all_.end() && at->first.starts_with(begin); ++at)
      visit(std::string_view{at->first}.substr(1), at->second);
  }

  // -- what it has read and written ------------------------------------------

  /// Where reading goes on; none: it has not begun.
  [[nodiscard]] std::optional<int64_t> position(
    const std::string& topic, int32_t partition) const;
  void set_position(const std::string& topic, int32_t partition, int64_t next);

  /// Returns a number above all before it.
  uint64_t add_write(const waiting_write& write);
  void finish_write(uint64_t number);
  /// In the order in which they were added.
  /// Errors: corrupt.
  [[nodiscard]] result<std::vector<std::pair<uint64_t, waiting_write>>>
  writes() const;

  /// Counts one more beginning and returns its number, from 1.
  int64_t begin();

  // -- the log ---------------------------------------------------------------

  /// Applies what take_changes() once gave.
  void replay(std::string_view key, std::optional<std::string_view> value);
  [[nodiscard]] bool is_changed() const {
    return !changed_.empty();
  }
  /// What has changed since the last call.
  [[nodiscard]] std::vector<record> take_changes();
  /// What a log would have to say to hold all of this.
  [[nodiscard]] std::vector<record> everything() const;
  [[nodiscard]] size_t size() const {
    return all_.size();
  }

private:
  [[nodiscard]] static std::string own_key(std::string_view key);
  void set(std::string key, std::string value);
  void remove(const std::string& key);

  std::map<std::string, std::string, std::less<>> all_;
  std::set<std::string> changed_;
  uint64_t next_write_ = 1;
};

} // namespace millrace
