// Questions to the controller and its answers, in whole frames: what can be
// read is encoded and read again, to the same message.
#include "actors/controller_codec.hpp"
#include "schema/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace millrace;

void try_question(const envelope& read) {
  const auto first = decode_question(read);
  if (!first)
    return;
  const auto second = decode_question(encode_question(read.request_id, *first));
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(
    second->question == first->question && second->version == first->version,
    "the second reading is the first");
}

/// The answer as what `asked` hears; of another kind it is refused.
bool try_answer(const envelope& read, const admin_question& asked) {
  const auto first = decode_answer(read, asked);
  if (!first)
    return false;
  // Every version up to the newest carries what the answer has in it; the
  // newest one is what a version above all of them becomes.
  const auto second
    = decode_answer(encode_answer(read.request_id, 32767, *first), asked);
  MILLRACE_ASSERT(second.ok(), "what was encoded can be decoded");
  MILLRACE_ASSERT(
    second->index == first->index, "the second reading is the first");
  return true;
}

template <size_t I = 0>
void try_answers(const envelope& read) {
  if constexpr (I < std::variant_size_v<admin_question>) {
    if (!try_answer(read, std::variant_alternative_t<I, admin_question>{}))
      try_answers<I + 1>(read);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = decode_envelope(shared_bytes::copy_of(
    std::string_view{reinterpret_cast<const char*>(data), size}));
  if (!read)
    return 0;
  if (read->is_answer)
    try_answers(*read);
  else
    try_question(*read);
  return 0;
}
