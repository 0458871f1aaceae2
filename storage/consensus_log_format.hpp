#pragma once

// The bytes of a consensus log's segment files: docs/formats/consensus-log.md.
// All integers are little-endian.

#include "schema/shared_bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace millrace {

/// One entry of the log of a consensus group.
struct consensus_entry {
  uint64_t term = 0;
  uint64_t index = 0;
  uint8_t type = 0; ///< a command, a configuration: the group's own affair
  shared_bytes payload;

  friend bool operator==(const consensus_entry&, const consensus_entry&)
    = default;
};

/// The head of a segment file.
struct consensus_segment_header {
  static constexpr size_t bytes = 512;
  static constexpr uint32_t version = 1;

  uint64_t sequence = 0;      ///< orders the files of a directory
  uint64_t first_index = 1;   ///< of its entries
  uint64_t previous_term = 0; ///< of the entry before the first
  bool starts_over = false;   ///< nothing of earlier files counts

  [[nodiscard]] std::string file_name() const;
  [[nodiscard]] std::array<std::byte, bytes> encode() const;
  /// The version that the bytes claim; 0 when they are no header at all.
  [[nodiscard]] static uint32_t claimed_version(
    std::span<const std::byte> from);
  /// None when the bytes are no whole header of this version.
  static std::optional<consensus_segment_header> decode(
    std::span<const std::byte> from);
  /// What file_name() wrote: sequence and first index. None for other names.
  static std::optional<consensus_segment_header> parse_name(
    const std::string& name);
};

/// The head of an entry. Its checksum also covers where it stands, so that a
/// copy of an entry elsewhere, in a payload say, is none.
struct consensus_entry_header {
  static constexpr size_t bytes = 40;

  uint32_t payload_bytes = 0;
  uint64_t term = 0;
  uint64_t index = 0;
  uint64_t synced_index = 0; ///< was durable when this entry was written
  uint8_t type = 0;

  /// What the entry takes in the file: a multiple of 8.
  [[nodiscard]] uint64_t stride() const {
    return (bytes + uint64_t{payload_bytes} + 7) / 8 * 8;
  }
  [[nodiscard]] std::array<std::byte, bytes> encode(uint64_t sequence,
    uint64_t position, std::span<const std::byte> payload) const;
  /// Reads the fields at `position` of the file whose bytes are `segment`.
  /// None when they cannot be an entry's, checksum apart.
  static std::optional<consensus_entry_header> peek(
    std::span<const std::byte> segment, uint64_t position);
  /// Decodes the entry at `position`. None when there is no whole, valid one.
  /// `segment` may be a part of the file, which starts at its byte `start`.
  static std::optional<consensus_entry_header> decode(
    std::span<const std::byte> segment, uint64_t position, uint64_t sequence,
    uint64_t start = 0);
};

} // namespace millrace
