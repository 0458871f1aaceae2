#pragma once

// Share coordinators that a test plays: what is written to them is kept in
// memory.

#include "actors/share_messages.hpp"
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
  using question = std::variant<read_share_state, write_share_state>;
  struct asked {
    caf::strong_actor_ptr by;
    question what;
  };
  /// By group, as the coordinator would read them out.
  std::map<std::string, share_partition_snapshot> states;
  std::vector<write_share_state> writes; ///< all that were asked for
  size_t reads = 0;
  bool holds = false; ///< answers with answer() only
  kafka_error says = kafka_error::none;
  std::deque<asked> open;
  caf::strong_actor_ptr actor;

  explicit played_shares(actor_fixture& f) : fixture_(f) {
    actor = caf::actor_cast<caf::strong_actor_ptr>(
      f.system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
        return {
          [this, self](read_share_state& read) {
            ++reads;
            take({self->current_sender(), std::move(read)});
          },
          [this, self](write_share_state& write) {
            writes.push_back(write);
            take({self->current_sender(), std::move(write)});
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
    share_state_told told;
    told.error = says;
    if (const auto* read = std::get_if<read_share_state>(&first.what)) {
      told.ticket = read->ticket;
      const auto at = states.find(read->place.group);
      told.state = at != states.end() ? at->second
                                      : share_partition_snapshot{.start = {-1}};
    } else {
      const auto& write = std::get<write_share_state>(first.what);
      told.ticket = write.ticket;
      if (says == kafka_error::none)
        keep(write);
    }
    tell(first.by, std::move(told), nullptr, nullptr);
  }

  /// The oldest question, if it is a write, is done, whatever is said of it.
  /// Precondition: there is one.
  void keep_first() {
    if (const auto* write = std::get_if<write_share_state>(&open.front().what))
      keep(*write);
  }

private:
  void take(asked what) {
    open.push_back(std::move(what));
    if (!holds)
      answer();
  }

  void keep(const write_share_state& write) {
    auto& state = states[write.place.group];
    std::map<int64_t, share_state_batch> each;
    const auto overlay = [&](const std::vector<share_state_batch>& batches) {
      for (const auto& batch : batches)
        for (auto at = batch.first.value; at <= batch.last.value; ++at)
          each[at] = {{at}, {at}, batch.delivery_state, batch.delivery_count};
    };
    overlay(state.batches);
    overlay(write.state.batches);
    state = write.state;
    state.batches.clear();
    for (const auto& [at, one] : each)
      if (at >= state.start.value)
        state.batches.push_back(one);
  }

  actor_fixture& fixture_;
};

} // namespace millrace
