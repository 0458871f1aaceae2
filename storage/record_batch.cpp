#include "storage/record_batch.hpp"

#include "schema/assert.hpp"
#include "storage/crc32c.hpp"
#include "storage/record_field.hpp"

#include <algorithm>
#include <climits>

namespace millrace {

namespace {

// Where each field of the header begins.
constexpr size_t length_at = 8;
constexpr size_t epoch_at = 12;
constexpr size_t magic_at = 16;
constexpr size_t crc_at = 17;
constexpr size_t attributes_at = 21;
constexpr size_t last_delta_at = 23;
constexpr size_t base_timestamp_at = 27;
constexpr size_t max_timestamp_at = 35;
constexpr size_t producer_id_at = 43;
constexpr size_t producer_epoch_at = 51;
constexpr size_t base_sequence_at = 53;
constexpr size_t count_at = 57;

void check_header(std::span<const std::byte> bytes) {
  MILLRACE_ASSERT(bytes.size() >= batch_view::header_size,
    "a batch's header is read only where one fits");
}

} // namespace

batch_view::batch_view(std::span<const std::byte> bytes) : data_(bytes.data()) {
  check_header(bytes);
}

offset batch_view::base_offset() const {
  return {load_field<int64_t>(data_)};
}

int64_t batch_view::size() const {
  return int64_t{load_field<int32_t>(data_ + length_at)}
         + static_cast<int64_t>(prefix_size);
}

leader_epoch batch_view::epoch() const {
  return {load_field<int32_t>(data_ + epoch_at)};
}

int8_t batch_view::magic() const {
  return load_field<int8_t>(data_ + magic_at);
}

uint32_t batch_view::crc() const {
  return load_field<uint32_t>(data_ + crc_at);
}

int16_t batch_view::attributes() const {
  return load_field<int16_t>(data_ + attributes_at);
}

int32_t batch_view::last_offset_delta() const {
  return load_field<int32_t>(data_ + last_delta_at);
}

int64_t batch_view::base_timestamp() const {
  return load_field<int64_t>(data_ + base_timestamp_at);
}

int64_t batch_view::max_timestamp() const {
  return load_field<int64_t>(data_ + max_timestamp_at);
}

producer_id batch_view::producer() const {
  return {load_field<int64_t>(data_ + producer_id_at)};
}

int16_t batch_view::producer_epoch() const {
  return load_field<int16_t>(data_ + producer_epoch_at);
}

int32_t batch_view::base_sequence() const {
  return load_field<int32_t>(data_ + base_sequence_at);
}

int32_t batch_view::record_count() const {
  return load_field<int32_t>(data_ + count_at);
}

offset batch_view::last_offset() const {
  return base_offset() + int64_t{last_offset_delta()};
}

int32_t batch_view::last_sequence() const {
  if (base_sequence() < 0)
    return base_sequence();
  const int64_t last = int64_t{base_sequence()} + last_offset_delta();
  // 2^31 values, from 0.
  return static_cast<int32_t>(last & INT32_MAX);
}

int batch_view::codec_number() const {
  return attributes() & batch_attributes::codec_mask;
}

compression_codec batch_view::codec() const {
  return static_cast<compression_codec>(codec_number());
}

timestamp_type batch_view::timestamps() const {
  return (attributes() & batch_attributes::log_append_time) != 0
           ? timestamp_type::log_append_time
           : timestamp_type::create_time;
}

bool batch_view::is_transactional() const {
  return (attributes() & batch_attributes::transactional) != 0;
}

bool batch_view::is_control() const {
  return (attributes() & batch_attributes::control) != 0;
}

uint32_t batch_view::computed_crc() const {
  return crc32c({data_ + crc_begin, static_cast<size_t>(size()) - crc_begin});
}

std::span<const std::byte> batch_view::records() const {
  return {data_ + header_size, static_cast<size_t>(size()) - header_size};
}

bool batch_view::plausible() const {
  return magic() == 2 && size() >= static_cast<int64_t>(header_size)
         && last_offset_delta() >= 0 && record_count() >= 0
         && base_offset().value >= 0
         && base_offset().value <= INT64_MAX - last_offset_delta() - 1;
}

void patch_base_offset(std::span<std::byte> batch, offset base) {
  check_header(batch);
  store_field(batch.data(), base.value);
}

void patch_leader_epoch(std::span<std::byte> batch, leader_epoch epoch) {
  check_header(batch);
  store_field(batch.data() + epoch_at, epoch.value);
}

void patch_size(std::span<std::byte> batch) {
  check_header(batch);
  MILLRACE_ASSERT(batch.size() - batch_view::prefix_size <= INT32_MAX,
    "a batch's size fits its header");
  store_field(batch.data() + length_at,
    static_cast<int32_t>(batch.size() - batch_view::prefix_size));
}

void patch_attributes(std::span<std::byte> batch, int16_t attributes) {
  check_header(batch);
  store_field(batch.data() + attributes_at, attributes);
}

void patch_max_timestamp(std::span<std::byte> batch, int64_t timestamp) {
  check_header(batch);
  store_field(batch.data() + max_timestamp_at, timestamp);
}

void patch_base_timestamp(std::span<std::byte> batch, int64_t timestamp) {
  check_header(batch);
  store_field(batch.data() + base_timestamp_at, timestamp);
}

void patch_record_count(std::span<std::byte> batch, int32_t count) {
  check_header(batch);
  store_field(batch.data() + count_at, count);
}

void patch_crc(std::span<std::byte> batch) {
  const batch_view view{batch};
  MILLRACE_ASSERT(view.size() == static_cast<int64_t>(batch.size()),
    "a checksum is made of a whole batch");
  store_field(batch.data() + crc_at, view.computed_crc());
}

} // namespace millrace
