// The messages between a leader and its followers, in whole frames: what can
// be read is encoded and read again, to the same message.
#include "schema/assert.hpp"
#include "schema/replica_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace millrace;
  const auto frame = shared_bytes::copy_of(
    std::string_view{reinterpret_cast<const char*>(data), size});
  const auto read = decode_envelope(frame);
  if (!read)
    return 0;
  const auto first = decode_replica_message(*read);
  if (!first)
    return 0;
  const auto second = decode_replica_message(encode(*first));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(*second == *first, "the second reading is the first");
  return 0;
}
