#pragma once

// Decides whether a batch may enter a log, and makes it what the topic's
// settings ask for: codec, timestamps. The rules and codes are Kafka's.

#include "storage/append_item.hpp"
#include "storage/log_config.hpp"

#include <cstdint>

namespace millrace {

/// Validates `item.batch` (R15) and, if it is good, patches its maximum
/// timestamp, its timestamp type and its checksum where they must change, or
/// replaces it by a re-coded batch. Fills in `error`, `message`,
/// `record_errors` and `log_append_time`; gives no offsets.
///
/// CORRUPT_MESSAGE: not one whole batch, or a wrong checksum.
/// UNSUPPORTED_FOR_MESSAGE_FORMAT: an old format.
/// UNSUPPORTED_COMPRESSION_TYPE: a codec that is none.
/// MESSAGE_TOO_LARGE: above max.message.bytes.
/// RECORD_LIST_TOO_LARGE: above segment.bytes.
/// INVALID_RECORD: counts, deltas or fields of records that make no sense, a
/// control batch from a client, a missing key.
/// INVALID_TIMESTAMP: a timestamp out of the allowed window.
/// INVALID_REQUEST: a transactional batch where none is allowed.
/// @param now_ms wall clock, which LogAppendTime stamps
void check_batch(append_item& item, const log_config& config, int64_t now_ms);

} // namespace millrace
