#pragma once

// The way to the other nodes. An actor that talks to them binds itself to a
// conversation and gets every envelope of it as a from_node; send() is the
// other direction. Production has TCP behind it (actors/tcp_link), the
// simulator a network of its own: delays, losses, cuts.
//
// Nothing is promised: a message may be lost, and after a link was down and
// up again all that was under way is. Between two nodes the messages of one
// conversation arrive in the order in which they were sent, at most once; but
// a receiver must not go wrong when they do not (the simulator sees to it).

#include "net/endpoint.hpp"
#include "schema/envelope.hpp"
#include "schema/types.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace millrace {

/// What another node has sent. Answers are told from questions by
/// envelope::is_answer; request_id is the asker's.
struct from_node {
  node_id node;
  envelope message;
};

enum class link_state : uint8_t {
  up,   ///< messages will probably arrive
  down, ///< no contact: cut off, frozen, or its address is not known
  /// Its machine answers that nobody listens: the process is gone, and all
  /// that it has not told anybody with it.
  refused,
};

[[nodiscard]] const char* to_string(link_state state);

/// What is so from now on, to everyone who watches.
struct link_change {
  node_id node;
  link_state state = link_state::down;
};

class node_link {
public:
  explicit node_link(node_id self) : self_(self) {}
  virtual ~node_link() = default;
  node_link(const node_link&) = delete;
  node_link& operator=(const node_link&) = delete;

  [[nodiscard]] node_id self() const {
    return self_;
  }
  /// Envelopes of `c` go to `receiver`, weakly held, from now on. Any thread.
  void bind(conversation c, const caf::strong_actor_ptr& receiver);
  /// `receiver`, weakly held, is told of every change, and at once of every
  /// node that is not down. Any thread.
  void watch(const caf::strong_actor_ptr& receiver);
  /// Gives an envelope to the bound actor of `to`; of this node, without a
  /// way in between. Never blocks. Any thread.
  void send(node_id to, envelope message);
  /// Where a node listens for others; a later address replaces it. Any thread.
  virtual void introduce(node_id node, const endpoint& address) = 0;
  /// Where the others find this node; without a host: where they see it, or
  /// not at all.
  [[nodiscard]] virtual const endpoint& advertised() const;

protected:
  /// To another node. Drops what it has no room for.
  virtual void ship(node_id to, envelope message) = 0;
  /// An envelope has come in.
  /// @param unit where the bound actor may run; null: the scheduler's
  void deliver(
    node_id from, envelope message, caf::execution_unit* unit = nullptr);
  void tell_state(node_id node, link_state state);

private:
  node_id self_;
  std::mutex mutex_;
  std::map<conversation, caf::actor_addr> receivers_;
  std::vector<caf::actor_addr> watchers_;
  std::map<node_id, link_state> states_;
};

/// A node that is alone: knows no one else.
class lone_link final : public node_link {
public:
  using node_link::node_link;
  void introduce(node_id, const endpoint&) override {}

protected:
  void ship(node_id, envelope) override {}
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::from_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::link_change)
