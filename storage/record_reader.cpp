#include "storage/record_reader.hpp"

#include "storage/compression.hpp"
#include "storage/record_field.hpp"

namespace millrace {

namespace {

/// Reads the fields of records; the first failure sticks.
class field_reader {
public:
  explicit field_reader(std::span<const std::byte> bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const {
    return at_ != nullptr;
  }

  int64_t number() {
    int64_t value = 0;
    if (ok())
      at_ = load_varint(at_, end_, value);
    return ok() ? value : 0;
  }

  void skip(size_t size) {
    if (ok() && static_cast<size_t>(end_ - at_) >= size)
      at_ += size;
    else
      at_ = nullptr;
  }

  /// Bytes behind their length; a negative length is null.
  std::optional<std::string_view> bytes() {
    const auto size = number();
    if (!ok() || size < 0)
      return std::nullopt;
    const auto* from = reinterpret_cast<const char*>(at_);
    skip(static_cast<size_t>(size));
    if (!ok())
      return std::nullopt;
    return std::string_view{from, static_cast<size_t>(size)};
  }

private:
  const std::byte* at_;
  const std::byte* end_;
};

/// Wraps: the sum may be a lie, which is the reader's to judge.
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(
    static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

void read_record(
  field_reader& reader, const batch_view& batch, record_view& record) {
  (void)reader.number(); // its length: the fields say the same
  reader.skip(1);        // attributes: none are defined
  const auto timestamp_delta = reader.number();
  record.at = offset{sum(batch.base_offset().value, reader.number())};
  record.timestamp_ms = batch.timestamps() == timestamp_type::log_append_time
                          ? batch.max_timestamp()
                          : sum(batch.base_timestamp(), timestamp_delta);
  record.key = reader.bytes();
  record.value = reader.bytes();
  record.headers.clear();
  const auto header_count = reader.number();
  for (int64_t i = 0; i < header_count && reader.ok(); ++i) {
    const auto name = reader.bytes();
    const auto value = reader.bytes();
    record.headers.emplace_back(name.value_or(""), value);
  }
}

} // namespace

result<void> read_records(const batch_view& batch,
  const std::function<void(const record_view&)>& visit,
  size_t unfolded_bytes_max) {
  std::vector<std::byte> unfolded;
  auto bytes = batch.records();
  if (batch.codec() != compression_codec::none) {
    auto plain = decompress(batch.codec(), bytes, unfolded_bytes_max);
    if (!plain)
      return plain.error();
    unfolded = std::move(*plain);
    bytes = unfolded;
  }
  field_reader reader{bytes};
  record_view record;
  for (int32_t i = 0; i < batch.record_count(); ++i) {
    read_record(reader, batch, record);
    if (!reader.ok())
      return error{
        errc::corrupt, "record " + std::to_string(i) + " is cut short"};
    visit(record);
  }
  return {};
}

result<offset> for_each_batch(std::span<const std::byte> bytes, offset from,
  const std::function<result<void>(const batch_view&)>& visit) {
  auto next = from;
  while (bytes.size() >= batch_view::header_size) {
    const batch_view batch{bytes};
    const auto where = [&](const std::string& what) {
      return "the batch at offset " + std::to_string(batch.base_offset().value)
             + ": " + what;
    };
    if (!batch.plausible())
      return error{errc::corrupt, where("an impossible header")};
    const auto size = static_cast<size_t>(batch.size());
    if (size > bytes.size())
      break;
    if (batch.crc() != batch.computed_crc())
      return error{errc::corrupt, where("a wrong checksum")};
    if (auto done = visit(batch); !done)
      return error{done.error().code, where(done.error().context)};
    next = std::max(next, batch.last_offset() + int64_t{1});
    bytes = bytes.subspan(size);
  }
  return next;
}

result<offset> for_each_record(std::span<const std::byte> bytes, offset from,
  const std::function<void(const record_view&)>& visit,
  size_t unfolded_bytes_max) {
  return for_each_batch(bytes, from, [&](const batch_view& batch) {
    return batch.is_control() ? result<void>{}
                              : read_records(batch, visit, unfolded_bytes_max);
  });
}

} // namespace millrace
