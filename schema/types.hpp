#pragma once

// The integers of a log, each with its own type, and the ids that cross a
// process or a restart.

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace millrace {

/// An integer with a meaning: an offset cannot be passed for a leader epoch.
template <class Tag, class Rep>
struct strong {
  Rep value{};

  friend auto operator<=>(const strong&, const strong&) = default;

  /// Lets CAF carry it without a CAF header here.
  template <class Inspector>
  friend auto inspect(Inspector& f, strong& x) {
    return f(x.value);
  }
};

template <class Tag, class Rep>
constexpr strong<Tag, Rep> operator+(strong<Tag, Rep> x, Rep n) {
  return {x.value + n};
}

/// The position of a record in a log; dense, from 0.
using offset = strong<struct offset_tag, int64_t>;
/// Counts the leaderships of a partition; fences a deposed leader (KIP-101).
using leader_epoch = strong<struct leader_epoch_tag, int32_t>;
/// The number of a node in its cluster (`node.id`).
using node_id = strong<struct node_id_tag, int32_t>;
/// Given by InitProducerId; with epoch and sequence it makes a produce
/// idempotent (KIP-98).
using producer_id = strong<struct producer_id_tag, int64_t>;

inline constexpr leader_epoch no_leader_epoch{-1};
inline constexpr producer_id no_producer_id{-1};

/// A 128-bit id of a topic, directory or cluster, written as Kafka writes it:
/// 22 characters of URL-safe base64 without padding.
struct uuid {
  uint64_t high = 0;
  uint64_t low = 0;

  friend auto operator<=>(const uuid&, const uuid&) = default;
  [[nodiscard]] bool is_zero() const {
    return high == 0 && low == 0;
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, uuid& x) {
    return f(x.high, x.low);
  }
};

[[nodiscard]] std::string to_string(const uuid& id);
/// Parses what to_string() writes. Returns false and leaves `id` alone when
/// `text` is no such id.
[[nodiscard]] bool parse_uuid(std::string_view text, uuid& id);

/// One partition of one topic, by name.
struct topic_partition {
  std::string topic;
  int32_t partition = 0;

  friend auto operator<=>(const topic_partition&, const topic_partition&)
    = default;
};

/// `topic-N`, the name of its directory and the way logs name it.
[[nodiscard]] std::string to_string(const topic_partition& tp);

} // namespace millrace

template <class Tag, class Rep>
struct std::hash<millrace::strong<Tag, Rep>> {
  size_t operator()(const millrace::strong<Tag, Rep>& x) const noexcept {
    return std::hash<Rep>{}(x.value);
  }
};

template <>
struct std::hash<millrace::uuid> {
  size_t operator()(const millrace::uuid& x) const noexcept {
    return static_cast<size_t>(x.high ^ (x.low * 0x9e3779b97f4a7c15ull));
  }
};

template <>
struct std::hash<millrace::topic_partition> {
  size_t operator()(const millrace::topic_partition& x) const noexcept {
    return std::hash<std::string>{}(x.topic) * 31u
           + static_cast<size_t>(x.partition);
  }
};
