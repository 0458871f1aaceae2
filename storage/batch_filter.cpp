#include "storage/batch_filter.hpp"

#include "schema/assert.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_field.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

using bits = batch_attributes;

bool has_horizon(const batch_view& batch) {
  return (batch.attributes() & bits::delete_horizon) != 0;
}

/// The delete horizon stands where the first timestamp did (KIP-534).
bool past_horizon(const batch_view& batch, int64_t now_ms) {
  return has_horizon(batch) && batch.base_timestamp() <= now_ms;
}

/// The fields of a header that compaction changes.
struct new_header {
  int16_t attributes = 0;
  int64_t base_timestamp = -1;
  int64_t max_timestamp = -1;
  int32_t record_count = 0;
};

/// `batch` with another content. The rest of the header stays.
void make_batch_of(const batch_view& batch, const new_header& h,
  std::span<const std::byte> records, std::vector<std::byte>& out) {
  out.resize(batch_view::header_size + records.size());
  std::memcpy(out.data(), batch.header_bytes().data(), batch_view::header_size);
  if (!records.empty())
    std::memcpy(
      out.data() + batch_view::header_size, records.data(), records.size());
  patch_size(out);
  patch_attributes(out, h.attributes);
  patch_base_timestamp(out, h.base_timestamp);
  patch_max_timestamp(out, h.max_timestamp);
  patch_record_count(out, h.record_count);
  patch_crc(out);
}

void put_varint(std::vector<std::byte>& out, int64_t value) {
  std::byte buffer[varint_bytes_max];
  auto* const end = store_varint(buffer, value);
  out.insert(out.end(), &buffer[0], end);
}

/// The record with its time counted from elsewhere.
void put_with_time(std::vector<std::byte>& out, const record_span& record,
  int64_t timestamp_delta) {
  const auto* at = record.bytes.data();
  const auto* const end = at + record.bytes.size();
  int64_t number = 0;
  at = load_varint(at, end, number) + 1; // its length, and the attributes
  const auto attributes = at[-1];
  at = load_varint(at, end, number);
  std::byte delta[varint_bytes_max];
  auto* const delta_end = store_varint(delta, timestamp_delta);
  put_varint(out, 1 + (delta_end - &delta[0]) + (end - at));
  out.push_back(attributes);
  out.insert(out.end(), &delta[0], delta_end);
  out.insert(out.end(), at, end);
}

/// Sums and differences of times wrap: they may be lies of a client.
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(
    static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(
    static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

} // namespace

void aborted_spans::add(const ended_transaction& aborted) {
  auto& spans = of_[aborted.producer];
  const auto after = std::upper_bound(spans.begin(), spans.end(),
    aborted.marker, [](offset marker, const span& s) {
      return marker < s.marker;
    });
  spans.insert(after, {aborted.first, aborted.marker});
}

bool aborted_spans::hold(const batch_view& batch) const {
  const auto found = of_.find(batch.producer());
  if (found == of_.end())
    return false;
  const auto at = batch.base_offset();
  const auto& spans = found->second;
  const auto ends_behind = std::upper_bound(
    spans.begin(), spans.end(), at, [](offset o, const span& s) {
      return o < s.marker;
    });
  return ends_behind != spans.end() && ends_behind->first <= at;
}

bool batch_filter::is_last_of_producer(const batch_view& batch) const {
  if (batch.producer().value < 0)
    return false;
  const auto known = rules_.producers.find(batch.producer());
  if (known == rules_.producers.end())
    return false;
  if (known->second.last_offset.value >= 0)
    return batch.last_offset() == known->second.last_offset;
  // The marker that ended its last transaction holds its epoch.
  return batch.is_control() && batch.producer_epoch() == known->second.epoch;
}

batch_filter::verdict batch_filter::without_records(const batch_view& batch) {
  if (!is_last_of_producer(batch))
    return {fate::dropped, {}};
  if (batch.record_count() == 0)
    return {fate::whole, {}};
  const auto kept = static_cast<int16_t>(
    batch.attributes() & ~(bits::codec_mask | bits::delete_horizon));
  make_batch_of(batch,
    {.attributes = kept,
      .base_timestamp = -1,
      .max_timestamp = batch.max_timestamp(),
      .record_count = 0},
    {}, made_);
  return {fate::replaced, made_};
}

result<batch_filter::verdict> batch_filter::judge(const batch_view& batch) {
  if (batch.base_offset() >= rules_.end)
    return verdict{};
  if (batch.last_offset() < rules_.log_start)
    return without_records(batch);
  if (batch.is_control())
    return judge_marker(batch);
  if (batch.is_transactional()) {
    begun_.insert(batch.producer());
    if (rules_.aborted.hold(batch))
      return without_records(batch);
  }
  return judge_records(batch);
}

result<batch_filter::verdict> batch_filter::judge_marker(
  const batch_view& batch) {
  if (batch.record_count() == 0)
    return without_records(batch);
  if (!marker_in(batch))
    return verdict{}; // of a kind that is none of ours
  // While something of its transaction is left, a reader needs the marker.
  if (begun_.erase(batch.producer()) > 0 || is_last_of_producer(batch))
    return verdict{};
  if (past_horizon(batch, rules_.now_ms))
    return verdict{fate::dropped, {}};
  if (has_horizon(batch))
    return verdict{};
  MILLRACE_TRY(spans_.read(batch));
  kept_.assign(1, 0);
  return rewrite(batch, true);
}

result<batch_filter::verdict> batch_filter::judge_records(
  const batch_view& batch) {
  MILLRACE_TRY(spans_.read(batch));
  const auto records = spans_.records();
  hashes_.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i)
    if (records[i].has_key) {
      hashes_[i] = newest_.hash(records[i].key);
      newest_.prefetch(hashes_[i]);
    }
  const bool tombstones_go = past_horizon(batch, rules_.now_ms);
  bool tombstones = false;
  kept_.clear();
  for (size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const auto at = batch.base_offset() + int64_t{record.offset_delta};
    if (!record.has_key || at < newest_.newest(hashes_[i])
        || (!record.has_value && tombstones_go))
      continue;
    tombstones = tombstones || !record.has_value;
    kept_.push_back(static_cast<uint32_t>(i));
  }
  if (kept_.empty())
    return without_records(batch);
  const bool set_horizon = tombstones && !has_horizon(batch);
  if (kept_.size() == records.size() && !set_horizon)
    return verdict{};
  return rewrite(batch, set_horizon);
}

