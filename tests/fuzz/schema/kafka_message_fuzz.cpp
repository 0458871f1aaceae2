// Every message of the clients' protocol, in every version: bytes that decode
// are encoded and decoded again, to the same message.
#include "schema/assert.hpp"
#include "schema/kafka/fields.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"
#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace {

using namespace millrace;
using namespace millrace::kafka;

using trial = std::function<void(std::string_view)>;

template <class T>
void try_message(std::string_view body, int16_t version) {
  kafka_reader reader{shared_bytes::copy_of(body)};
  T first;
  if (!decode(reader, version, first))
    return;
  kafka_writer writer;
  encode(writer, version, first);
  auto bytes = flatten(writer.finish());
  MILLRACE_ASSERT(bytes, "what was decoded can be encoded");
  kafka_reader again{shared_bytes::copy_of(*bytes)};
  T second;
  MILLRACE_ASSERT(
    decode(again, version, second), "what was encoded can be decoded");
  MILLRACE_ASSERT(first == second, "the second reading is the first");
  MILLRACE_ASSERT(!to_json(first, version).empty(), "a message prints as JSON");
}

void try_header(std::string_view body) {
  kafka_reader reader{shared_bytes::copy_of(body)};
  request_header header;
  // Its error is an answer too: what counts is that nothing is read beyond.
  static_cast<void>(decode(reader, header));
}

/// One trial for each message and version.
std::vector<trial> all_trials() {
  std::vector<trial> trials{try_header};
  visit_messages([&]<class T>(message_type<T> type) {
    for (int version = type.min_version; version <= type.max_version; ++version)
      trials.push_back([version](std::string_view body) {
        try_message<T>(body, static_cast<int16_t>(version));
      });
  });
  return trials;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto trials = all_trials();
  if (size < 2)
    return 0;
  const auto which = size_t{data[0]} * 256 + data[1];
  trials[which % trials.size()](
    {reinterpret_cast<const char*>(data + 2), size - 2});
  return 0;
}
