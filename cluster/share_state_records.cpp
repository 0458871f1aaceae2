#include "cluster/share_state_records.hpp"

#include "cluster/versioned_record.hpp"
#include "schema/kafka/share_state_record.hpp"

namespace millrace {

namespace {

// The first two bytes of a key.
constexpr int16_t kind_snapshot = 0;
constexpr int16_t kind_update = 1;

constexpr int16_t body_version = 0;

using kind = share_state_record::kind;

/// What both kinds of values have.
template <class Value>
Value to_wire(const share_state_record& record) {
  Value value;
  value.snapshot_epoch = record.snapshot_epoch;
  value.leader_epoch = record.state.leader_epoch;
  value.start_offset = record.state.start.value;
  value.delivery_complete_count = record.state.delivery_complete_count;
  value.state_batches.reserve(record.state.batches.size());
  for (const auto& b : record.state.batches)
    value.state_batches.push_back(
      {b.first.value, b.last.value, b.delivery_state, b.delivery_count});
  return value;
}

template <class Value>
void from_wire(const Value& value, share_state_record& record) {
  record.snapshot_epoch = value.snapshot_epoch;
  record.state.leader_epoch = value.leader_epoch;
  record.state.start = offset{value.start_offset};
  record.state.delivery_complete_count = value.delivery_complete_count;
  record.state.batches.reserve(value.state_batches.size());
  for (const auto& b : value.state_batches)
    record.state.batches.push_back({offset{b.first_offset},
      offset{b.last_offset}, b.delivery_state, b.delivery_count});
}

std::string value_of(const share_state_record& record) {
  if (record.what == kind::update)
    return encode_prefixed(
      body_version, body_version, to_wire<kafka::share_update_value>(record));
  auto value = to_wire<kafka::share_snapshot_value>(record);
  value.state_epoch = record.state.state_epoch;
  value.create_timestamp = record.created_ms;
  value.write_timestamp = record.written_ms;
  return encode_prefixed(body_version, body_version, value);
}

result<void> read_snapshot(std::string_view bytes, share_state_record& record) {
  auto value
    = decode_versioned<kafka::share_snapshot_value>(bytes, "share snapshot");
  MILLRACE_TRY(value);
  from_wire(*value, record);
  record.what = kind::snapshot;
  record.state.state_epoch = value->state_epoch;
  record.created_ms = value->create_timestamp;
  record.written_ms = value->write_timestamp;
  return {};
}

result<void> read_update(std::string_view bytes, share_state_record& record) {
  auto value
    = decode_versioned<kafka::share_update_value>(bytes, "share update");
  MILLRACE_TRY(value);
  from_wire(*value, record);
  record.what = kind::update;
  return {};
}

result<void> check(const share_state_record& record) {
  for (const auto& b : record.state.batches)
    if (b.first.value < 0 || b.last < b.first)
      return error{errc::corrupt,
        to_string(record.key) + ": a batch ends before it begins"};
  return {};
}

} // namespace

std::string to_string(const share_partition_key& key) {
  return key.group_id + ":" + to_string(key.topic) + ":"
         + std::to_string(key.partition);
}

share_state_entry encode_share_state_record(const share_state_record& record) {
  const auto& key = record.key;
  share_state_entry entry;
  if (record.what == kind::update)
    entry.key = encode_prefixed(kind_update, body_version,
      kafka::share_update_key{key.group_id, key.topic, key.partition});
  else
    entry.key = encode_prefixed(kind_snapshot, body_version,
      kafka::share_snapshot_key{key.group_id, key.topic, key.partition});
  if (record.what != kind::tombstone)
    entry.value = value_of(record);
  return entry;
}

result<std::optional<share_state_record>> decode_share_state_record(
  std::string_view key, const std::optional<std::string_view>& value) {
  kafka_reader reader{shared_bytes::copy_of(key)};
  const auto kind_read = reader.read_int16("kind");
  MILLRACE_TRY(
    reader.status("key of a record of __share_group_state", kind_read));
  std::optional<share_state_record> record;
  if (kind_read != kind_snapshot && kind_read != kind_update)
    return record;
  kafka::share_snapshot_key name; // that of an update has the same fields
  MILLRACE_TRY(decode(reader, body_version, name));
  record.emplace();
  record->key = {std::move(name.group_id), name.topic_id, name.partition};
  if (!value)
    record->what = kind::tombstone;
  else if (kind_read == kind_snapshot)
    MILLRACE_TRY(read_snapshot(*value, *record));
  else
    MILLRACE_TRY(read_update(*value, *record));
  MILLRACE_TRY(check(*record));
  return record;
}

} // namespace millrace
