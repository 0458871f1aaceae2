#pragma once

// The shapes that most pending requests have.

#include "actors/kafka/handlers.hpp"
#include "cluster/metadata_answers.hpp"

namespace millrace {

/// Waits for one answer of type Answer for each part, then goes on. A part
/// whose target has died gets a null pointer.
template <class Answer>
class gather_sink : public answer_sink {
public:
  using part_function = std::function<void(uint32_t part, Answer*)>;

  gather_sink(part_function on_part, std::function<void()> on_all)
      : on_part_(std::move(on_part)), on_all_(std::move(on_all)) {}

  /// One more answer is expected.
  void expect() {
    ++left_;
  }
  /// All questions are asked; goes on at once if there were none.
  void asked_all() {
    asked_ = true;
    if (left_ == 0)
      on_all_();
  }

  void take(uint32_t part, Answer& answer) override {
    on_part_(part, &answer);
    one_less();
  }
  void on_lost(uint32_t part) override {
    on_part_(part, nullptr);
    one_less();
  }

private:
  void one_less() {
    if (--left_ == 0 && asked_)
      on_all_();
  }

  part_function on_part_;
  std::function<void()> on_all_;
  size_t left_ = 0;
  bool asked_ = false;
};

/// Where a client's topic and partition lead.
struct located_partition {
  kafka_error error = kafka_error::none;
  const topic_image* topic = nullptr;
  const partition_registration* registered = nullptr; ///< of the topic
  caf::strong_actor_ptr partition;
};

/// Who may answer: only the leader, or a follower too (KIP-392).
enum class asked_replica : uint8_t { leader, any };

/// By name: UNKNOWN_TOPIC_OR_PARTITION if it is not in the metadata,
/// NOT_LEADER_OR_FOLLOWER if it is but nobody here may answer.
[[nodiscard]] located_partition locate(const gateway_core& hub,
  std::string_view topic, int32_t partition,
  asked_replica whom = asked_replica::leader);
/// By id: UNKNOWN_TOPIC_ID if there is no such topic.
[[nodiscard]] located_partition locate(const gateway_core& hub,
  const uuid& topic, int32_t partition,
  asked_replica whom = asked_replica::leader);

[[nodiscard]] constexpr int16_t code(kafka_error error) {
  return static_cast<int16_t>(error);
}

/// Who writes the end of a transaction into a partition: its log, or of
/// __consumer_offsets the coordinator of its groups. Errors as locate()'s.
[[nodiscard]] located_partition marker_writer(
  const gateway_core& hub, const topic_partition& name);

/// How the client of this request sees this node.
[[nodiscard]] client_view view_of(
  const gateway_core& hub, const kafka_request& request);
/// The same later, when the request itself is gone. If its client is gone
/// too, it does not matter how.
[[nodiscard]] client_view view_of(
  const gateway_core& hub, const reply_slot& slot);

/// What a question about a group is told by a node that does not coordinate
/// it: to ask again later, or another one.
[[nodiscard]] kafka_error why_no_coordinator(
  const gateway_core& hub, std::string_view group);
/// The same about a transactional id.
[[nodiscard]] kafka_error why_no_transaction_coordinator(
  const gateway_core& hub, std::string_view id);
/// The same about to_string(share_partition_key).
[[nodiscard]] kafka_error why_no_share_coordinator(
  const gateway_core& hub, std::string_view key);

/// Tells in answers that refuse partitions who leads them (KIP-951): the
/// client goes there at once, without asking for metadata.
template <class Response>
class leader_hints {
public:
  leader_hints(
    const gateway_core& hub, const reply_slot& slot, Response& response)
      : hub_(hub), slot_(slot), response_(response) {}

  /// @param topic null if it is not known here (any more)
  /// @param into the partition's entry in the response
  template <class Entry>
  void add(const topic_image* topic, int32_t partition, Entry& into) {
    if (topic == nullptr || partition < 0
        || static_cast<size_t>(partition) >= topic->partitions.size())
      return;
    if (!view_)
      view_ = view_of(hub_, slot_);
    const auto leader = leader_of(
      topic->partitions[static_cast<size_t>(partition)], *view_, hub_.image());
    if (leader.epoch.value < into.current_leader.leader_epoch)
      return; // the partition itself knows better than this image
    into.current_leader.leader_id = leader.id.value;
    into.current_leader.leader_epoch = leader.epoch.value;
    auto& nodes = response_.node_endpoints;
    const bool told = std::any_of(nodes.begin(), nodes.end(), [&](auto& n) {
      return n.node_id == leader.id.value;
    });
    if (leader.address && !told)
      nodes.push_back({leader.id.value, leader.address->host,
        leader.address->port, leader.rack});
  }

private:
  const gateway_core& hub_;
  const reply_slot& slot_;
  Response& response_;
  std::optional<client_view> view_;
};

} // namespace millrace
