#include "cluster/transaction_errors.hpp"

#include <array>

namespace millrace {

namespace {

/// The first versions that know the newer codes.
struct first_versions {
  int16_t producer_fenced;
  int16_t transaction_abortable;
};

// In the order of transaction_api.
constexpr std::array<first_versions, 4> known{{{4, 5}, {2, 5}, {2, 4}, {2, 4}}};

} // namespace

kafka_error transaction_error(
  transaction_api api, int16_t version, kafka_error error) {
  const auto first = known.at(static_cast<size_t>(api));
  if (error == kafka_error::producer_fenced && version < first.producer_fenced)
    return kafka_error::invalid_producer_epoch;
  if (error == kafka_error::transaction_abortable
      && version < first.transaction_abortable)
    return kafka_error::invalid_txn_state;
  return error;
}

} // namespace millrace
