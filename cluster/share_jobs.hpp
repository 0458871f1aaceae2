#pragma once

// Questions that a group coordinator has for share coordinators, and what it
// does once all of those that belong together have been answered.

#include "cluster/group_turn.hpp"
#include "cluster/share_state_question.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace millrace {

class share_jobs {
public:
  struct answered {
    share_partition_key key;
    share_state_answer answer;
  };
  /// Gets the answers in the order of the questions.
  using continuation
    = std::function<void(group_turn&, const std::vector<answered>&)>;

  /// Adds the questions to the turn's effects; without any, `done` runs at
  /// once. Each must be answered by take().
  void start(group_turn& turn, std::vector<share_state_question> questions,
    continuation done);
  /// The answer to one of them; of one that is not known it means nothing.
  void take(group_turn& turn, uint64_t order_id, share_state_answer answer);
  /// Answers all of them so.
  void fail_all(group_turn& turn, kafka_error error);

private:
  struct job {
    std::vector<answered> answers;
    size_t open = 0;
    continuation done;
  };
  struct place {
    uint64_t job = 0;
    size_t index = 0;
  };

  std::map<uint64_t, job> jobs_;
  std::map<uint64_t, place> orders_;
  uint64_t next_job_ = 1;
  uint64_t next_order_ = 1;
};

} // namespace millrace
