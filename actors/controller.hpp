#pragma once

// The controller of a node: it follows the metadata log, holds the committed
// image, tells everyone of this node who holds one too, and saves it. If its
// node leads the log it also decides every change: requests that come while a
// proposal is under way wait for it and are then decided together, on the
// state that includes it. Whatever is asked here goes to the controller that
// leads, on whichever node that is.

#include "actors/environment.hpp"
#include "actors/image_keeper.hpp"
#include "actors/interfaces.hpp"
#include "actors/mutation_quotas.hpp"
#include "actors/node_link.hpp"
#include "actors/node_status.hpp"
#include "cluster/auto_rebalance.hpp"
#include "cluster/broker_sessions.hpp"
#include "cluster/controller_state.hpp"
#include "cluster/metadata_image_store.hpp"

#include <deque>

namespace millrace {

struct controller_options {
  std::shared_ptr<const node_config> config;
  metadata_image image; ///< as the store has it
  uuid log_id;
  uuid incarnation; ///< of this node's broker
  consensus_actor consensus;
  image_keeper_actor keeper;
  std::shared_ptr<node_link> link;
  std::shared_ptr<node_status> status; ///< null: nobody looks at it
};

/// A question that the leading controller decides.
struct admin_case {
  node_id node;        ///< whose controller asks
  uint64_t request_id; ///< as that one counts
  std::shared_ptr<const admin_ask> ask;
};

struct controller_actor_state {
  static inline const char* name = "controller";

  environment* env = nullptr;
  controller_options options;

  // The log, and who wants to know of it.
  metadata_image image;
  metadata_image_changes unsaved;
  bool save_armed = false;
  bool snapshot_wanted = false;
  std::map<uint64_t, uint64_t> saving; ///< ticket of the keeper -> index
  uint64_t installing = 0;             ///< ticket, or 0
  uint64_t next_ticket = 1;
  std::vector<caf::strong_actor_ptr> subscribers;

  std::set<node_id> refused; ///< nobody listens there, as the link says

  // Who leads.
  node_id leader = no_node;

  /// While this node leads. Decisions build on `core`, which is ahead of the
  /// image by what is under way, and go with the leadership (R20).
  struct leadership {
    uint64_t index; ///< decides once this entry is applied
    std::optional<controller_state> core;
    std::deque<admin_case> waiting;
    struct parked_answer {
      admin_case asked;
      admin_answer answer;
    };
    std::vector<parked_answer> parked; ///< of the proposal under way
    std::vector<metadata_command> proposing;
    bool under_way = false;
    std::optional<raft_position> placed; ///< its last entry
    /// A question that comes twice is decided once: it is not answered yet, or
    /// the answer was lost.
    using question_id = std::pair<node_id, uint64_t>;
    std::set<question_id> open;
    /// What is asked of the consensus actor, by ticket.
    std::map<uint64_t, admin_case> quorum_cases;
    std::map<question_id, admin_answer> answered;
    std::deque<question_id> answered_order;
    broker_sessions sessions;
    auto_rebalance balance{{}};
    std::set<node_id> gone; ///< to be shut out, as nobody listens there
    mutation_quotas mutations;
  };
  std::optional<leadership> leading;

  /// What this node has asked, until it is answered.
  struct open_question {
    caf::strong_actor_ptr asker; ///< null: this actor itself
    std::shared_ptr<const admin_ask> ask;
    int64_t asked_ms = 0;
    int64_t sent_ms = 0;
  };
  std::map<uint64_t, open_question> questions; ///< by request id
  uint64_t next_request = 0;

  // Producer ids that are allocated to this node and not yet given (R14).
  int64_t next_producer_id = 0;
  int64_t producer_id_end = 0;
  bool asked_for_producer_ids = false;
  struct waiting_producer {
    caf::strong_actor_ptr asker;
    uint64_t ticket;
  };
  std::vector<waiting_producer> waiting_producers;

  int64_t next_heartbeat_ms = 0;
  std::optional<node_load> load; ///< of this node; the next heartbeat tells it
  caf::strong_actor_ptr leaving; ///< who waits for this node to lead nothing
  int64_t leave_until_ms = 0;
  bool has_left = false; ///< a heartbeat would let it in again
};

controller_actor::behavior_type controller(
  controller_actor::stateful_pointer<controller_actor_state> self,
  environment* env, controller_options options);

} // namespace millrace
