#include "storage/batch_check.hpp"

#include "storage/record_batch_cursor.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

// A refused batch names so many records at most.
constexpr size_t record_errors_max = 100;

bool refuse(append_item& item, kafka_error error, std::string why) {
  item.error = error;
  item.message = std::move(why);
  return false;
}

/// One whole batch of format 2 with a right checksum.
bool check_frame(append_item& item, const log_config& config) {
  const auto bytes = item.batch.span();
  if (bytes.size() < batch_view::header_size) {
    // Formats 0 and 1 are shorter, and have their magic at the same place.
    if (bytes.size() > 16 && std::to_integer<int>(bytes[16]) < 2)
      return refuse(item, kafka_error::unsupported_for_message_format,
        "only record batches of format 2 are accepted");
    return refuse(item, kafka_error::corrupt_message,
      "a record batch has 61 bytes at least, this one "
        + std::to_string(bytes.size()));
  }
  const batch_view view{bytes};
  if (view.magic() == 0 || view.magic() == 1)
    return refuse(item, kafka_error::unsupported_for_message_format,
      "only record batches of format 2 are accepted");
  if (view.magic() != 2)
    return refuse(item, kafka_error::corrupt_message,
      "the record batch has the unknown magic " + std::to_string(view.magic()));
  if (view.size() < static_cast<int64_t>(batch_view::header_size)
      || view.size() > static_cast<int64_t>(bytes.size()))
    return refuse(item, kafka_error::corrupt_message,
      "the record batch says that it has " + std::to_string(view.size())
        + " bytes, but " + std::to_string(bytes.size()) + " came");
  if (item.origin == append_origin::client && view.base_offset().value != 0)
    return refuse(item, kafka_error::invalid_record,
      "the record batch begins at offset "
        + std::to_string(view.base_offset().value) + ", which must be 0");
  if (view.size() > config.max_message_bytes)
    return refuse(item, kafka_error::message_too_large,
      "the record batch has " + std::to_string(view.size())
        + " bytes, more than max.message.bytes ("
        + std::to_string(config.max_message_bytes) + ")");
  if (view.size() > config.segment_bytes)
    return refuse(item, kafka_error::record_list_too_large,
      "the record batch has " + std::to_string(view.size())
        + " bytes, more than segment.bytes ("
        + std::to_string(config.segment_bytes) + ")");
  if (view.crc() != view.computed_crc())
    return refuse(item, kafka_error::corrupt_message,
      "the record batch's checksum is wrong");
  if (view.size() < static_cast<int64_t>(bytes.size()))
    return refuse(item, kafka_error::invalid_record,
      "a partition takes exactly one record batch in a request");
  return true;
}

/// What the header says of its records and its producer.
bool check_header(append_item& item) {
  const batch_view view{item.batch.span()};
  const bool client = item.origin == append_origin::client;
  if (view.codec_number() > static_cast<int>(compression_codec::zstd))
    return refuse(item, kafka_error::unsupported_compression_type,
      "there is no codec " + std::to_string(view.codec_number()));
  if (client && view.is_control())
    return refuse(item, kafka_error::invalid_record,
      "clients may not write control batches");
  if (view.is_transactional() && view.producer().value < 0)
    return refuse(item, kafka_error::invalid_record,
      "a transactional batch needs a producer id");
  if (view.record_count() <= 0 || view.last_offset_delta() < 0
      || int64_t{view.last_offset_delta()} + 1 != view.record_count())
    return refuse(item, kafka_error::invalid_record,
      "the record batch has the count " + std::to_string(view.record_count())
        + " and the last offset delta "
        + std::to_string(view.last_offset_delta()));
  if (view.producer().value >= 0
      && (view.producer_epoch() < 0 || (client && view.base_sequence() < 0)))
    return refuse(item, kafka_error::invalid_record,
      "a batch with a producer id needs an epoch and a sequence");
  return true;
}

/// Whether a record may carry this timestamp. -1 is none.
bool timestamp_allowed(
  const log_config& config, int64_t timestamp, int64_t now_ms) {
  if (timestamp == -1)
    return true;
  // now - timestamp <= before and timestamp - now <= after, without overflow.
  const auto behind = static_cast<__int128>(now_ms) - timestamp;
  return behind <= config.timestamp_before_max_ms
         && -behind <= config.timestamp_after_max_ms;
}

void note_record(
  append_item& item, kafka_error error, int32_t index, const char* why) {
  item.error = error;
  if (item.record_errors.size() < record_errors_max)
    item.record_errors.push_back({index, why});
}

bool refuse_codec(append_item& item, const error& why) {
  return refuse(item,
    why.code == errc::too_large ? kafka_error::message_too_large
                                : kafka_error::corrupt_message,
    "the record batch's records: " + why.context);
}

