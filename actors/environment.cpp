#include "actors/environment.hpp"

namespace millrace {

uuid environment::random_uuid() {
  uuid id{random(), random()};
  id.high = (id.high & ~0xf000ull) | 0x4000ull;
  id.low = (id.low & ~(3ull << 62)) | (2ull << 62);
  return id;
}

int64_t monotonic_ms(const caf::local_actor& self) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    self.clock().now().time_since_epoch())
    .count();
}

int64_t monotonic_us(const caf::local_actor& self) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
    self.clock().now().time_since_epoch())
    .count();
}

} // namespace millrace
