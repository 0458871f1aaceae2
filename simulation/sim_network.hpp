#pragma once

// The network between simulated nodes. Carries envelopes as bytes: late, now
// and then twice, in another order, or not at all. It can be cut, clogged and
// broken, and it tells each end what TCP would have told it (sim_contact has
// that part).
//
// What was sent on one connection never arrives on a later one, and nothing
// sent by a dead incarnation arrives as if a new one had said it.

#include "actors/node_link.hpp"
#include "simulation/sim_contact.hpp"
#include "simulation/sim_world.hpp"

#include <array>
#include <memory>
#include <set>
#include <vector>

namespace millrace {

class sim_network;

/// How a network treats a message, of a million each.
struct network_manners {
  uint32_t lost = 0;
  uint32_t doubled = 0;
  uint32_t overtaking = 0; ///< leaves the order of its conversation
  uint32_t slow = 0;       ///< up to slow_ns_max late
  sim_time slow_ns_max = 20 * sim_ms;

  /// What a connection does to a message in a good network.
  [[nodiscard]] static network_manners good();
  /// Worse than TCP allows: protocols must not go wrong by it.
  [[nodiscard]] static network_manners bad();
};

/// One incarnation's way to the others.
class sim_node_link final : public node_link {
public:
  sim_node_link(node_id self, sim_network& network);

  void introduce(node_id node, const endpoint& address) override;
  /// While `is_off()` the process says nothing any more, though it has not
  /// been ended yet: its machine lost its power in the middle of a step.
  void set_power(std::function<bool()> is_off) {
    is_off_ = std::move(is_off);
  }

protected:
  void ship(node_id to, envelope message) override;

private:
  friend class sim_network;

  sim_network* network_; ///< null once the process has ended
  std::function<bool()> is_off_;
  std::map<node_id, endpoint> addresses_;
};

struct network_counts {
  uint64_t sent = 0;
  uint64_t delivered = 0;
  uint64_t lost = 0; ///< by dice, or because a connection ended
  uint64_t doubled = 0;
  uint64_t overtook = 0;
  uint64_t bytes = 0; ///< delivered
};

class sim_network {
public:
  explicit sim_network(sim_world& world) : world_(world) {}
  ~sim_network();
  sim_network(const sim_network&) = delete;
  sim_network& operator=(const sim_network&) = delete;

  // -- processes -------------------------------------------------------------

  /// A process has started that listens at `address`.
  std::shared_ptr<sim_node_link> start(node_id node, const endpoint& address);
  /// It has ended, or the whole machine is off: then nobody says so.
  void stop(node_id node, process_state how);
  /// Stands still: reads nothing, answers nothing; what arrives waits.
  void pause(node_id node);
  void resume(node_id node);

  // -- faults ----------------------------------------------------------------

  void set_manners(const network_manners& manners) {
    manners_ = manners;
  }
  /// Nothing gets from one to the other any more; the other way stays.
  void cut(node_id from, node_id to);
  void mend(node_id from, node_id to);
  /// What gets there from now on comes after `span`.
  void clog(node_id from, node_id to, sim_time span);
  /// Loses everything on that way for `span`, and no one is told.
  void mute(node_id from, node_id to, sim_time span);
  /// Breaks the connection; one end is told `what`, and they do not find one
  /// another for `span`.
  void break_contact(
    node_id told, node_id about, link_state what, sim_time span);
  /// Ends cuts, clogs and mutes, and the bad manners.
  void heal();
  [[nodiscard]] bool is_cut(node_id from, node_id to) const;

  /// Called for every message that reaches a process, just before it does.
  std::function<void(node_id from, node_id to, const envelope&)> on_arrival;
  /// For checkers: called for everything that a process says to another one.
  std::function<void(node_id from, const envelope&)> on_said;

  [[nodiscard]] const network_counts& counts() const {
    return counts_;
  }
  /// What `node` was last told of `other`.
  [[nodiscard]] link_state seen_by(node_id node, node_id other) const;

private:
  friend class sim_node_link;

  struct process {
    process_state state = process_state::stopped;
    bool paused = false;
    endpoint address;
    std::shared_ptr<sim_node_link> link;
    std::map<node_id, link_state> told;
    uint64_t waiting = 0; ///< messages that came while it was paused
  };

  struct parcel {
    node_id from;
    node_id to;
    uint64_t connection = 0;
    millrace::conversation conversation{};
    shared_bytes bytes;
  };

  /// One direction of a pair.
  struct way {
    bool is_cut = false;
    sim_time clogged_until = 0;
    sim_time muted_until = 0;
    std::map<conversation, sim_time> due; ///< of the last one in order
    std::vector<parcel> held;             ///< cannot get through just now
  };

  struct pair {
    sim_contact contact;
    std::array<way, 2> ways; ///< from the lower id, from the higher
  };

  [[nodiscard]] pair& pair_of(node_id a, node_id b);
  [[nodiscard]] sim_contact::end& end_of(node_id self, node_id other);
  [[nodiscard]] way& way_from(node_id from, node_id to);
  [[nodiscard]] bool is_free(node_id from, node_id to);

  void carry(node_id from, node_id to, const envelope& message);
  void dispatch(parcel p, bool in_order);
  void arrive(parcel p);
  void hand_over(const parcel& p);
  void release(node_id from, node_id to);
  [[nodiscard]] sim_time delay();
  void lose(const parcel& p);

  // What the ends find out (sim_network_contact.cpp).
  [[nodiscard]] bool acts(node_id node) const;
  [[nodiscard]] bool knows(node_id self, node_id other) const;
  [[nodiscard]] bool can_meet(node_id a, node_id b);
  void review(node_id a, node_id b);
  void review_end(node_id self, node_id other);
  void review_all(node_id node);
  void notice_silence(node_id self, node_id other);
  void notice_end(node_id self, node_id other);
  void notice_absence(node_id self, node_id other);
  void dial(node_id a, node_id b);
  void close_end(node_id self, node_id other, link_state what);
  void tell(node_id self, node_id other, link_state what);

  sim_world& world_;
  network_manners manners_;
  std::map<node_id, process> processes_;
  std::map<std::pair<node_id, node_id>, pair> pairs_;
  uint64_t next_connection_ = 1;
  network_counts counts_;
};

} // namespace millrace
