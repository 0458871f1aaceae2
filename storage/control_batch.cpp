#include "storage/control_batch.hpp"

#include "schema/assert.hpp"
#include "schema/kafka/end_txn_marker.hpp"
#include "schema/kafka_wire.hpp"
#include "storage/record_builder.hpp"
#include "storage/record_field.hpp"

#include <string>

namespace millrace {

namespace {

constexpr int16_t type_abort = 0;
constexpr int16_t type_commit = 1;
constexpr int16_t version = 0;

template <class T>
std::string encode_versioned(const T& body) {
  kafka_writer writer;
  writer.write_int16(version);
  encode(writer, version, body);
  return std::move(writer.finish().bytes);
}

/// Bytes added by a later version of key or value are passed over: Kafka
/// reads them as the version that it knows.
template <class T>
result<T> decode_versioned(std::span<const std::byte> bytes, const char* what) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  const auto found = reader.read_int16("version");
  MILLRACE_TRY(reader.status(what, found));
  if (found < version)
    return error{errc::corrupt, std::string{what} + ": a negative version"};
  T body;
  MILLRACE_TRY(decode(reader, version, body));
  return body;
}

/// Key and value of the one record of a batch.
struct control_record {
  std::span<const std::byte> key;
  std::span<const std::byte> value;
};

const std::byte* take_bytes(const std::byte* from, const std::byte* end,
  std::span<const std::byte>& bytes) {
  int32_t size = 0;
  from = load_varint(from, end, size);
  if (from == nullptr || size < 0 || size > end - from)
    return nullptr;
  bytes = {from, static_cast<size_t>(size)};
  return from + size;
}

std::optional<control_record> only_record(const batch_view& batch) {
  if (batch.codec_number() != 0 || batch.record_count() != 1)
    return {};
  const auto bytes = batch.records();
  const auto* end = bytes.data() + bytes.size();
  int32_t length = 0;
  const auto* at = load_varint(bytes.data(), end, length);
  if (at == nullptr || length < 1 || length != end - at)
    return {};
  ++at; // attributes
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  at = load_varint(at, end, timestamp_delta);
  if (at != nullptr)
    at = load_varint(at, end, offset_delta);
  control_record record;
  if (at != nullptr)
    at = take_bytes(at, end, record.key);
  if (at != nullptr)
    at = take_bytes(at, end, record.value);
  if (at == nullptr)
    return {};
  return record;
}

} // namespace

shared_bytes make_control_batch(
  const end_transaction_marker& marker, int64_t timestamp_ms) {
  MILLRACE_ASSERT(marker.producer.value >= 0 && marker.epoch >= 0,
    "a marker belongs to a producer");
  const auto key = encode_versioned(kafka::control_record_type_schema{
    marker.commit ? type_commit : type_abort});
  const auto value
    = encode_versioned(kafka::end_txn_marker{marker.coordinator_epoch});
  record_builder builder;
  builder.set_producer(marker.producer, marker.epoch, -1);
  record_view record;
  record.timestamp_ms = timestamp_ms;
  record.key = key;
  record.value = value;
  builder.add(record);
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "only a codec could fail");
  patch_attributes(batch->writable(),
    batch_attributes::transactional | batch_attributes::control);
  patch_crc(batch->writable());
  return std::move(*batch);
}

std::optional<end_transaction_marker> marker_in(const batch_view& batch) {
  if (!batch.is_control())
    return {};
  const auto found = read_control_batch(batch);
  return found ? *found : std::nullopt;
}

result<std::optional<end_transaction_marker>> read_control_batch(
  const batch_view& batch) {
  MILLRACE_ASSERT(batch.is_control(), "only control batches hold markers");
  const auto record = only_record(batch);
  if (!record)
    return error{errc::corrupt, "control batch at "
                                  + std::to_string(batch.base_offset().value)
                                  + ": not one record with key and value"};
  const auto type = decode_versioned<kafka::control_record_type_schema>(
    record->key, "control record's key");
  MILLRACE_TRY(type);
  if (type->type != type_abort && type->type != type_commit)
    return std::optional<end_transaction_marker>{};
  const auto value = decode_versioned<kafka::end_txn_marker>(
    record->value, "end of a transaction");
  MILLRACE_TRY(value);
  return std::optional{
    end_transaction_marker{batch.producer(), batch.producer_epoch(),
      type->type == type_commit, value->coordinator_epoch}};
}

} // namespace millrace
