#include "cluster/request_order.hpp"

namespace millrace {

bool request_order::admit(
  node_id from, int64_t broker_epoch, uint64_t request) {
  auto& last = last_[from];
  if (broker_epoch < last.broker_epoch
      || (broker_epoch == last.broker_epoch && request <= last.request))
    return false;
  last = {broker_epoch, request};
  return true;
}

} // namespace millrace
