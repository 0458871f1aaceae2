#pragma once

// Makes record batches: for coordinators, which write records of their own,
// for command-line clients, and for tests.

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"
#include "storage/log_config.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// A record as it goes into a batch, or comes out of one. The bytes belong to
/// somebody else.
struct record_view {
  /// In the log; ignored by record_builder.
  offset at{-1};
  int64_t timestamp_ms = -1;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<std::pair<std::string_view, std::optional<std::string_view>>>
    headers;
};

/// Gathers records, then makes one batch of format 2 of them.
class record_builder {
public:
  explicit record_builder(compression_codec codec = compression_codec::none)
      : codec_(codec) {}

  /// Makes the batch an idempotent producer's (KIP-98).
  void set_producer(producer_id id, int16_t epoch, int32_t base_sequence);
  /// Makes the batch a coordinator's part of a producer's transaction: it has
  /// no sequence.
  void set_transaction(producer_id id, int16_t epoch);
  void add(const record_view& record);

  [[nodiscard]] int32_t record_count() const {
    return count_;
  }
  /// Of the records added so far, before compression.
  [[nodiscard]] size_t records_size() const {
    return records_.size();
  }

  /// The batch, with base offset 0 and a right checksum. The builder is empty
  /// afterwards. Precondition: at least one record.
  /// Errors: those of the codec.
  [[nodiscard]] result<shared_bytes> finish();

private:
  void put_varint(int64_t value);
  void put_bytes(const std::optional<std::string_view>& bytes);

  compression_codec codec_;
  producer_id producer_{-1};
  int16_t producer_epoch_ = -1;
  int32_t base_sequence_ = -1;
  bool transactional_ = false;
  std::vector<std::byte> records_;
  std::vector<std::byte> one_;
  int32_t count_ = 0;
  int64_t base_timestamp_ = -1;
  int64_t max_timestamp_ = -1;
};

} // namespace millrace
