#include "cluster/consumer_group_records.hpp"

#include "cluster/versioned_record.hpp"

namespace millrace {

namespace {

using record_of = consumer_group_record;

// The first two bytes of a key.
constexpr int16_t kind_group = 3;
constexpr int16_t kind_topics = 4;
constexpr int16_t kind_member = 5;
constexpr int16_t kind_targets = 6;
constexpr int16_t kind_target = 7;
constexpr int16_t kind_current = 8;
constexpr int16_t kind_regex = 16;

constexpr int16_t body_version = 0;

template <class Key, class Value>
offsets_record encode_as(
  int16_t kind, const Key& key, const std::optional<Value>& value) {
  offsets_record record;
  record.key = encode_prefixed(kind, body_version, key);
  if (value)
    record.value = encode_prefixed(body_version, body_version, *value);
  return record;
}

struct encoder {
  const std::string& group;

  offsets_record operator()(const record_of::of_group& r) const {
    return encode_as(
      kind_group, kafka::consumer_group_metadata_key{group}, r.value);
  }
  offsets_record operator()(const record_of::of_topics& r) const {
    return encode_as(kind_topics,
      kafka::consumer_group_partition_metadata_key{group}, r.value);
  }
  offsets_record operator()(const record_of::of_member& r) const {
    return encode_as(kind_member,
      kafka::consumer_group_member_metadata_key{group, r.member_id}, r.value);
  }
  offsets_record operator()(const record_of::of_targets& r) const {
    return encode_as(kind_targets,
      kafka::consumer_group_target_assignment_metadata_key{group}, r.value);
  }
  offsets_record operator()(const record_of::of_target& r) const {
    return encode_as(kind_target,
      kafka::consumer_group_target_assignment_member_key{group, r.member_id},
      r.value);
  }
  offsets_record operator()(const record_of::of_current& r) const {
    return encode_as(kind_current,
      kafka::consumer_group_current_member_assignment_key{group, r.member_id},
      r.value);
  }
  offsets_record operator()(const record_of::of_regex& r) const {
    return encode_as(kind_regex,
      kafka::consumer_group_regular_expression_key{group, r.regex}, r.value);
  }
};

/// Reads a body where there is one.
template <class Value>
result<void> read_value(const std::optional<std::string_view>& bytes,
  const char* what, std::optional<Value>& out) {
  if (!bytes)
    return {};
  auto value = decode_versioned<Value>(*bytes, what);
  MILLRACE_TRY(value);
  out = std::move(*value);
  return {};
}

template <class Key, class Change>
result<record_of> read_group(kafka_reader& reader,
  const std::optional<std::string_view>& value, const char* what) {
  Key key;
  MILLRACE_TRY(decode(reader, body_version, key));
  Change change;
  MILLRACE_TRY(read_value(value, what, change.value));
  return record_of{std::move(key.group_id), std::move(change)};
}

template <class Key, class Change>
result<record_of> read_member(kafka_reader& reader,
  const std::optional<std::string_view>& value, const char* what) {
  Key key;
  MILLRACE_TRY(decode(reader, body_version, key));
  Change change;
  change.member_id = std::move(key.member_id);
  MILLRACE_TRY(read_value(value, what, change.value));
  return record_of{std::move(key.group_id), std::move(change)};
}

result<record_of> read_regex(
  kafka_reader& reader, const std::optional<std::string_view>& value) {
  kafka::consumer_group_regular_expression_key key;
  MILLRACE_TRY(decode(reader, body_version, key));
  record_of::of_regex change{std::move(key.regular_expression), {}};
  MILLRACE_TRY(read_value(value, "regular expression", change.value));
  return record_of{std::move(key.group_id), std::move(change)};
}

} // namespace

bool is_consumer_group_kind(int16_t kind) {
  return (kind >= kind_group && kind <= kind_current) || kind == kind_regex;
}

offsets_record encode_consumer_group_record(
  const consumer_group_record& record) {
  return std::visit(encoder{record.group_id}, record.change);
}

result<consumer_group_record> decode_consumer_group_record(
  std::string_view key, const std::optional<std::string_view>& value) {
  kafka_reader reader{shared_bytes::copy_of(key)};
  const auto kind = reader.read_int16("kind");
  MILLRACE_TRY(reader.status("key of a record of a consumer group", kind));
  switch (kind) {
  case kind_group:
    return read_group<kafka::consumer_group_metadata_key, record_of::of_group>(
      reader, value, "group epoch");
  case kind_topics:
    return read_group<kafka::consumer_group_partition_metadata_key,
      record_of::of_topics>(reader, value, "group topics");
  case kind_member:
    return read_member<kafka::consumer_group_member_metadata_key,
      record_of::of_member>(reader, value, "member metadata");
  case kind_targets:
    return read_group<kafka::consumer_group_target_assignment_metadata_key,
      record_of::of_targets>(reader, value, "target epoch");
  case kind_target:
    return read_member<kafka::consumer_group_target_assignment_member_key,
      record_of::of_target>(reader, value, "target assignment");
  case kind_current:
    return read_member<kafka::consumer_group_current_member_assignment_key,
      record_of::of_current>(reader, value, "current assignment");
  case kind_regex:
    return read_regex(reader, value);
  default:
    return error{errc::corrupt, "no kind of record of a consumer group"};
  }
}

} // namespace millrace
