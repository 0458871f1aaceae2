#pragma once

// Writes images down: the one thread that commits to an image store. An
// image is never ahead of its log: who sends writes has made the log durable
// first (R21).

#include "actors/environment.hpp"
#include "cluster/metadata_image_store.hpp"

#include <caf/all.hpp>

namespace millrace {

/// One transaction; answered by image_committed if it comes to be durable.
struct image_commit {
  uint64_t ticket = 0;
  std::vector<image_write> writes;
  /// Erased first, all that starts with it; empty: nothing.
  std::string replaced_prefix;
};

struct image_committed {
  uint64_t ticket = 0;
};

/// What is committed under a prefix; answered by image_pairs.
struct image_ask {
  std::string prefix;
};

struct image_pairs {
  /// Keys without the prefix. Nothing if `why` says that nothing can be read.
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string why;
};

/// IMAGE KEEPER: owns one image store.
using image_keeper_actor = caf::typed_actor<
  // Reads an image back.
  caf::reacts_to<image_ask>,
  // Commits the writes; a failure costs a longer replay, nothing else.
  caf::reacts_to<image_commit>>;

struct image_keeper_state {
  static inline const char* name = "image_keeper";
  std::unique_ptr<image_store> store;
  std::string broken; ///< why nothing is written any more
};

image_keeper_actor::behavior_type image_keeper(
  image_keeper_actor::stateful_pointer<image_keeper_state> self,
  std::shared_ptr<std::unique_ptr<image_store>> store);

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::image_commit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::image_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::image_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::image_pairs)
