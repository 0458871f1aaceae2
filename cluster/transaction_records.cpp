#include "cluster/transaction_records.hpp"

#include "cluster/versioned_record.hpp"
#include "schema/kafka/transaction_log_record.hpp"

#include <map>
#include <utility>

namespace millrace {

namespace {

// The first two bytes of a key say what the record is about.
constexpr int16_t kind_transaction = 0;
constexpr int16_t key_version = 0;
constexpr int16_t value_version_plain = 0;
constexpr int16_t value_version_tagged = 1;

bool needs_tags(const transaction_value& value) {
  return value.previous_id.value >= 0 || value.next_id.value >= 0
         || value.last_epoch >= 0 || value.client_version != 0;
}

kafka::transaction_log_value to_wire(const transaction_value& value) {
  kafka::transaction_log_value out;
  out.producer_id = value.id.value;
  out.previous_producer_id = value.previous_id.value;
  out.next_producer_id = value.next_id.value;
  out.last_producer_epoch = value.last_epoch;
  out.client_transaction_version = value.client_version;
  out.producer_epoch = value.epoch;
  out.transaction_timeout_ms = value.timeout_ms;
  out.transaction_status = static_cast<int8_t>(value.phase);
  out.transaction_last_update_timestamp_ms = value.updated_ms;
  out.transaction_start_timestamp_ms = value.started_ms;
  // As Kafka: null for an id that was never used in a transaction.
  if (value.phase == transaction_phase::empty && value.partitions.empty()) {
    out.transaction_partitions.reset();
    return out;
  }
  std::map<std::string, std::vector<int32_t>> topics;
  for (const auto& [topic, partition] : value.partitions)
    topics[topic].push_back(partition);
  for (auto& [topic, partitions] : topics)
    out.transaction_partitions->push_back({topic, std::move(partitions)});
  return out;
}

error corrupt(const std::string& id, const char* why) {
  return {errc::corrupt, "transactional id '" + id + "': " + why};
}

result<transaction_value> from_wire(
  const std::string& id, const kafka::transaction_log_value& in) {
  if (in.transaction_status < 0
      || in.transaction_status
           > static_cast<int8_t>(transaction_phase::complete_abort))
    return corrupt(id, "a status that no record has");
  if (in.producer_id < 0 || in.producer_epoch < 0)
    return corrupt(id, "no producer");
  transaction_value out;
  out.id = {in.producer_id};
  out.previous_id = {in.previous_producer_id};
  out.next_id = {in.next_producer_id};
  out.last_epoch = in.last_producer_epoch;
  out.client_version = in.client_transaction_version;
  out.epoch = in.producer_epoch;
  out.timeout_ms = in.transaction_timeout_ms;
  out.phase = static_cast<transaction_phase>(in.transaction_status);
  out.updated_ms = in.transaction_last_update_timestamp_ms;
  out.started_ms = in.transaction_start_timestamp_ms;
  if (in.transaction_partitions)
    for (const auto& [topic, partitions] : *in.transaction_partitions)
      for (const auto partition : partitions)
        out.partitions.insert({topic, partition});
  return out;
}

result<transaction_value> decode_value(
  const std::string& id, std::string_view bytes) {
  auto value = decode_versioned<kafka::transaction_log_value>(
    bytes, "transaction value");
  if (!value)
    return value.error();
  return from_wire(id, *value);
}

} // namespace

transaction_log_entry encode_transaction_record(
  const transaction_record& record) {
  transaction_log_entry entry;
  entry.key = encode_prefixed(kind_transaction, key_version,
    kafka::transaction_log_key{record.transactional_id});
  if (record.value) {
    const auto version
      = needs_tags(*record.value) ? value_version_tagged : value_version_plain;
    entry.value = encode_prefixed(version, version, to_wire(*record.value));
  }
  return entry;
}

result<std::optional<transaction_record>> decode_transaction_record(
  std::string_view key, const std::optional<std::string_view>& value) {
  kafka_reader reader{shared_bytes::copy_of(key)};
  const auto kind = reader.read_int16("kind");
  MILLRACE_TRY(reader.status("key of a record of __transaction_state", kind));
  if (kind != kind_transaction)
    return std::optional<transaction_record>{};
  kafka::transaction_log_key name;
  MILLRACE_TRY(decode(reader, key_version, name));
  transaction_record record{std::move(name.transactional_id), {}};
  if (value) {
    auto body = decode_value(record.transactional_id, *value);
    MILLRACE_TRY(body);
    record.value = std::move(*body);
  }
  return std::optional{std::move(record)};
}

} // namespace millrace
