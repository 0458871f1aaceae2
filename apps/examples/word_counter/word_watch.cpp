#include "word_watch.hpp"

#include "word_counter.capnp.h"
#include "word_counter.hpp"

namespace word_counter {

using namespace std::chrono_literals;

void watch::on_start() {
  ask();
}

/// Again and again: a question or its answer may be lost.
void watch::ask() {
  context().send<TotalQuestion>({counter_name}, [](auto) {});
  context().after(200ms, [this] {
    ask();
  });
}

void watch::on_message(const millrace::actor_message& message) {
  message.as<Total>([&](Total::Reader total) {
    if (counter_node_ == total.getNode())
      return;
    counter_node_ = total.getNode();
    context().log("the counter is on node " + std::to_string(counter_node_)
                  + " and has counted " + std::to_string(total.getWords())
                  + " words");
  });
}

void watch::on_node(const millrace::node_change& change) {
  context().log("node " + std::to_string(change.node.value)
                + (change.is_up ? " is there" : " is gone"));
}

} // namespace word_counter
