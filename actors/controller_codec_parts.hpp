#pragma once

// Which questions to the controller are requests of Kafka's protocol, what
// answers each question, and their bytes.

#include "actors/messages.hpp"
#include "schema/envelope.hpp"
#include "schema/kafka/apis.hpp"
#include "schema/kafka_wire.hpp"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace millrace::controller_parts {

[[nodiscard]] inline error corrupt(const std::string& what) {
  return {errc::corrupt, "controller message: " + what};
}

/// Whether the envelope is what it is read as. Errors: corrupt.
[[nodiscard]] inline result<void> check(const envelope& e, bool is_answer) {
  if (e.conversation != conversation::controller)
    return corrupt("not of this conversation");
  if (e.is_answer != is_answer)
    return corrupt(is_answer ? "a question" : "an answer");
  return {};
}

/// What answers a question.
template <class Question>
struct answered_by {};

template <kafka::api_key Key, class Response>
struct kafka_api {
  static constexpr kafka::api_key key = Key;
  using reply = Response;
};

template <>
struct answered_by<kafka::create_topics_request>
    : kafka_api<kafka::api_key::create_topics, kafka::create_topics_response> {
};
template <>
struct answered_by<kafka::delete_topics_request>
    : kafka_api<kafka::api_key::delete_topics, kafka::delete_topics_response> {
};
template <>
struct answered_by<kafka::create_partitions_request>
    : kafka_api<kafka::api_key::create_partitions,
        kafka::create_partitions_response> {};
template <>
struct answered_by<kafka::alter_configs_request>
    : kafka_api<kafka::api_key::alter_configs, kafka::alter_configs_response> {
};
template <>
struct answered_by<kafka::incremental_alter_configs_request>
    : kafka_api<kafka::api_key::incremental_alter_configs,
        kafka::incremental_alter_configs_response> {};
template <>
struct answered_by<kafka::init_producer_id_request>
    : kafka_api<kafka::api_key::init_producer_id,
        kafka::init_producer_id_response> {};
template <>
struct answered_by<kafka::elect_leaders_request>
    : kafka_api<kafka::api_key::elect_leaders, kafka::elect_leaders_response> {
};
template <>
struct answered_by<kafka::alter_partition_reassignments_request>
    : kafka_api<kafka::api_key::alter_partition_reassignments,
        kafka::alter_partition_reassignments_response> {};
template <>
struct answered_by<kafka::unregister_broker_request>
    : kafka_api<kafka::api_key::unregister_broker,
        kafka::unregister_broker_response> {};
template <>
struct answered_by<kafka::describe_quorum_request>
    : kafka_api<kafka::api_key::describe_quorum,
        kafka::describe_quorum_response> {};
template <>
struct answered_by<kafka::add_raft_voter_request>
    : kafka_api<kafka::api_key::add_raft_voter,
        kafka::add_raft_voter_response> {};
template <>
struct answered_by<kafka::remove_raft_voter_request>
    : kafka_api<kafka::api_key::remove_raft_voter,
        kafka::remove_raft_voter_response> {};
template <>
struct answered_by<kafka::alter_client_quotas_request>
    : kafka_api<kafka::api_key::alter_client_quotas,
        kafka::alter_client_quotas_response> {};
template <>
struct answered_by<auto_create_topics> {
  using reply = kafka_error;
};
template <>
struct answered_by<register_broker> {
  using reply = register_broker_reply;
};
template <>
struct answered_by<broker_heartbeat> {
  using reply = broker_heartbeat_reply;
};
template <>
struct answered_by<change_isr> {
  using reply = change_isr_reply;
};
template <>
struct answered_by<allocate_producer_ids> {
  using reply = allocate_producer_ids_reply;
};

/// Whether it travels as bytes of Kafka's protocol.
template <class Question>
concept kafka_question = requires { answered_by<Question>::key; };

/// Calls f(Question{}) for the kind of question that `key` names.
/// Returns whether there is one.
template <class F, size_t I = 0>
bool with_question_of(int16_t key, F&& f) {
  if constexpr (I == std::variant_size_v<admin_question>) {
    return false;
  } else {
    using question = std::variant_alternative_t<I, admin_question>;
    if constexpr (kafka_question<question>)
      if (static_cast<int16_t>(answered_by<question>::key) == key) {
        f(question{});
        return true;
      }
    return with_question_of<F, I + 1>(key, std::forward<F>(f));
  }
}

/// The API's version that is nearest to `version`.
[[nodiscard]] inline int16_t version_within(
  kafka::api_key key, int16_t version) {
  const auto* api = kafka::find_api(static_cast<int16_t>(key));
  MILLRACE_ASSERT(api != nullptr, "every question's API is in the list");
  return std::clamp(version, api->min_version, api->max_version);
}

template <class Message>
[[nodiscard]] shared_bytes to_bytes(const Message& message, int16_t version) {
  kafka_writer writer;
  encode(writer, version, message);
  const auto out = writer.finish();
  MILLRACE_ASSERT(out.inserts.empty(), "admin messages hold no records");
  return shared_bytes::copy_of(out.bytes);
}

/// Errors: those of the decoder; corrupt where bytes are left over.
template <class Message>
[[nodiscard]] result<Message> from_bytes(
  const shared_bytes& bytes, int16_t version) {
  kafka_reader reader{bytes};
  Message message;
  MILLRACE_TRY(decode(reader, version, message));
  reader.expect_end();
  MILLRACE_TRY(reader.status("controller message", version));
  return message;
}

} // namespace millrace::controller_parts
