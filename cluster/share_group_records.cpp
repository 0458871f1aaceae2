#include "cluster/share_group_records.hpp"

#include "cluster/versioned_record.hpp"

namespace millrace {

namespace {

using record_of = share_group_record;

// The first two bytes of a key.
constexpr int16_t kind_member = 10;
constexpr int16_t kind_group = 11;
constexpr int16_t kind_targets = 12;
constexpr int16_t kind_target = 13;
constexpr int16_t kind_current = 14;
constexpr int16_t kind_states = 15;

constexpr int16_t body_version = 0;

struct encoder {
  const std::string& group;

  offsets_record operator()(const record_of::of_member& r) const {
    return as(kind_member,
      kafka::share_group_member_metadata_key{group, r.member_id}, r.value);
  }
  offsets_record operator()(const record_of::of_group& r) const {
    return as(kind_group, kafka::share_group_metadata_key{group}, r.value);
  }
  offsets_record operator()(const record_of::of_targets& r) const {
    return as(kind_targets,
      kafka::share_group_target_assignment_metadata_key{group}, r.value);
  }
  offsets_record operator()(const record_of::of_target& r) const {
    return as(kind_target,
      kafka::share_group_target_assignment_member_key{group, r.member_id},
      r.value);
  }
  offsets_record operator()(const record_of::of_current& r) const {
    return as(kind_current,
      kafka::share_group_current_member_assignment_key{group, r.member_id},
      r.value);
  }
  offsets_record operator()(const record_of::of_states& r) const {
    return as(kind_states,
      kafka::share_group_state_partition_metadata_key{group}, r.value);
  }

private:
  template <class Key, class Value>
  static offsets_record as(
    int16_t kind, const Key& key, const std::optional<Value>& value) {
    offsets_record record{encode_prefixed(kind, body_version, key), {}};
    if (value)
      record.value = encode_prefixed(body_version, body_version, *value);
    return record;
  }
};

/// Reads the rest of a key, and the value where there is one.
template <class Key, class Change>
result<record_of> read_as(kafka_reader& reader,
  const std::optional<std::string_view>& bytes, const char* what) {
  Key key;
  MILLRACE_TRY(decode(reader, body_version, key));
  Change change;
  if constexpr (requires { change.member_id; })
    change.member_id = std::move(key.member_id);
  if (bytes) {
    using value_t = typename decltype(change.value)::value_type;
    auto value = decode_versioned<value_t>(*bytes, what);
    MILLRACE_TRY(value);
    change.value = std::move(*value);
  }
  return record_of{std::move(key.group_id), std::move(change)};
}

} // namespace

bool is_share_group_kind(int16_t kind) {
  return kind >= kind_member && kind <= kind_states;
}

offsets_record encode_share_group_record(const share_group_record& record) {
  return std::visit(encoder{record.group_id}, record.change);
}

result<share_group_record> decode_share_group_record(
  std::string_view key, const std::optional<std::string_view>& value) {
  kafka_reader reader{shared_bytes::copy_of(key)};
  const auto kind = reader.read_int16("kind");
  MILLRACE_TRY(reader.status("key of a record of a share group", kind));
  switch (kind) {
  case kind_member:
    return read_as<kafka::share_group_member_metadata_key,
      record_of::of_member>(reader, value, "share group member");
  case kind_group:
    return read_as<kafka::share_group_metadata_key, record_of::of_group>(
      reader, value, "share group epoch");
  case kind_targets:
    return read_as<kafka::share_group_target_assignment_metadata_key,
      record_of::of_targets>(reader, value, "share group target epoch");
  case kind_target:
    return read_as<kafka::share_group_target_assignment_member_key,
      record_of::of_target>(reader, value, "share group target");
  case kind_current:
    return read_as<kafka::share_group_current_member_assignment_key,
      record_of::of_current>(reader, value, "share group assignment");
  case kind_states:
    return read_as<kafka::share_group_state_partition_metadata_key,
      record_of::of_states>(reader, value, "share group partitions");
  default:
    return error{errc::corrupt, "no kind of record of a share group"};
  }
}

} // namespace millrace
