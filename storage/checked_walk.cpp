#include "storage/checked_walk.hpp"

namespace millrace {

namespace {

/// Whether a batch that begins at `at` may say `epoch`: before the first entry,
/// where records have been deleted, any that is not above its own.
bool agrees(const epoch_cache& epochs, offset at, leader_epoch epoch) {
  const auto& known = epochs.entries();
  if (!known.empty() && at < known.front().start)
    return epoch <= known.front().epoch;
  return epoch == epochs.epoch_at(at);
}

} // namespace

result<checked_walk::step> checked_walk::next() {
  auto batch = walker_.next();
  if (!batch && batch.error().code != errc::corrupt)
    return batch.error();
  if (!batch)
    return step::damaged;
  if (!*batch)
    return step::end;
  auto bytes = walker_.whole();
  if (!bytes)
    return bytes.error();
  const batch_view whole{*bytes};
  if (!fits(whole))
    return step::damaged;
  next_ = whole.last_offset() + int64_t{1};
  position_ = walker_.position();
  return step::sound;
}

bool checked_walk::fits(const batch_view& batch) const {
  return batch.crc() == batch.computed_crc()
         && (!next_ || batch.base_offset() == *next_)
         && agrees(epochs_, batch.base_offset(), batch.epoch());
}

} // namespace millrace
