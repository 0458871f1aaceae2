#include "storage/consensus_log_format.hpp"

#include "storage/crc32c.hpp"

#include <bit>
#include <charconv>
#include <cstring>

namespace millrace {

namespace {

static_assert(std::endian::native == std::endian::little,
  "the fields are copied as they are in memory");

constexpr std::string_view magic = "mrconlog";
constexpr uint32_t starts_over_flag = 1;
constexpr size_t header_checksum_at = 40;
constexpr std::string_view suffix = ".entries";

template <class Integer>
void put(std::span<std::byte> at, Integer value) {
  std::memcpy(at.data(), &value, sizeof value);
}

template <class Integer>
Integer get(std::span<const std::byte> at) {
  Integer value;
  std::memcpy(&value, at.data(), sizeof value);
  return value;
}

uint32_t entry_checksum(uint64_t sequence, uint64_t position,
  std::span<const std::byte> head, std::span<const std::byte> payload) {
  std::array<std::byte, 16> place;
  put(std::span{place}.subspan(0), sequence);
  put(std::span{place}.subspan(8), position);
  return crc32c(payload, crc32c(head, crc32c(place)));
}

std::string digits(uint64_t value, size_t width) {
  auto text = std::to_string(value);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

bool parse_digits(std::string_view text, uint64_t& value) {
  const auto end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, value);
  return code == std::errc{} && at == end;
}

} // namespace

std::string consensus_segment_header::file_name() const {
  return digits(sequence, 10) + "-" + digits(first_index, 20)
         + std::string{suffix};
}

std::optional<consensus_segment_header> consensus_segment_header::parse_name(
  const std::string& name) {
  const std::string_view text = name;
  consensus_segment_header parsed;
  if (text.size() != 31 + suffix.size() || text.substr(31) != suffix
      || text[10] != '-' || !parse_digits(text.substr(0, 10), parsed.sequence)
      || !parse_digits(text.substr(11, 20), parsed.first_index))
    return std::nullopt;
  return parsed;
}

std::array<std::byte, consensus_segment_header::bytes>
consensus_segment_header::encode() const {
  std::array<std::byte, bytes> out{};
  const std::span<std::byte> at = out;
  std::memcpy(out.data(), magic.data(), magic.size());
  put(at.subspan(8), version);
  put(at.subspan(12), starts_over ? starts_over_flag : 0u);
  put(at.subspan(16), sequence);
  put(at.subspan(24), first_index);
  put(at.subspan(32), previous_term);
  put(at.subspan(header_checksum_at), crc32c(at.first(header_checksum_at)));
  return out;
}

uint32_t consensus_segment_header::claimed_version(
  std::span<const std::byte> from) {
  if (from.size() < bytes
      || std::memcmp(from.data(), magic.data(), magic.size()) != 0)
    return 0;
  return get<uint32_t>(from.subspan(8));
}

std::optional<consensus_segment_header> consensus_segment_header::decode(
  std::span<const std::byte> from) {
  if (claimed_version(from) != version
      || get<uint32_t>(from.subspan(header_checksum_at))
           != crc32c(from.first(header_checksum_at)))
    return std::nullopt;
  consensus_segment_header header;
  header.starts_over = get<uint32_t>(from.subspan(12)) == starts_over_flag;
  header.sequence = get<uint64_t>(from.subspan(16));
  header.first_index = get<uint64_t>(from.subspan(24));
  header.previous_term = get<uint64_t>(from.subspan(32));
  return header;
}

std::array<std::byte, consensus_entry_header::bytes>
consensus_entry_header::encode(uint64_t sequence, uint64_t position,
  std::span<const std::byte> payload) const {
  std::array<std::byte, bytes> out{};
  const std::span<std::byte> at = out;
  put(at.subspan(4), payload_bytes);
  put(at.subspan(8), term);
  put(at.subspan(16), index);
  put(at.subspan(24), synced_index);
  put(at.subspan(32), type);
  put(at, entry_checksum(sequence, position, at.subspan(4), payload));
  return out;
}

std::optional<consensus_entry_header> consensus_entry_header::peek(
  std::span<const std::byte> segment, uint64_t position) {
  if (position > segment.size() || segment.size() - position < bytes)
    return std::nullopt;
  const auto from = segment.subspan(position);
  consensus_entry_header header;
  header.payload_bytes = get<uint32_t>(from.subspan(4));
  header.term = get<uint64_t>(from.subspan(8));
  header.index = get<uint64_t>(from.subspan(16));
  header.synced_index = get<uint64_t>(from.subspan(24));
  header.type = get<uint8_t>(from.subspan(32));
  if (header.index == 0 || header.synced_index >= header.index
      || header.payload_bytes > from.size() - bytes)
    return std::nullopt;
  return header;
}

std::optional<consensus_entry_header> consensus_entry_header::decode(
  std::span<const std::byte> segment, uint64_t position, uint64_t sequence,
  uint64_t start) {
  const auto header = peek(segment, position);
  if (!header)
    return std::nullopt;
  const auto from = segment.subspan(position);
  const auto expected = entry_checksum(sequence, start + position,
    from.subspan(4, bytes - 4), from.subspan(bytes, header->payload_bytes));
  if (get<uint32_t>(from) != expected)
    return std::nullopt;
  return header;
}

} // namespace millrace
