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

/// Turns applied records into changes of an image and an image back into
/// records.
///
/// An image key is `k` and the record's key; a record key too long for that
/// (R22) gets a number: `n` and 8 bytes. The image value holds the record's
/// key and value in either case.
class group_image {
public:
  /// Notes a record that is durable in the log.
  void note(const offsets_record& record);
  /// The changes since the last call, one for each key, in order of keys.
  [[nodiscard]] std::vector<image_change> take_changes();
  /// Reads an entry back; gives the record that it stands for.
  /// Errors: corrupt.
  [[nodiscard]] result<offsets_record> load(
    std::string_view key, std::string_view value);
  void clear();

private:
  [[nodiscard]] std::string image_key(const offsets_record& record);

  std::map<std::string, std::optional<std::string>> changes_;
  std::map<std::string, uint64_t> numbers_; // of long record keys
  uint64_t next_number_ = 0;
};

} // namespace millrace
