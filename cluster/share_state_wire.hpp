#pragma once

// Questions to share coordinators as requests of Kafka's protocol (83-87, and
// ListOffsets for the end of a log), and their answers.

#include "cluster/share_state_question.hpp"
#include "schema/kafka/delete_share_group_state.hpp"
#include "schema/kafka/initialize_share_group_state.hpp"
#include "schema/kafka/read_share_group_state.hpp"
#include "schema/kafka/read_share_group_state_summary.hpp"
#include "schema/kafka/write_share_group_state.hpp"
#include "schema/shared_bytes.hpp"

#include <span>
#include <string>
#include <vector>

namespace millrace {

/// One request about one share partition, without the length in front.
/// @param topic the name, for log_end
[[nodiscard]] shared_bytes encode_share_question(
  const share_state_question& question, const std::string& topic);

/// The answer to that request. What cannot be read is network_exception, and so
/// is an empty frame.
[[nodiscard]] share_state_answer decode_share_answer(
  const share_state_question& question, const shared_bytes& frame);

/// What a request asks about each of its share partitions, in its order.
[[nodiscard]] std::vector<share_state_question> questions_of(
  const kafka::initialize_share_group_state_request& request);
[[nodiscard]] std::vector<share_state_question> questions_of(
  const kafka::read_share_group_state_request& request);
[[nodiscard]] std::vector<share_state_question> questions_of(
  const kafka::write_share_group_state_request& request);
[[nodiscard]] std::vector<share_state_question> questions_of(
  const kafka::delete_share_group_state_request& request);
[[nodiscard]] std::vector<share_state_question> questions_of(
  const kafka::read_share_group_state_summary_request& request);

/// The response that has these answers, one for each question.
template <class Response>
[[nodiscard]] Response response_of(
  std::span<const share_state_question> questions,
  std::span<const share_state_answer> answers);

} // namespace millrace