/// Every record's fields, offsets and timestamps; finds the largest one.
bool check_records(append_item& item, const log_config& config, int64_t now_ms,
  int64_t& max_timestamp) {
  const batch_view view{item.batch.span()};
  auto cursor = view.codec() == compression_codec::none
                  ? record_cursor{view.records()}
                  : record_cursor{view.codec(), view.records(),
                      config.decompressed_bytes_max};
  const bool own_times = config.timestamps == timestamp_type::create_time;
  // What a producer should not say. As in Kafka its records then all have the
  // batch's largest timestamp, which is all that a topic with CreateTime asks.
  const bool claims_append
    = view.timestamps() == timestamp_type::log_append_time;
  const int64_t base_timestamp = view.base_timestamp();
  const int32_t count = view.record_count();
  max_timestamp = -1;
  record_head head;
  for (int32_t i = 0; i < count; ++i) {
    if (!cursor.next(head)) {
      if (cursor.failure().code == errc::none)
        return refuse(item, kafka_error::invalid_record,
          "the record batch holds " + std::to_string(i)
            + " records, its header says " + std::to_string(count));
      if (view.codec() == compression_codec::none)
        return refuse(item, kafka_error::invalid_record,
          "record " + std::to_string(i) + ": " + cursor.failure().context);
      return refuse_codec(item, cursor.failure());
    }
    // A sum that wraps is a lie, which the window below refuses or not.
    const auto timestamp
      = claims_append
          ? view.max_timestamp()
          : static_cast<int64_t>(static_cast<uint64_t>(base_timestamp)
                                 + static_cast<uint64_t>(head.timestamp_delta));
    max_timestamp = std::max(max_timestamp, timestamp);
    if (head.offset_delta != i) [[unlikely]]
      note_record(item, kafka_error::invalid_record, i,
        "its offset does not follow the one before");
    else if (head.key_size < 0 && config.compacted)
      note_record(item, kafka_error::invalid_record, i,
        "a compacted topic takes no record without a key");
    else if (own_times && !timestamp_allowed(config, timestamp, now_ms))
      note_record(item, kafka_error::invalid_timestamp, i,
        "its timestamp is out of the range that the topic allows");
    else if (claims_append && (!own_times || timestamp == -1))
      note_record(item, kafka_error::invalid_timestamp, i,
        "a producer may not set the timestamp type LogAppendTime");
  }
  const bool more = cursor.next(head);
  // Without a codec, bytes that are no record are too much just the same.
  if (more
      || (view.codec() == compression_codec::none
          && cursor.failure().code != errc::none))
    return refuse(item, kafka_error::invalid_record,
      "the record batch holds more than the records of its header");
  if (cursor.failure().code != errc::none)
    return refuse_codec(item, cursor.failure());
  if (item.error != kafka_error::none)
    return refuse(item, item.error,
      "one or more records have been refused; the first: "
        + item.record_errors.front().message);
  return true;
}

/// Replaces the batch by one whose records are compressed by `codec`.
bool recode(
  append_item& item, const log_config& config, compression_codec codec) {
  const batch_view view{item.batch.span()};
  auto plain
    = decompress(view.codec(), view.records(), config.decompressed_bytes_max);
  if (!plain)
    return refuse_codec(item, plain.error());
  auto packed = compress(codec, *plain, config.levels);
  if (!packed)
    return refuse(
      item, kafka_error::unknown_server_error, packed.error().context);
  const size_t size = batch_view::header_size + packed->size();
  if (static_cast<int64_t>(size) > config.max_message_bytes)
    return refuse(item, kafka_error::message_too_large,
      "the record batch has " + std::to_string(size) + " bytes as "
        + to_string(codec) + ", more than max.message.bytes ("
        + std::to_string(config.max_message_bytes) + ")");
  auto made = shared_bytes::allocate(size);
  std::memcpy(made.data(), item.batch.data(), batch_view::header_size);
  if (!packed->empty())
    std::memcpy(
      made.data() + batch_view::header_size, packed->data(), packed->size());
  patch_size(made.writable());
  patch_attributes(made.writable(),
    static_cast<int16_t>((view.attributes() & ~batch_attributes::codec_mask)
                         | static_cast<int16_t>(codec)));
  patch_crc(made.writable());
  item.batch = std::move(made);
  return true;
}

/// Writes the timestamps that the topic asks for. The checksum covers them; as
/// in Kafka, what no attribute is known for goes where anything is written.
void stamp(append_item& item, const log_config& config, int64_t now_ms,
  int64_t max_timestamp) {
  const batch_view view{item.batch.span()};
  constexpr int known_attributes = 0x7f; // up to the delete horizon's
  int attributes = view.attributes() & ~batch_attributes::log_append_time;
  if (config.timestamps == timestamp_type::log_append_time) {
    attributes |= batch_attributes::log_append_time;
    max_timestamp = now_ms;
    item.log_append_time = now_ms;
  }
  if (attributes == view.attributes() && max_timestamp == view.max_timestamp())
    return;
  patch_attributes(
    item.batch.writable(), static_cast<int16_t>(attributes & known_attributes));
  patch_max_timestamp(item.batch.writable(), max_timestamp);
  patch_crc(item.batch.writable());
}

} // namespace

void check_batch(append_item& item, const log_config& config, int64_t now_ms) {
  if (!check_frame(item, config) || !check_header(item))
    return;
  int64_t max_timestamp = batch_view{item.batch.span()}.max_timestamp();
  if (item.origin == append_origin::client
      && !check_records(item, config, now_ms, max_timestamp))
    return;
  const batch_view view{item.batch.span()};
  const bool is_control = view.is_control();
  if (config.compression && *config.compression != view.codec() && !is_control
      && !recode(item, config, *config.compression)) // it replaces the batch
    return;
  if (!is_control || config.timestamps == timestamp_type::log_append_time)
    stamp(item, config, now_ms, max_timestamp);
}

} // namespace millrace
