#pragma once

// The metadata as the last run of a node has left it on its disk.

#include "actors/consensus_disk.hpp"
#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/raft_restart.hpp"
#include "storage/data_directory.hpp"

namespace millrace {

struct recovered_metadata {
  std::unique_ptr<consensus_files> files;
  std::unique_ptr<image_store> store;
  metadata_image image; ///< as of the store
  raft_restart restart;
};

/// Opens log, vote and image. A node that is alone is a group of one from its
/// first start on; one of a cluster finds its group later.
/// Errors: those of the files; corrupt for an entry that cannot be read, and
/// an image that is older than the log (R21); invalid_argument for a member
/// of a cluster that is started as if it were alone.
[[nodiscard]] result<recovered_metadata> recover_metadata(
  environment& env, data_directory& directory, const node_config& config);

} // namespace millrace
