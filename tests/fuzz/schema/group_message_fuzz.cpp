// How nodes make a consensus group and greet one another, in whole frames:
// what can be read is encoded and read again, to the same bytes.
#include "schema/assert.hpp"
#include "schema/group_hello.hpp"
#include "schema/link_hello.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace millrace;

/// Nothing has been agreed on yet when this is read.
void try_greeting(const shared_bytes& frame) {
  const auto first = decode_greeting(frame);
  if (!first || !first->refusal.empty())
    return;
  const auto second
    = decode_greeting(shared_bytes::copy_of(encode(first->hello)));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(
    second->hello == first->hello, "the second reading is the first");
}

void try_hello(const shared_bytes& frame) {
  const auto read = decode_envelope(frame);
  if (!read)
    return;
  const auto first = decode_group_hello(*read);
  if (!first)
    return;
  const auto second = decode_group_hello(encode(*first, read->is_answer));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(*second == *first, "the second reading is the first");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto frame = shared_bytes::copy_of(
    std::string_view{reinterpret_cast<const char*>(data), size});
  try_greeting(frame);
  try_hello(frame);
  return 0;
}
