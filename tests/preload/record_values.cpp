#include "tests/preload/record_values.hpp"

#include "apps/client/clock.hpp"

#include <charconv>

namespace millrace::preload {

shared_bytes make_batch(const produce_batch& what) {
  std::vector<client::new_record> records;
  for (int64_t n = what.first_value; n < what.first_value + what.count; ++n) {
    client::new_record record;
    // From a few bytes to more than a block of the disk.
    record.value = std::to_string(n) + ":"
                   + std::string(static_cast<size_t>(n * 131 % 700), 'x');
    record.timestamp = client::wall_ms();
    records.push_back(std::move(record));
  }
  auto batch = client::encode_batch(records, compression_codec::none,
    {what.producer, static_cast<int16_t>(what.producer < 0 ? -1 : 0),
      what.sequence});
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  return *batch;
}

std::optional<int64_t> number_of(const std::optional<std::string>& value) {
  if (!value)
    return std::nullopt;
  const auto colon = value->find(':');
  int64_t number = 0;
  const auto* end = value->data() + std::min(colon, value->size());
  const auto [at, code] = std::from_chars(value->data(), end, number);
  if (colon == std::string::npos || code != std::errc{} || at != end)
    return std::nullopt;
  return number;
}

} // namespace millrace::preload
