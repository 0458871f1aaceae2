#pragma once

// What an image store must hold so that a restart need not replay the whole
// log: the last record of each key, as changes since the last commit.

#include "cluster/group_effects.hpp"
#include "schema/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// One put, or (no value) one erase.
struct image_change {
  std::string key; ///< 1 to 500 bytes
  std::optional<std::string> value;

  bool operator==(const image_change&) const = default;
};

/// What an entry of an image stands for.
struct image_entry {
  offsets_record record;
  record_place place; ///< the offset is -1 in entries of before transactions
};

/// Turns applied records into changes of an image and an image back into
/// records.
///
/// An image key is `k` and the record's key, or `p`, a producer's id and the
/// record's key for what is pending of its transaction (R28). A record key too
/// long for that (R22) gets a number: `n` and 8 bytes. The image value holds
/// the record's key and value, its offset and its producer in either case.
class group_image {
public:
  /// Notes a record that is durable in the log: with a producer as pending in
  /// its transaction, and a tombstone as the end of that.
  void note(const offsets_record& record, const record_place& place);
  /// The changes since the last call, one for each key, in order of keys.
  [[nodiscard]] std::vector<image_change> take_changes();
  /// Reads an entry back; gives the record that it stands for.
  /// Errors: corrupt.
  [[nodiscard]] result<image_entry> load(
    std::string_view key, std::string_view value);
  void clear();

private:
  [[nodiscard]] std::string image_key(
    const std::string& name, const offsets_record& record);

  std::map<std::string, std::optional<std::string>> changes_;
  std::map<std::string, uint64_t> numbers_; // of names that are too long
  uint64_t next_number_ = 0;
};

} // namespace millrace
