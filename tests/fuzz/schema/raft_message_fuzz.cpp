// The messages of a consensus group, in whole frames: what can be read is
// encoded and read again, to the same message.
#include "schema/assert.hpp"
#include "schema/raft_codec.hpp"

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
  const auto first = decode_raft_message(*read);
  if (!first)
    return 0;
  MILLRACE_ASSERT(!to_string(first->message).empty(), "a message prints");
  const auto second = decode_raft_message(encode(first->group, first->message));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(*second == *first, "the second reading is the first");
  return 0;
}
