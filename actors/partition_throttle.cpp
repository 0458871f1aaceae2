#include "actors/partition_throttle.hpp"

#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = partition_actor::stateful_pointer<partition_state>;

void refund(self_pointer self, throttled_way way, int64_t bytes) {
  if (bytes != 0)
    tell(self, self->state.options.throttle, throttle_refund{way, bytes});
}

} // namespace

bool may_pass(self_pointer self, throttle_pass& pass, throttled_way way,
  uint64_t ticket, int64_t bytes) {
  if (pass.held)
    return true;
  if (!pass.asked) {
    pass.asked = true;
    tell(self, self->state.options.throttle, throttle_ask{way, ticket, bytes});
  }
  return false;
}

bool take_turn(
  self_pointer self, throttle_pass& pass, const throttle_turn& turn) {
  if (!pass.asked) {
    give_back(self, turn);
    return false;
  }
  pass = {.asked = false, .held = true, .charged = turn.bytes};
  return true;
}

void give_back(self_pointer self, const throttle_turn& turn) {
  refund(self, turn.way, turn.bytes);
}

void use_pass(
  self_pointer self, throttle_pass& pass, throttled_way way, int64_t moved) {
  if (pass.held)
    refund(self, way, pass.charged - moved);
  pass.held = false;
  pass.charged = 0;
}

void refund_pass(self_pointer self, throttle_pass& pass, throttled_way way) {
  refund(self, way, std::exchange(pass.charged, 0));
}

} // namespace millrace
