#include "apps/client/batch_codec.hpp"

#include "storage/record_builder.hpp"
#include "storage/record_reader.hpp"

namespace millrace::client {
namespace {

std::optional<std::string_view> view_of(
  const std::optional<std::string>& bytes) {
  return bytes ? std::optional<std::string_view>{*bytes} : std::nullopt;
}

std::optional<std::string> copy_of(
  const std::optional<std::string_view>& bytes) {
  return bytes ? std::optional<std::string>{*bytes} : std::nullopt;
}

} // namespace

result<shared_bytes> encode_batch(std::span<const new_record> records,
  compression_codec codec, const batch_producer& producer) {
  record_builder builder{codec};
  if (producer.id >= 0)
    builder.set_producer(
      producer_id{producer.id}, producer.epoch, producer.sequence);
  for (const auto& record : records) {
    record_view view;
    view.timestamp_ms = record.timestamp;
    view.key = view_of(record.key);
    view.value = view_of(record.value);
    for (const auto& [name, value] : record.headers)
      view.headers.emplace_back(name, view_of(value));
    builder.add(view);
  }
  return builder.finish();
}

result<decoded_batches> decode_batches(
  const shared_bytes& bytes, int64_t from) {
  decoded_batches decoded;
  auto next
    = for_each_record(bytes.span(), offset{from}, [&](const record_view& view) {
        if (view.at.value < from)
          return;
        auto& record = decoded.records.emplace_back();
        record.offset = view.at.value;
        record.timestamp = view.timestamp_ms;
        record.key = copy_of(view.key);
        record.value = copy_of(view.value);
        for (const auto& [name, value] : view.headers)
          record.headers.emplace_back(name, copy_of(value));
      });
  if (!next)
    return next.error();
  decoded.next_offset = std::max(from, next->value);
  return decoded;
}

} // namespace millrace::client
