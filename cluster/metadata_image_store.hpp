#pragma once

// How a metadata image goes into an ordered store of keys and values and
// comes back: what changed since the last commit, as puts and erases, always
// with the applied index, its term and the log's id, so that one transaction
// holds both (R21). Keys are short and based on ids (R22); values are Cap'n
// Proto. docs/formats/metadata-log.md has the keys.

#include "cluster/metadata_image.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// A key of an image store with its new value, or none: erase it.
struct image_write {
  std::string key;
  std::optional<std::string> value;
};

/// Every key of the metadata image starts with this.
inline constexpr std::string_view metadata_image_prefix = "m/";

/// Notes which parts of an image the commands since the last commit touched.
class metadata_image_changes {
public:
  /// Call for every command applied. `after` is the image after it.
  void note(const metadata_command& command, const metadata_image& after);
  /// The head alone has changed: the members, or how far the log goes.
  void note_head() {
    any_ = true;
  }
  [[nodiscard]] bool empty() const;
  /// How many parts have to be written.
  [[nodiscard]] size_t size() const {
    return topics_.size() + brokers_.size() + configs_.size()
           + (quotas_ ? 1 : 0);
  }

  /// What to write so that the store equals `image`, and forgets it. The
  /// caller commits all of it in one transaction, after the log is durable up
  /// to image.applied_index().
  [[nodiscard]] std::vector<image_write> take(
    const metadata_image& image, const uuid& log_id);

private:
  std::set<uuid> topics_;
  std::set<node_id> brokers_;
  std::set<metadata_image::config_owner> configs_;
  bool quotas_ = false;
  bool any_ = false;
};

/// Every key of `image`, for a store that is rebuilt from the beginning.
[[nodiscard]] std::vector<image_write> all_image_writes(
  const metadata_image& image, const uuid& log_id);

/// A whole image as bytes, for a node that lacks too much of the log, and
/// back. Errors: corrupt, unsupported (a newer version).
[[nodiscard]] shared_bytes encode_image(const metadata_image& image);
[[nodiscard]] result<metadata_image> decode_image(const shared_bytes& bytes);

/// Rebuilds an image out of a store's pairs.
class metadata_image_loader {
public:
  /// One pair whose key starts with metadata_image_prefix, in any order.
  /// Errors: corrupt, unsupported (a newer version).
  [[nodiscard]] result<void> add(std::string_view key, std::string_view value);

  struct loaded {
    metadata_image image;
    /// The log that the image belongs to; an image of another log is to be
    /// thrown away (R21).
    uuid log_id;
  };
  /// None when the store held nothing. Errors: corrupt.
  [[nodiscard]] result<std::optional<loaded>> finish();

private:
  metadata_image image_;
  uuid log_id_;
  bool any_ = false;
  bool has_head_ = false;
};

} // namespace millrace
