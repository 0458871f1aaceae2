#include "storage/marker_check.hpp"

namespace millrace {

marker_verdict judge_marker(const producer_entry* known,
  const end_transaction_marker& marker, int8_t transaction_version) {
  if (known == nullptr)
    return {};
  const auto name = "the marker of producer "
                    + std::to_string(marker.producer.value) + ", epoch "
                    + std::to_string(marker.epoch);
  if (marker.coordinator_epoch < known->coordinator_epoch)
    return {kafka_error::transaction_coordinator_fenced,
      name + ", comes from coordinator epoch "
        + std::to_string(marker.coordinator_epoch) + "; the newest is "
        + std::to_string(known->coordinator_epoch)};
  if (marker.epoch < known->epoch)
    return {kafka_error::invalid_producer_epoch,
      name + ": the newest epoch is " + std::to_string(known->epoch)};
  constexpr int8_t epoch_for_each = 2;
  if (transaction_version >= epoch_for_each && marker.epoch == known->epoch
      && known->transaction_start.value >= 0)
    return {kafka_error::invalid_producer_epoch,
      name + ": a later transaction is open in this epoch"};
  return {};
}

} // namespace millrace
