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
constexpr std::array<first_versions, 4> known{{{4, 5}, {2, 4}, {2, 4}, {2, 4}}};

/// One version brings TRANSACTION_ABORTABLE, the next one implicit adding.
transaction_support support_since(int16_t abortable, int16_t version) {
  return version > abortable    ? transaction_support::adds_partitions
         : version == abortable ? transaction_support::abortable_errors
                                : transaction_support::fatal_errors;
}

} // namespace

transaction_support produce_support(int16_t version) {
  return support_since(11, version);
}

transaction_support offset_commit_support(int16_t version) {
  return support_since(4, version);
}

kafka_error transaction_check_error(
  transaction_support client, kafka_error error) {
  switch (error) {
  case kafka_error::producer_fenced:
    return kafka_error::invalid_producer_epoch;
  case kafka_error::transaction_abortable:
    return client == transaction_support::fatal_errors
             ? kafka_error::invalid_txn_state
             : error;
  case kafka_error::concurrent_transactions:
    return client == transaction_support::adds_partitions
             ? error
             : kafka_error::not_enough_replicas;
  case kafka_error::network_exception:
  case kafka_error::coordinator_load_in_progress:
  case kafka_error::coordinator_not_available:
  case kafka_error::not_coordinator:
    return kafka_error::not_enough_replicas;
  default:
    return error;
  }
}

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
