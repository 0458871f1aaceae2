#include "bench/load/wire.hpp"

#include "schema/assert.hpp"
#include "schema/big_endian.hpp"
#include "storage/record_batch.hpp"
#include "storage/record_builder.hpp"

#include <chrono>
#include <cstring>
#include <random>

namespace millrace::bench {
namespace {

class frame {
public:
  frame(int16_t api_key, int16_t version) {
    put(int32_t{0});
    put(api_key);
    put(version);
    put(int32_t{1});
    put(std::string_view{"load"});
  }

  template <class T>
  frame& put(T x) {
    const T wire = big_endian(x);
    bytes_.append(reinterpret_cast<const char*>(&wire), sizeof wire);
    return *this;
  }
  frame& put(std::string_view text) {
    put(static_cast<int16_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  frame& put(const std::string& text) {
    return put(std::string_view{text});
  }
  frame& put(const shared_bytes& batch) {
    put(static_cast<int32_t>(batch.size()));
    bytes_.append(batch.text());
    return *this;
  }
  std::string finish() {
    const auto size
      = big_endian(static_cast<int32_t>(bytes_.size() - sizeof(int32_t)));
    std::memcpy(bytes_.data(), &size, sizeof size);
    return std::move(bytes_);
  }

private:
  std::string bytes_;
};

/// Reads fields of an answer one after the other.
class fields {
public:
  explicit fields(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    MILLRACE_ASSERT(sizeof(T) <= bytes_.size(), "an answer is whole");
    T x;
    std::memcpy(&x, bytes_.data(), sizeof x);
    bytes_.remove_prefix(sizeof x);
    return big_endian(x);
  }
  fields& skip(size_t count) {
    MILLRACE_ASSERT(count <= bytes_.size(), "an answer is whole");
    bytes_.remove_prefix(count);
    return *this;
  }
  fields& skip_string() {
    return skip(static_cast<size_t>(std::max<int16_t>(0, take<int16_t>())));
  }
  [[nodiscard]] std::string_view rest() const {
    return bytes_;
  }

private:
  std::string_view bytes_;
};

constexpr size_t correlation = 4;
constexpr size_t count = 4;
constexpr size_t throttle = 4;
constexpr size_t index = 4;

/// Letters; with a codec, words out of a few hundred.
void fill(
  std::string& value, const batch_shape& shape, std::minstd_rand& random) {
  const auto size = static_cast<size_t>(shape.record_bytes);
  value.clear();
  while (value.size() < size)
    if (shape.codec == compression_codec::none)
      value += static_cast<char>('a' + random() % 26);
    else
      value += "word" + std::to_string(random() % 300) + ' ';
  value.resize(size);
}

} // namespace

shared_bytes make_batch(const batch_shape& shape, uint32_t seed) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::system_clock::now().time_since_epoch());
  std::minstd_rand random{seed};
  std::string value;
  record_builder builder{shape.codec};
  for (int i = 0; i < shape.records; ++i) {
    fill(value, shape, random);
    const auto key
      = shape.keys == 0 ? std::string{} : std::to_string(random() % shape.keys);
    record_view record{.timestamp_ms = now.count(), .value = value};
    if (shape.keys > 0)
      record.key = key;
    builder.add(record);
  }
  auto made = builder.finish();
  MILLRACE_ASSERT(made, "what is not too large can be compressed");
  return *made;
}

std::string produce_frame(const std::string& topic, int32_t partition,
  const shared_bytes& batch, int16_t acks) {
  frame f{0, 7};
  f.put(int16_t{-1}).put(acks).put(int32_t{30000});
  f.put(int32_t{1}).put(topic).put(int32_t{1}).put(partition).put(batch);
  return f.finish();
}

std::string fetch_frame(const std::string& topic, int32_t partition,
  int64_t from, int32_t bytes_max) {
  frame f{1, 4};
  f.put(int32_t{-1}).put(int32_t{100}).put(int32_t{1});
  f.put(int32_t{50 << 20}).put(int8_t{0});
  f.put(int32_t{1}).put(topic).put(int32_t{1});
  f.put(partition).put(from).put(bytes_max);
  return f.finish();
}

std::string create_topic_frame(const std::string& topic, int32_t partitions) {
  frame f{19, 2};
  f.put(int32_t{1}).put(topic).put(partitions).put(int16_t{1});
  f.put(int32_t{0}).put(int32_t{0}).put(int32_t{30000}).put(int8_t{0});
  return f.finish();
}

std::string api_versions_frame() {
  return frame{18, 0}.finish();
}

int16_t produce_error(std::string_view answer) {
  fields f{answer};
  f.skip(correlation + count).skip_string().skip(count + index);
  return f.take<int16_t>();
}

int16_t create_topic_error(std::string_view answer) {
  fields f{answer};
  f.skip(correlation + throttle + count).skip_string();
  return f.take<int16_t>();
}

fetched read_fetch(std::string_view answer) {
  fields f{answer};
  f.skip(correlation + throttle + count).skip_string().skip(count + index);
  fetched out;
  out.error = f.take<int16_t>();
  f.skip(8 + 8); // high watermark, last stable offset
  const auto aborted = f.take<int32_t>();
  if (aborted > 0)
    f.skip(static_cast<size_t>(aborted) * 16);
  out.bytes = static_cast<size_t>(std::max(0, f.take<int32_t>()));
  auto batches = std::as_bytes(std::span{f.rest()});
  while (batches.size() >= batch_view::header_size) {
    const batch_view batch{batches};
    const auto size = static_cast<size_t>(batch.size());
    if (size > batches.size())
      break;
    out.next = batch.last_offset().value + 1;
    batches = batches.subspan(size);
  }
  return out;
}

} // namespace millrace::bench
