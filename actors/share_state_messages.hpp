#pragma once

// The messages about the states of share partitions between the actors of one
// node (KIP-932). As in messages.hpp, a `ticket` means nothing to anyone but
// who asks.

#include "cluster/share_state_question.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace millrace {

/// To a share coordinator, about one of its share partitions; or to the share
/// front, about any. Answered by share_state_result: by the front always, at
/// the latest when nobody could answer.
struct share_state_ask {
  uint64_t ticket = 0;
  share_state_question question;
};

struct share_state_result {
  uint64_t ticket = 0;
  share_state_answer answer;
};

/// A share coordinator or the front to itself: something may be due.
struct share_state_timer {
  uint64_t generation = 0;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_state_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_state_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::share_state_timer)
