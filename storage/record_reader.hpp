#pragma once

// Takes batches apart, record by record.

#include "storage/record_batch.hpp"
#include "storage/record_builder.hpp"

#include <functional>
#include <span>

namespace millrace {

/// Calls `visit` for every record of the whole batches in `bytes`, in order;
/// a part of a batch at the end is left alone, control batches are passed
/// over. What a record_view shows lasts for the call.
///
/// Returns the offset behind the last whole batch, or `from` if there was
/// none. Errors: corrupt, naming the batch; too_large for a batch whose
/// records unfold beyond `unfolded_bytes_max`.
[[nodiscard]] result<offset> for_each_record(std::span<const std::byte> bytes,
  offset from, const std::function<void(const record_view&)>& visit,
  size_t unfolded_bytes_max = size_t{1} << 30);

} // namespace millrace
