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
  caf::strong_actor_ptr partition;
};

/// By name: UNKNOWN_TOPIC_OR_PARTITION if it is not in the metadata,
/// NOT_LEADER_OR_FOLLOWER if it is but does not answer here.
[[nodiscard]] located_partition locate(
  const gateway_core& hub, std::string_view topic, int32_t partition);
/// By id: UNKNOWN_TOPIC_ID if there is no such topic.
[[nodiscard]] located_partition locate(
  const gateway_core& hub, const uuid& topic, int32_t partition);

[[nodiscard]] constexpr int16_t code(kafka_error error) {
  return static_cast<int16_t>(error);
}

/// How the client of this request sees this node.
[[nodiscard]] client_view view_of(
  const gateway_core& hub, const kafka_request& request);

/// The address that this node is told by in answers like FindCoordinator's.
struct told_address {
  int32_t node_id = -1;
  std::string host;
  int32_t port = -1;
};
[[nodiscard]] told_address address_of(
  const gateway_core& hub, const client_view& view);

} // namespace millrace