result<batch_filter::verdict> batch_filter::rewrite(
  const batch_view& batch, bool set_horizon) {
  const auto records = spans_.records();
  const int64_t base = batch.base_timestamp();
  const int64_t horizon = sum(rules_.now_ms, rules_.delete_retention_ms);
  int64_t largest = -1;
  body_.clear();
  for (const auto i : kept_) {
    const auto& record = records[i];
    const int64_t timestamp = sum(base, record.timestamp_delta);
    largest = std::max(largest, timestamp);
    if (set_horizon)
      put_with_time(body_, record, difference(timestamp, horizon));
    else
      body_.insert(body_.end(), record.bytes.begin(), record.bytes.end());
  }
  new_header h{.attributes = batch.attributes(),
    .base_timestamp = set_horizon ? horizon : base,
    .max_timestamp = batch.timestamps() == timestamp_type::log_append_time
                       ? batch.max_timestamp()
                       : largest,
    .record_count = static_cast<int32_t>(kept_.size())};
  if (set_horizon)
    h.attributes |= bits::delete_horizon;
  if (batch.codec() == compression_codec::none) {
    make_batch_of(batch, h, body_, made_);
  } else {
    auto packed = compress(batch.codec(), body_, rules_.levels);
    if (!packed)
      return packed.error();
    make_batch_of(batch, h, *packed, made_);
  }
  return verdict{fate::replaced, made_};
}

std::vector<std::byte> make_filler(
  offset first, offset last, leader_epoch epoch) {
  MILLRACE_ASSERT(last >= first && last.value - first.value <= INT32_MAX,
    "an empty batch reaches as far as any other");
  std::vector<std::byte> batch(batch_view::header_size);
  auto* p = batch.data();
  store_field(p, first.value);
  patch_size(batch);
  patch_leader_epoch(batch, epoch);
  p[16] = std::byte{2};
  store_field<int32_t>(p + 23, static_cast<int32_t>(last.value - first.value));
  patch_base_timestamp(batch, -1);
  patch_max_timestamp(batch, -1);
  store_field<int64_t>(p + 43, -1); // no producer,
  store_field<int16_t>(p + 51, -1); // with no epoch,
  store_field<int32_t>(p + 53, -1); // and no sequence
  patch_crc(batch);
  return batch;
}

bool is_filler(const batch_view& batch) {
  return batch.record_count() == 0 && batch.producer().value < 0
         && !batch.is_control()
         && batch.size() == static_cast<int64_t>(batch_view::header_size);
}

} // namespace millrace
