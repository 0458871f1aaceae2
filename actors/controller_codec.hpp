#pragma once

// What is asked of the controller that leads, as envelopes of the
// conversation `controller` (schema/controller.capnp,
// docs/formats/node-messages.md): requests of Kafka's protocol travel as their
// own bytes, in the client's version; what brokers ask is Cap'n Proto.

#include "actors/messages.hpp"
#include "schema/envelope.hpp"

namespace millrace {

/// The ticket stays here: the answer is told by the envelope's request_id. A
/// version that the API does not have travels as the nearest one.
[[nodiscard]] envelope encode_question(
  uint64_t request_id, const admin_ask& ask);

/// Reads what encode_question() wrote; the ticket is 0. Nothing of the
/// envelope is kept.
/// Errors: corrupt and those of Kafka's decoders; unsupported for a question,
/// or a version of it, that this build does not know: answer it with
/// kafka_error::unsupported_version.
[[nodiscard]] result<admin_ask> decode_question(const envelope& from);

/// @param version the question's: whoever asked knows it
[[nodiscard]] envelope encode_answer(
  uint64_t request_id, int16_t version, const admin_answer& answer);

/// Reads what encode_answer() wrote; the ticket is 0. A kafka_error answers
/// every question; any other answer belongs to the kind of `asked`.
/// Errors: corrupt, also for the answer to another kind of question.
[[nodiscard]] result<admin_answer> decode_answer(
  const envelope& from, const admin_question& asked);

} // namespace millrace
