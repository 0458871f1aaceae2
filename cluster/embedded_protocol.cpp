#include "cluster/embedded_protocol.hpp"

#include "cluster/versioned_record.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t newest_version = 3;

result<int16_t> read_version(kafka_reader& reader) {
  const auto version = reader.read_int16("version");
  if (!reader.ok())
    return error{errc::truncated, "the consumer protocol has no version"};
  if (version < 0)
    return error{errc::corrupt,
      "the consumer protocol has version " + std::to_string(version)};
  return std::min(version, newest_version);
}

template <class Message>
result<Message> read(std::string_view bytes) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  const auto version = read_version(reader);
  MILLRACE_TRY(version);
  Message message;
  MILLRACE_TRY(decode(reader, *version, message));
  return message;
}

} // namespace

result<kafka::consumer_protocol_subscription> read_subscription(
  std::string_view metadata) {
  return read<kafka::consumer_protocol_subscription>(metadata);
}

result<partition_set> read_assignment(
  std::string_view assignment, const topic_view& topics) {
  if (assignment.empty())
    return partition_set{};
  auto message = read<kafka::consumer_protocol_assignment>(assignment);
  MILLRACE_TRY(message);
  return partitions_by_name(message->assigned_partitions, topics);
}

std::string write_assignment(std::string_view metadata,
  const partition_set& partitions, const topic_view& topics) {
  kafka_reader reader{shared_bytes::copy_of(metadata)};
  const auto version = read_version(reader);
  MILLRACE_ASSERT(version.ok(), "a member's metadata has been read before");
  kafka::consumer_protocol_assignment message;
  for (const auto& [id, list] : partitions)
    if (const auto* topic = topics.find(id))
      message.assigned_partitions.push_back({topic->name, list});
  return encode_prefixed(*version, *version, message);
}

} // namespace millrace
