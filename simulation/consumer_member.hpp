#pragma once

// A member that speaks KIP-848's protocol: ConsumerGroupHeartbeat tells it
// what to own, and it tells what it has given up.

#include "schema/kafka/consumer_group_heartbeat.hpp"
#include "simulation/mixed_member.hpp"

namespace millrace {

class consumer_member : public mixed_member {
public:
  explicit consumer_member(mixed_group& group);

private:
  void act() override;
  void say_goodbye() override;
  [[nodiscard]] int32_t epoch_or_generation() const override {
    return epoch_;
  }
  void take(const kafka::consumer_group_heartbeat_response* response,
    const question& q);
  void reconcile(std::set<int32_t> assigned, const question& q);

  int32_t epoch_ = 0;
  std::set<int32_t> giving_up_; ///< as soon as it is done with them
  bool tells_owned_ = true;     ///< in the next heartbeat
  /// Likewise, as the answer to the last one may be lost: only who says all is
  /// told all.
  bool says_all_ = true;
};

} // namespace millrace
