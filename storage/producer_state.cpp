#include "storage/producer_state.hpp"

#include "storage/crc32c.hpp"
#include "storage/record_field.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <span>

namespace millrace {

namespace {

constexpr int64_t sequence_count = int64_t{INT32_MAX} + 1;

// A snapshot: version, checksum of what follows, count, entries.
constexpr size_t checked_from = 6;
constexpr size_t snapshot_header = 10;
constexpr size_t entry_size = 46;

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

template <class T>
void put(std::string& out, T value) {
  std::byte bytes[sizeof(T)];
  store_field(bytes, value);
  out.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

template <class T>
T take(const std::byte*& from) {
  const T value = load_field<T>(from);
  from += sizeof(T);
  return value;
}

std::string describe(const sequenced_batch& batch) {
  return "producer " + std::to_string(batch.id.value) + ", epoch "
         + std::to_string(batch.epoch) + ", sequences "
         + std::to_string(batch.base_sequence) + " to "
         + std::to_string(batch.last_sequence);
}

} // namespace

int32_t advance_sequence(int32_t sequence, int32_t n) {
  return static_cast<int32_t>((int64_t{sequence} + n) % sequence_count);
}

void producer_entry::add(const producer_batch& batch) {
  if (batch_count == 0)
    contiguous = batch.base_sequence == 0 ? sequence_count : 0;
  contiguous = std::min(sequence_count,
    contiguous + batch.last_sequence - batch.base_sequence + 1
      + (batch.last_sequence < batch.base_sequence ? sequence_count : 0));
  if (batch_count == window)
    std::shift_left(batches.begin(), batches.end(), 1);
  else
    ++batch_count;
  batches[batch_count - 1u] = batch;
}

const producer_batch* producer_entry::last() const {
  return batch_count == 0 ? nullptr : &batches[batch_count - 1u];
}

sequenced_batch sequenced_batch::of(const batch_view& batch) {
  return {batch.producer(), batch.producer_epoch(), batch.base_sequence(),
    batch.last_sequence()};
}

sequence_verdict judge_sequence(const producer_entry* known,
  const sequenced_batch& batch, bool newcomers_begin_at_zero) {
  const bool has_sequence = batch.base_sequence >= 0;
  if (known == nullptr && newcomers_begin_at_zero && has_sequence
      && batch.base_sequence != 0)
    return {kafka_error::out_of_order_sequence_number,
      describe(batch)
        + ": nothing of this producer is here, and what it sent "
          "before may still come",
      {}, true};
  if (known == nullptr)
    return {};
  if (batch.epoch < known->epoch)
    return {kafka_error::invalid_producer_epoch,
      describe(batch) + ": the newest epoch is " + std::to_string(known->epoch),
      {}};
  if (!has_sequence)
    return {};
  if (batch.epoch > known->epoch) {
    if (batch.base_sequence == 0 || known->epoch < 0)
      return {};
    return {kafka_error::out_of_order_sequence_number,
      describe(batch) + ": a new epoch begins at sequence 0", {}, true};
  }
  const auto* last = known->last();
  if (last == nullptr && batch.base_sequence == 0)
    return {};
  if (last == nullptr)
    return {kafka_error::out_of_order_sequence_number,
      describe(batch)
        + ": only ends of transactions are here of this epoch, which begins "
          "at sequence 0",
      {}, true};
  for (size_t i = 0; i < known->batch_count; ++i)
    if (known->batches[i].base_sequence == batch.base_sequence
        && known->batches[i].last_sequence == batch.last_sequence)
      return {kafka_error::none, {}, known->batches[i]};
  if (batch.base_sequence == advance_sequence(last->last_sequence, 1))
    return {};
  // How far the batch's end lies behind the newest one's, round the wrap.
  const int64_t behind
    = (int64_t{last->last_sequence} - batch.last_sequence + sequence_count)
      % sequence_count;
  const int64_t begins_behind
    = (int64_t{last->last_sequence} - batch.base_sequence + sequence_count)
      % sequence_count;
  const bool is_behind
    = behind < sequence_count / 2 && begins_behind < sequence_count / 2;
  if (is_behind && begins_behind < known->contiguous)
    return {kafka_error::duplicate_sequence_number,
      describe(batch) + ": appended before, too long ago to know where", *last};
  return {kafka_error::out_of_order_sequence_number,
    describe(batch) + ": the next one is "
      + std::to_string(advance_sequence(last->last_sequence, 1)),
    *last, !is_behind};
}

const producer_entry* producer_state::find(producer_id id) const {
  const auto found = producers_.find(id);
  return found == producers_.end() ? nullptr : &found->second;
}

void producer_state::apply(const batch_view& batch, offset base) {
  if (batch.producer().value < 0)
    return;
  auto& entry = producers_[batch.producer()];
  if (batch.producer_epoch() != entry.epoch) {
    entry.epoch = batch.producer_epoch();
    entry.batch_count = 0;
  }
  entry.last_timestamp_ms = batch.max_timestamp();
  entry.idle_since_ms = -1;
  if (batch.is_control()) {
    entry.transaction_start = offset{-1};
    return;
  }
  if (batch.is_transactional() && entry.transaction_start.value < 0)
    entry.transaction_start = base;
  entry.add({batch.base_sequence(), batch.last_sequence(), base,
    base + int64_t{batch.last_offset_delta()}, batch.max_timestamp()});
}

void producer_state::note_coordinator(const end_transaction_marker& marker) {
  producers_[marker.producer].coordinator_epoch = marker.coordinator_epoch;
}

void producer_state::replace(producer_id id, const producer_entry& entry) {
  producers_[id] = entry;
}

void producer_state::expire(int64_t now_ms, int64_t expiration_ms) {
  for (auto& [id, entry] : producers_)
    if (entry.idle_since_ms < 0)
      entry.idle_since_ms = now_ms;
  std::erase_if(producers_, [&](const auto& item) {
    return item.second.transaction_start.value < 0
           && now_ms - item.second.idle_since_ms >= expiration_ms;
  });
}

void producer_state::clear() {
  producers_.clear();
}

std::vector<producer_info> producer_state::list() const {
  std::vector<producer_info> out;
  out.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) {
    const auto* last = entry.last();
    out.push_back({id, entry.epoch, last != nullptr ? last->last_sequence : -1,
      entry.last_timestamp_ms, entry.coordinator_epoch,
      entry.transaction_start});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.id < b.id;
  });
  return out;
}

