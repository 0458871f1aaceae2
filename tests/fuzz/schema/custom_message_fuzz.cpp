// What nodes say to one another for users' own actors, in whole frames, and
// what such an actor keeps in the log of its state: what can be read is
// encoded and read again, to the same bytes.
#include "schema/assert.hpp"
#include "schema/custom_message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace millrace;

void try_message(std::string_view bytes) {
  const auto read = decode_envelope(shared_bytes::copy_of(bytes));
  if (!read)
    return;
  const auto first = decode_custom_message(*read);
  if (!first)
    return;
  const auto once = encode(*first, read->request_id);
  const auto second = decode_custom_message(once);
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  const auto twice = encode(encode(*second, read->request_id));
  MILLRACE_ASSERT(
    encode(once).text() == twice.text(), "the second reading is the first");
}

void try_waiting_write(std::string_view bytes) {
  const auto first = decode_waiting_write(bytes);
  if (!first)
    return;
  const auto second = decode_waiting_write(encode(*first));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(*second == *first, "the second reading is the first");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  try_message(bytes);
  try_waiting_write(bytes);
  return 0;
}
