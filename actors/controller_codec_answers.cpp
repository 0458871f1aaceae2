#include "actors/controller_codec.hpp"
#include "actors/controller_codec_parts.hpp"
#include "schema/capnp_bytes.hpp"
#include "schema/controller.capnp.h"
#include "schema/metadata_parts.hpp"

namespace millrace {

namespace {

using namespace controller_parts;
using wire_message = wire::ControllerMessage;

int16_t code(kafka_error error) {
  return static_cast<int16_t>(error);
}

struct answer_writer {
  wire_message::Builder to;
  int16_t version;
  std::vector<shared_bytes>& runs;

  template <class Response>
  void operator()(const Response& response) {
    write_if_of<Response, 0>(response);
  }
  void operator()(kafka_error error) {
    to.initForwardedAnswer().setError(code(error));
  }
  void operator()(const register_broker_reply& r) {
    auto body = to.initRegisterBrokerAnswer();
    body.setError(code(r.error));
    body.setMessage(text(r.message));
    body.setBrokerEpoch(r.broker_epoch);
    body.setOpenUpTo(r.open_up_to);
  }
  void operator()(const broker_heartbeat_reply& r) {
    auto body = to.initBrokerHeartbeatAnswer();
    body.setError(code(r.error));
    body.setCaughtUp(r.caught_up);
    body.setFenced(r.fenced);
    body.setShouldShutDown(r.should_shutdown);
  }
  void operator()(const change_isr_reply& r) {
    auto body = to.initChangeIsrAnswer();
    body.setError(code(r.error));
    metadata_parts::write(body.initPartition(), r.partition);
  }
  void operator()(const allocate_producer_ids_reply& r) {
    auto body = to.initAllocateProducerIdsAnswer();
    body.setError(code(r.error));
    body.setFirst(r.first.value);
    body.setCount(r.count);
  }

private:
  /// Finds the question that is answered by a Response: its key names both.
  template <class Response, size_t I>
  void write_if_of(const Response& response) {
    using question = std::variant_alternative_t<I, admin_question>;
    if constexpr (std::is_same_v<typename answered_by<question>::reply,
                    Response>) {
      constexpr auto key = answered_by<question>::key;
      auto body = to.initForwardedAnswer();
      body.setApiKey(static_cast<int16_t>(key));
      body.setApiVersion(version_within(key, version));
      runs.push_back(to_bytes(response, body.getApiVersion()));
    } else {
      write_if_of<Response, I + 1>(response);
    }
  }
};

kafka_error error_of(int16_t code) {
  return static_cast<kafka_error>(code);
}

result<admin_reply> read_response(
  wire::ForwardedAnswer::Reader from, const std::vector<shared_bytes>& runs) {
  if (runs.empty())
    return admin_reply{error_of(from.getError())};
  if (runs.size() != 1)
    return corrupt("an answer with the bytes of several");
  result<admin_reply> read
    = corrupt("an answer with API key " + std::to_string(from.getApiKey()));
  with_question_of(from.getApiKey(), [&]<class Question>(Question) {
    auto response = from_bytes<typename answered_by<Question>::reply>(
      runs[0], from.getApiVersion());
    if (response)
      read = admin_reply{std::move(*response)};
    else
      read = response.error();
  });
  return read;
}

result<admin_reply> read_own_reply(wire_message::Reader from) {
  switch (from.which()) {
  case wire_message::REGISTER_BROKER_ANSWER: {
    const auto body = from.getRegisterBrokerAnswer();
    return admin_reply{register_broker_reply{error_of(body.getError()),
      string_of(body.getMessage()), body.getBrokerEpoch(), body.getOpenUpTo()}};
  }
  case wire_message::BROKER_HEARTBEAT_ANSWER: {
    const auto body = from.getBrokerHeartbeatAnswer();
    return admin_reply{broker_heartbeat_reply{error_of(body.getError()),
      body.getFenced(), body.getCaughtUp(), body.getShouldShutDown()}};
  }
  case wire_message::CHANGE_ISR_ANSWER: {
    const auto body = from.getChangeIsrAnswer();
    return admin_reply{change_isr_reply{
      error_of(body.getError()), metadata_parts::read(body.getPartition())}};
  }
  case wire_message::ALLOCATE_PRODUCER_IDS_ANSWER: {
    const auto body = from.getAllocateProducerIdsAnswer();
    return admin_reply{allocate_producer_ids_reply{
      error_of(body.getError()), {body.getFirst()}, body.getCount()}};
  }
  case wire_message::NONE:
    return corrupt("it says nothing");
  default:
    return corrupt("no answer, or one of a newer version");
  }
}

bool answers(const admin_reply& reply, const admin_question& asked) {
  if (std::holds_alternative<kafka_error>(reply))
    return true;
  return std::visit(
    [&]<class Question>(const Question&) {
      return std::holds_alternative<typename answered_by<Question>::reply>(
        reply);
    },
    asked);
}

} // namespace

envelope encode_answer(
  uint64_t request_id, int16_t version, const admin_answer& answer) {
  envelope e{.conversation = conversation::controller,
    .request_id = request_id,
    .is_answer = true};
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<wire_message>();
  root.setAppliedIndex(answer.index);
  std::visit(answer_writer{root, version, e.runs}, answer.reply);
  e.message = to_shared_bytes(builder);
  return e;
}

result<admin_answer> decode_answer(
  const envelope& from, const admin_question& asked) {
  MILLRACE_TRY(check(from, true));
  return read_capnp<wire_message>(from.message, "controller message",
    [&](wire_message::Reader root) -> result<admin_answer> {
      const bool forwarded = root.which() == wire_message::FORWARDED_ANSWER;
      if (!forwarded && !from.runs.empty())
        return corrupt("bytes that belong to nothing");
      auto reply = forwarded
                     ? read_response(root.getForwardedAnswer(), from.runs)
                     : read_own_reply(root);
      MILLRACE_TRY(reply);
      if (!answers(*reply, asked))
        return corrupt("the answer to another kind of question");
      return admin_answer{0, root.getAppliedIndex(), std::move(*reply)};
    });
}

} // namespace millrace
