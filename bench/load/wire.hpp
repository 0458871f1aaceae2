#pragma once

// The little of Kafka's protocol that a load needs: requests made once and
// sent many times, answers of which only the error is read. What the load
// itself costs must not be what is measured.

#include "schema/shared_bytes.hpp"
#include "storage/record_batch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::bench {

struct batch_shape {
  int records = 1;
  int record_bytes = 100; ///< of each value
  compression_codec codec = compression_codec::none;
  uint32_t keys = 0; ///< each record has one of so many; 0: none has a key
};

/// Values that compress badly; with a codec, about as well as text does.
/// @param seed another one, other values and keys
[[nodiscard]] shared_bytes make_batch(
  const batch_shape& shape, uint32_t seed = 1);

/// Frames with the size in front, ready to be sent any number of times.
[[nodiscard]] std::string produce_frame(const std::string& topic,
  int32_t partition, const shared_bytes& batch, int16_t acks);
[[nodiscard]] std::string fetch_frame(
  const std::string& topic, int32_t partition, int64_t from, int32_t bytes_max);
[[nodiscard]] std::string create_topic_frame(
  const std::string& topic, int32_t partitions);
[[nodiscard]] std::string api_versions_frame();

/// The error of the one partition (or topic) of an answer, which is given
/// without its size.
[[nodiscard]] int16_t produce_error(std::string_view answer);
[[nodiscard]] int16_t create_topic_error(std::string_view answer);

/// What a fetch of one partition brought.
struct fetched {
  int16_t error = 0;
  size_t bytes = 0;
  /// After the last whole batch; -1 if there was none.
  int64_t next = -1;
};
[[nodiscard]] fetched read_fetch(std::string_view answer);

} // namespace millrace::bench
