#pragma once

// Batches of transactions, and their markers.

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

inline append_item append_as_coordinator(
  partition_log& log, shared_bytes batch, int8_t transaction_version = 0) {
  std::vector<append_item> items(1);
  items[0].batch = std::move(batch);
  items[0].origin = append_origin::coordinator;
  items[0].transaction_version = transaction_version;
  log.append(items, leader_epoch{1}, 1000);
  return items[0];
}

} // namespace millrace
