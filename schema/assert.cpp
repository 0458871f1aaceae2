#include "schema/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace millrace {

void assertion_failed(
  const char* condition, const char* believed, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", file, line,
    believed, condition);
  std::abort();
}

} // namespace millrace
