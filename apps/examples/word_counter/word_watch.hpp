#pragma once

// Runs on every node and asks the counter how far it is, wherever that one
// runs. Says in the node's log when it has moved, and when nodes come and go.

#include "actors/custom_actor.hpp"

namespace word_counter {

inline constexpr const char* watch_name = "word_watch";

class watch : public millrace::custom_actor {
public:
  using custom_actor::custom_actor;

  void on_start() override;
  void on_message(const millrace::actor_message& message) override;
  void on_node(const millrace::node_change& change) override;

private:
  void ask();

  int32_t counter_node_ = 0; ///< 0: not known yet
};

} // namespace word_counter
