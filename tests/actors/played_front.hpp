#pragma once

// A transaction front that a test plays.

#include "actors/interfaces.hpp"
#include "actors/tell.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace millrace {

struct played_front {
  struct asked {
    caf::strong_actor_ptr by;
    check_transaction question;
  };
  std::vector<asked> checks;       ///< that have no answer yet
  std::optional<kafka_error> says; ///< at once; without it answer() does
  transaction_front_actor actor;

  explicit played_front(actor_fixture& f) : fixture_(f) {
    actor = f.system.spawn([this](transaction_front_actor::pointer self)
                             -> transaction_front_actor::behavior_type {
      return {
        [this, self](check_transaction& check) {
          checks.push_back({self->current_sender(), std::move(check)});
          if (says)
            answer(*says);
        },
        [](const markers_wanted&) {},
        [](const from_node&) {},
        [](const link_change&) {},
        [](directory_update&) {},
        [](produce_results&) {},
        [](transaction_result&) {},
        [](const transaction_timer&) {},
      };
    });
  }
  ~played_front() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    fixture_.run();
  }
  played_front(const played_front&) = delete;
  played_front& operator=(const played_front&) = delete;

  /// Answers the oldest one. Precondition: there is one.
  void answer(kafka_error error) {
    const auto first = std::move(checks.front());
    checks.erase(checks.begin());
    tell(first.by, transaction_checked{first.question.ticket, error}, nullptr,
      nullptr);
  }

private:
  actor_fixture& fixture_;
};

} // namespace millrace