std::string producer_state::encode() const {
  std::string checked;
  put(checked, static_cast<int32_t>(producers_.size()));
  for (const auto& info : list()) {
    const auto& entry = producers_.at(info.id);
    const auto* last = entry.last();
    put(checked, info.id.value);
    put(checked, entry.epoch);
    put(checked, info.last_sequence);
    put(checked, last != nullptr ? last->last_offset.value : int64_t{-1});
    put(checked, last != nullptr
                   ? static_cast<int32_t>(
                       last->last_offset.value - last->base_offset.value)
                   : int32_t{0});
    put(checked, entry.last_timestamp_ms);
    put(checked, entry.coordinator_epoch);
    put(checked, entry.transaction_start.value);
  }
  std::string out;
  put(out, int16_t{1});
  put(out, crc32c(as_bytes(checked)));
  return out + checked;
}

result<producer_state> producer_state::decode(std::string_view bytes) {
  const auto bad = [](const char* why) {
    return error{errc::corrupt, std::string{"producer snapshot: "} + why};
  };
  if (bytes.size() < snapshot_header)
    return bad("too short");
  const auto* from = as_bytes(bytes).data();
  if (take<int16_t>(from) != 1)
    return bad("not version 1");
  if (take<uint32_t>(from) != crc32c(as_bytes(bytes.substr(checked_from))))
    return bad("wrong checksum");
  const auto count = take<int32_t>(from);
  if (count < 0
      || bytes.size() - snapshot_header
           != static_cast<size_t>(count) * entry_size)
    return bad("its length does not fit its count");
  producer_state state;
  for (int32_t i = 0; i < count; ++i) {
    const producer_id id{take<int64_t>(from)};
    auto& entry = state.producers_[id];
    entry.epoch = take<int16_t>(from);
    const auto last_sequence = take<int32_t>(from);
    const auto last_offset = take<int64_t>(from);
    const auto delta = take<int32_t>(from);
    entry.last_timestamp_ms = take<int64_t>(from);
    entry.coordinator_epoch = take<int32_t>(from);
    entry.transaction_start = {take<int64_t>(from)};
    if (last_sequence >= 0 && delta >= 0) {
      // The sequence of the first record, round the wrap.
      const auto first = static_cast<int32_t>(
        (int64_t{last_sequence} - delta + sequence_count) % sequence_count);
      entry.add({first, last_sequence, {last_offset - delta}, {last_offset},
        entry.last_timestamp_ms});
      entry.contiguous = sequence_count; // a snapshot does not say
    }
  }
  return state;
}

bool producer_state::restore(std::string_view bytes) {
  auto decoded = decode(bytes);
  if (decoded)
    producers_.swap(decoded->producers_);
  return decoded.ok();
}

} // namespace millrace
