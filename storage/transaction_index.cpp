#include "storage/transaction_index.hpp"

#include "storage/record_field.hpp"

#include <array>
#include <cstddef>

namespace millrace {

namespace {

// version, producer id, first offset, last offset, last stable offset
constexpr size_t entry_size = 34;
constexpr int16_t version = 0;

void store(std::byte* to, const ended_transaction& entry) {
  store_field<int16_t>(to, version);
  store_field<int64_t>(to + 2, entry.producer.value);
  store_field<int64_t>(to + 10, entry.first.value);
  store_field<int64_t>(to + 18, entry.marker.value);
  store_field<int64_t>(to + 26, entry.last_stable.value);
}

ended_transaction load(const std::byte* from) {
  return {{load_field<int64_t>(from + 2)}, {load_field<int64_t>(from + 10)},
    {load_field<int64_t>(from + 18)}, {load_field<int64_t>(from + 26)}};
}

/// An undecided transaction that was there at the time began before the
/// marker; else nothing was undecided up to and with it.
bool makes_sense(const ended_transaction& entry) {
  return entry.producer.value >= 0 && entry.first.value >= 0
         && entry.first < entry.marker && entry.last_stable.value >= 0
         && entry.last_stable <= entry.marker + int64_t{1};
}

} // namespace

void transaction_index::add(const ended_transaction& aborted) {
  if (entries_.empty() || entries_.back().marker < aborted.marker)
    entries_.push_back(aborted);
}

bool transaction_index::truncate_to(offset end) {
  const auto before = entries_.size();
  while (!entries_.empty() && entries_.back().marker >= end)
    entries_.pop_back();
  return entries_.size() != before;
}

bool transaction_index::collect(
  offset from, offset limit, std::vector<ended_transaction>& out) const {
  for (const auto& entry : entries_) {
    if (entry.marker >= from && entry.first < limit)
      out.push_back(entry);
    if (entry.last_stable >= limit)
      return true;
  }
  return false;
}

std::string transaction_index::encode() const {
  std::string out;
  out.reserve(entries_.size() * entry_size);
  for (const auto& entry : entries_) {
    std::array<std::byte, entry_size> bytes;
    store(bytes.data(), entry);
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return out;
}

result<transaction_index> transaction_index::decode(
  std::string_view bytes, offset base, offset end) {
  const auto bad = [](size_t at, const char* why) {
    return error{errc::corrupt,
      "transaction index, byte " + std::to_string(at) + ": " + why};
  };
  if (bytes.size() % entry_size != 0)
    return bad(bytes.size(), "it ends within an entry");
  transaction_index index;
  for (size_t at = 0; at < bytes.size(); at += entry_size) {
    const auto* from = reinterpret_cast<const std::byte*>(bytes.data()) + at;
    if (load_field<int16_t>(from) != version)
      return bad(at, "no entry of version 0");
    const auto entry = load(from);
    if (entry.marker < base || entry.marker >= end || !makes_sense(entry))
      return bad(at, "offsets that cannot be");
    if (!index.entries_.empty() && index.entries_.back().marker >= entry.marker)
      return bad(at, "markers do not rise");
    index.entries_.push_back(entry);
  }
  return index;
}

} // namespace millrace
