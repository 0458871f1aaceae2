#pragma once

// Share coordinators that a test plays: what is written to them is kept in
// memory.

#include "actors/share_state_messages.hpp"
#include "actors/tell.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

struct played_shares {
  struct asked {
    caf::strong_actor_ptr by;
    share_state_ask what;

    /// Null if it is a read.
    [[nodiscard]] const share_state_question::write* write() const {
      return std::get_if<share_state_question::write>(&what.question.what);
    }
  };
  /// By group, as the coordinator would read them out.
  std::map<std::string, share_partition_snapshot> states;
  /// All that were asked for.
  std::vector<share_state_question::write> writes;
  size_t reads = 0;
  bool holds = false; ///< answers with answer() only
  kafka_error says = kafka_error::none;
  std::deque<asked> open;
  caf::strong_actor_ptr actor;

  explicit played_shares(actor_fixture& f) : fixture_(f) {
    actor = caf::actor_cast<caf::strong_actor_ptr>(
      f.system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
        return {
          [this, self](share_state_ask& ask) {
            asked question{self->current_sender(), std::move(ask)};
            if (const auto* write = question.write())
              writes.push_back(*write);
            else
              ++reads;
            take(std::move(question));
          },
        };
      }));
  }
  ~played_shares() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    actor = nullptr;
    fixture_.run();
  }
  played_shares(const played_shares&) = delete;
  played_shares& operator=(const played_shares&) = delete;

  /// Answers the oldest question as `says` has it. Precondition: there is one.
  void answer() {
    const auto first = std::move(open.front());
    open.pop_front();
    share_state_result told{first.what.ticket, {}};
    told.answer.error = says;
    const auto& group = first.what.question.key.group_id;
    if (const auto* write = first.write()) {
      if (says == kafka_error::none)
        keep(group, *write);
    } else {
      const auto at = states.find(group);
      told.answer.state = at != states.end()
                            ? at->second
                            : share_partition_snapshot{.start = {-1}};
    }
    tell(first.by, std::move(told), nullptr, nullptr);
  }

  /// The oldest question, if it is a write, is done, whatever is said of it.
  /// Precondition: there is one.
  void keep_first() {
    if (const auto* write = open.front().write())
      keep(open.front().what.question.key.group_id, *write);
  }

private:
  void take(asked what) {
    open.push_back(std::move(what));
    if (!holds)
      answer();
  }

  void keep(
    const std::string& group, const share_state_question::write& write) {
    auto& state = states[group];
    std::map<int64_t, share_state_batch> each;
    const auto overlay = [&](const std::vector<share_state_batch>& batches) {
      for (const auto& batch : batches)
        for (auto at = batch.first.value; at <= batch.last.value; ++at)
          each[at] = {{at}, {at}, batch.delivery_state, batch.delivery_count};
    };
    overlay(state.batches);
    overlay(write.batches);
    state = {write.state_epoch, write.leader_epoch, write.start,
      write.delivery_complete_count, {}};
    for (const auto& [at, one] : each)
      if (at >= state.start.value)
        state.batches.push_back(one);
  }

  actor_fixture& fixture_;
};

} // namespace millrace
