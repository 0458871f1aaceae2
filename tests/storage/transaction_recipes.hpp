#pragma once

// Batches of transactions.

#include "storage/control_batch.hpp"
#include "tests/storage/log_fixture.hpp"

namespace millrace {

/// A transactional batch; as in log_fixture otherwise.
inline shared_bytes make_transactional(const batch_recipe& recipe) {
  auto bytes = make_batch(recipe);
  patch_attributes(bytes.writable(),
    static_cast<int16_t>(
      batch_view{bytes.span()}.attributes() | batch_attributes::transactional));
  patch_crc(bytes.writable());
  return bytes;
}

} // namespace millrace
