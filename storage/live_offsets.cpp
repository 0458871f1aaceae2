#include "storage/live_offsets.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr uint64_t bits_max = uint64_t{1} << 20;
constexpr uint64_t word_bits = 64;

} // namespace

void live_offsets::reset(offset first, offset end) {
  MILLRACE_ASSERT(first <= end, "a range does not end before it begins");
  first_ = first;
  const auto count = static_cast<uint64_t>(end.value - first.value);
  for (shift_ = 0; count >> shift_ >= bits_max;)
    ++shift_;
  words_.assign(((count >> shift_) + word_bits) / word_bits, 0);
}

void live_offsets::note(offset at) {
  const auto bit = bit_of(at);
  words_[bit / word_bits] |= uint64_t{1} << bit % word_bits;
}

bool live_offsets::any_within(offset first, offset last) const {
  const auto begin = bit_of(first);
  const auto end = bit_of(last);
  for (auto word = begin / word_bits; word <= end / word_bits; ++word) {
    auto looked_at = ~uint64_t{0};
    if (word == begin / word_bits)
      looked_at &= ~uint64_t{0} << begin % word_bits;
    if (word == end / word_bits)
      looked_at &= ~uint64_t{0} >> (word_bits - 1 - end % word_bits);
    if ((words_[word] & looked_at) != 0)
      return true;
  }
  return false;
}

} // namespace millrace
