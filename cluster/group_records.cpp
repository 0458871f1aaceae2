#include "cluster/group_records.hpp"

#include "cluster/versioned_record.hpp"
#include "schema/kafka/offset_commit_record.hpp"

namespace millrace {

namespace {

// The first two bytes of a key say what the record is about. 0 was Kafka's
// first format of offsets, which differs only in its value.
constexpr int16_t kind_offset_old = 0;
constexpr int16_t kind_offset = 1;
constexpr int16_t kind_group = 2;

constexpr int16_t key_version = 0;
constexpr int16_t offset_version = 4;
constexpr int16_t offset_expiring_version = 1;
constexpr int16_t group_version = 3;

result<offset_key> decode_offset_key(kafka_reader& reader) {
  kafka::offset_commit_key key;
  MILLRACE_TRY(decode(reader, key_version, key));
  return offset_key{std::move(key.group), std::move(key.topic), key.partition};
}

} // namespace

offsets_record encode_offset_record(
  const offset_key& key, const std::optional<committed_offset>& value) {
  offsets_record record;
  record.key = encode_prefixed(kind_offset, key_version,
    kafka::offset_commit_key{key.group, key.topic, key.partition});
  if (!value)
    return record;
  const auto version
    = value->expire_ms >= 0 ? offset_expiring_version : offset_version;
  kafka::offset_commit_value body;
  body.offset = value->offset;
  body.leader_epoch = value->leader_epoch;
  body.metadata = value->metadata;
  body.commit_timestamp = value->commit_ms;
  body.expire_timestamp = value->expire_ms;
  body.topic_id = value->topic_id;
  record.value = encode_prefixed(version, version, body);
  return record;
}

offsets_record encode_group_record(std::string_view group_id,
  const std::optional<kafka::group_metadata_value>& value) {
  offsets_record record;
  record.key = encode_prefixed(
    kind_group, key_version, kafka::group_metadata_key{std::string{group_id}});
  if (value)
    record.value = encode_prefixed(group_version, group_version, *value);
  return record;
}

result<decoded_record> decode_offsets_record(
  std::string_view key, const std::optional<std::string_view>& value) {
  kafka_reader reader{shared_bytes::copy_of(key)};
  const auto kind = reader.read_int16("kind");
  MILLRACE_TRY(reader.status("key of a record of __consumer_offsets", kind));
  if (kind == kind_offset || kind == kind_offset_old) {
    auto offset = decode_offset_key(reader);
    MILLRACE_TRY(offset);
    decoded_offset decoded{std::move(*offset), {}};
    if (value) {
      auto body
        = decode_versioned<kafka::offset_commit_value>(*value, "offset value");
      MILLRACE_TRY(body);
      decoded.value = committed_offset{body->offset, body->leader_epoch,
        std::move(body->metadata), body->commit_timestamp,
        body->expire_timestamp, body->topic_id};
    }
    return decoded_record{std::move(decoded)};
  }
  if (kind == kind_group) {
    kafka::group_metadata_key name;
    MILLRACE_TRY(decode(reader, key_version, name));
    decoded_group decoded{std::move(name.group), {}};
    if (value) {
      auto body
        = decode_versioned<kafka::group_metadata_value>(*value, "group value");
      MILLRACE_TRY(body);
      decoded.value = std::move(*body);
    }
    return decoded_record{std::move(decoded)};
  }
  if (is_consumer_group_kind(kind)) {
    auto decoded = decode_consumer_group_record(key, value);
    MILLRACE_TRY(decoded);
    return decoded_record{std::move(*decoded)};
  }
  if (is_share_group_kind(kind)) {
    auto decoded = decode_share_group_record(key, value);
    MILLRACE_TRY(decoded);
    return decoded_record{std::move(*decoded)};
  }
  return decoded_record{decoded_other{kind}};
}

} // namespace millrace
