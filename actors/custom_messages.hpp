#pragma once

// What the custom actors of a node and their front say to one another, within
// the node.

#include "schema/custom_message.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <caf/all.hpp>

#include <set>

namespace millrace {

// -- host -> front ------------------------------------------------------------

/// A request of Kafka's protocol, without the length in front. Answered by
/// front_answer, or not at all.
struct front_ask {
  uint64_t ticket = 0;
  /// Whose leader is asked; without a topic: this node.
  std::string topic;
  int32_t partition = 0;
  shared_bytes frame;
};

/// Wants to get to another actor.
struct letter_out {
  actor_letter letter;
};

// -- front -> host ------------------------------------------------------------

struct front_answer {
  uint64_t ticket = 0;
  shared_bytes frame; ///< empty: nobody leads that partition, or it is lost
};

struct letter_in {
  actor_letter letter;
};

/// The nodes that the cluster counts on.
struct nodes_up {
  std::set<node_id> nodes;
};

// -- to themselves ------------------------------------------------------------

/// A front's time has come to look at what is to be done.
struct front_turn {
  uint64_t generation = 0;
};

/// A front's time has come to see what does not run and should.
struct front_review {};

/// A host's timer.
struct host_timer {
  uint64_t number = 0;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::front_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::letter_out)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::front_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::letter_in)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::nodes_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::front_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::front_review)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::host_timer)
