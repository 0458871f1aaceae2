#pragma once

// Offsets that were committed within transactions that are still open
// (KIP-98), in one __consumer_offsets partition.

#include "cluster/offset_store.hpp"
#include "schema/types.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// An offset that counts once its transaction is committed.
struct pending_offset {
  committed_offset value;
  offset at{-1}; ///< of its record in the log

  bool operator==(const pending_offset&) const = default;
};

/// The offsets of open transactions by what they are about and by producer
/// (R28). Each has two faces (R20): *staged*, appended and not yet known to
/// be durable, of which only the number counts; and *pending*.
class pending_offsets {
public:
  /// Notes that an offset for `key` is on its way into the log.
  void stage(const offset_key& key);
  /// That it is on its way no more, be it durable or lost.
  /// Precondition: as many calls of stage() before.
  void unstage(const offset_key& key);

  /// Its record is durable. Replaces what the same producer had for `key`.
  void put(producer_id producer, const offset_key& key, pending_offset value);
  /// Forgets what is pending for `key`: its tombstone is durable. Returns of
  /// which producers there was something.
  std::vector<producer_id> erase(const offset_key& key);
  /// Takes out all that a producer has pending, in order of keys: its
  /// transaction has ended.
  std::vector<std::pair<offset_key, pending_offset>> take(producer_id producer);

  /// Whether anything is pending or staged.
  [[nodiscard]] bool knows(const offset_key& key) const {
    return slots_.contains(key);
  }
  [[nodiscard]] bool knows(const std::string& group) const;
  /// What is pending or staged of a group, in order.
  [[nodiscard]] std::vector<offset_key> keys(const std::string& group) const;
  /// The groups that have something pending or staged, in order.
  [[nodiscard]] std::vector<std::string> groups() const;
  /// Or null.
  [[nodiscard]] const pending_offset* find(
    producer_id producer, const offset_key& key) const;
  void clear();

private:
  struct slot {
    std::map<producer_id, pending_offset> open;
    size_t staged = 0;
  };
  using slot_map = std::map<offset_key, slot>;

  [[nodiscard]] slot_map::const_iterator first_of(
    const std::string& group) const;
  void erase_if_blank(slot_map::iterator at);

  slot_map slots_; // none is blank
  std::map<producer_id, std::set<offset_key>> producers_;
};

} // namespace millrace
