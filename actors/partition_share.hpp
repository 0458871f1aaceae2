#pragma once

// Share groups at the leader of a partition (KIP-932): each has a share of it,
// read from its coordinator when a member first fetches, and dropped with the
// leadership, or when no member is left. Locks end by the environment's clock;
// an acknowledgement is answered when the coordinator has made it durable.

#include "actors/partition.hpp"
#include "actors/share_messages.hpp"
#include "actors/share_state_messages.hpp"

#include <set>

namespace millrace {

/// One group's share of a partition that is led here.
struct share_seat {
  struct asker {
    caf::strong_actor_ptr who;
    uint64_t ticket = 0;
  };
  struct waiter {
    asker by;
    int64_t until_ms = 0;
  };
  struct write {
    uint64_t ticket = 0;
    share_partition_snapshot state;
    int64_t since_ms = 0;
    int64_t again_at_ms = 0; ///< 0: it is under way
    int64_t pause_ms = 100;  ///< before the next attempt
  };

  std::optional<share_partition> core;    ///< null until it has been read
  share_settings settings;                ///< as the latest fetch said
  std::set<std::string> members;          ///< whose sessions have not ended
  uint64_t reading = 0;                   ///< the ticket; 0: not under way
  int64_t read_again_at_ms = 0;           ///< 0: not at all
  kafka_error failed = kafka_error::none; ///< why it cannot be read
  std::vector<waiter> waiters;
  std::optional<write> writing;
  int64_t write_again_at_ms = 0;              ///< after one that was given up
  std::map<uint64_t, asker> acknowledgements; ///< that wait for a write
  uint64_t last_acknowledgement = 0;
};

/// A gateway's question.
void on_share(partition_actor::stateful_pointer<partition_state> self,
  const share_ask& ask);
/// What the coordinator has said.
void on_share_state(partition_actor::stateful_pointer<partition_state> self,
  const share_state_result& told);
void on_share_timer(partition_actor::stateful_pointer<partition_state> self,
  const share_timer& timer);

/// There is more to read: who waits for that asks again.
void wake_share_fetches(
  partition_actor::stateful_pointer<partition_state> self);
[[nodiscard]] bool has_share_fetches(const partition_state& s);
/// The leadership is over: nobody holds anything, and all who wait hear of it.
void drop_shares(partition_actor::stateful_pointer<partition_state> self);

// -- between the files of this actor ------------------------------------------

/// partition_share_fetch.cpp: gives the member what there is. Precondition:
/// the seat has been read.
void give_shared(partition_actor::stateful_pointer<partition_state> self,
  share_seat& seat, const share_ask& ask, const share_fetch_question& want,
  share_answer& answer, bool& waits);

/// partition_share_write.cpp: sends what is new to the coordinator.
void write_shared(partition_actor::stateful_pointer<partition_state> self,
  const std::string& group, share_seat& seat);
/// Its answer. Returns false if the seat is of no use any more.
[[nodiscard]] bool on_shared_written(
  partition_actor::stateful_pointer<partition_state> self,
  const std::string& group, share_seat& seat, kafka_error error);
/// Answers acknowledgements.
void answer_acknowledged(
  partition_actor::stateful_pointer<partition_state> self, share_seat& seat,
  const std::vector<uint64_t>& which, kafka_error error);
/// Whether to ask the coordinator once more, perhaps another one.
[[nodiscard]] bool is_passing(kafka_error error);
/// What a member is told when its coordinator has said so.
[[nodiscard]] kafka_error told_to_member(kafka_error error);

[[nodiscard]] share_partition_key key_of(
  const partition_state& s, const std::string& group);
/// A ticket for a question about this group.
[[nodiscard]] uint64_t share_ticket(
  partition_state& s, const std::string& group);
void wake(
  partition_actor::stateful_pointer<partition_state> self, share_seat& seat);

} // namespace millrace
