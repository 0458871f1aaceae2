#pragma once

// Included before everything in Clang's builds (the fuzzers and clang-tidy).
// Cap'n Proto 0.9.2 compares a `const char*` with a kj::StringPtr through the
// reversed form of StringPtr's operator==, which C++20 as amended (P2468) does
// not consider where there is an operator!= too. GCC 12 still does.
#include <kj/string.h>

namespace kj {

inline bool operator==(const char* a, const StringPtr& b) {
  return b.operator==(a);
}

inline bool operator!=(const char* a, const StringPtr& b) {
  return !b.operator==(a);
}

} // namespace kj
