#pragma once

// A member that speaks the classic protocol, in a group of its like or in one
// whose coordinator assigns: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
// Where it is made the leader it assigns what there is to all of them.

#include "schema/kafka/consumer_protocol.hpp"
#include "schema/kafka/heartbeat.hpp"
#include "schema/kafka/join_group.hpp"
#include "schema/kafka/sync_group.hpp"
#include "simulation/mixed_member.hpp"

namespace millrace {

class classic_member : public mixed_member {
public:
  explicit classic_member(mixed_group& group) : mixed_member(group) {}

private:
  enum class step : uint8_t { join, sync, beat };

  void act() override;
  void say_goodbye() override;
  [[nodiscard]] int32_t epoch_or_generation() const override {
    return generation_;
  }
  void join();
  void joined(const kafka::join_group_response* response);
  void sync();
  void synced(const kafka::sync_group_response* response, const question& q);
  void beat();
  void heard(const kafka::heartbeat_response* response, const question& q);
  /// What every request may be told. Returns whether it was.
  bool met(const char* what, kafka_error error);
  [[nodiscard]] std::string subscription() const;
  [[nodiscard]] std::map<std::string, std::set<int32_t>> assign() const;

  step next_ = step::join;
  int32_t generation_ = -1;
  std::string protocol_;
  /// Whom it leads, with what they said; empty: it does not lead.
  std::map<std::string, kafka::consumer_protocol_subscription> led_;
};

} // namespace millrace
