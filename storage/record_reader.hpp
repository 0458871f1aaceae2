#pragma once

// Takes batches apart, record by record.

#include "storage/record_batch.hpp"
#include "storage/record_builder.hpp"

#include <functional>
#include <span>

namespace millrace {

/// Calls `visit` for every whole batch in `bytes`, in order, control batches
/// and empty ones too; a part of a batch at the end is left alone. What goes
/// wrong in `visit` ends it.
///
/// Returns the offset behind the last whole batch, or `from` if there was
/// none. Errors: corrupt, and those of `visit`, naming the batch.
[[nodiscard]] result<offset> for_each_batch(std::span<const std::byte> bytes,
  offset from, const std::function<result<void>(const batch_view&)>& visit);

/// Calls `visit` for every record of one batch, in order. What a record_view
/// shows lasts for the call. Precondition: size() bytes are there.
/// Errors: corrupt; too_large for records that unfold beyond
/// `unfolded_bytes_max`.
[[nodiscard]] result<void> read_records(const batch_view& batch,
  const std::function<void(const record_view&)>& visit,
  size_t unfolded_bytes_max = size_t{1} << 30);

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
