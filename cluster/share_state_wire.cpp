#include "cluster/share_state_wire.hpp"

#include "cluster/group_answers.hpp"
#include "schema/assert.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka_wire.hpp"

namespace millrace {

namespace {

using question = share_state_question;
using kafka::api_key;

constexpr int16_t only_version = 0;
constexpr int16_t complete_count_version = 1;
constexpr int16_t list_offsets_version = 7;
constexpr int32_t correlation_id = 0; // the envelope tells them apart
constexpr size_t length_bytes = 4;

template <class Request>
shared_bytes frame_of(api_key key, int16_t version, const Request& body) {
  kafka_writer writer;
  writer.begin_frame();
  encode(writer, kafka::request_header{static_cast<int16_t>(key), version,
                   correlation_id, "share"});
  encode(writer, version, body);
  auto bytes = flatten(writer.finish_frame());
  MILLRACE_ASSERT(bytes.ok(), "a request is in memory");
  return shared_bytes::copy_of(std::string_view{*bytes}.substr(length_bytes));
}

/// A request about one share partition, with the rest of it to be filled in.
template <class Request>
struct one_partition {
  explicit one_partition(const share_partition_key& key) {
    body.group_id = key.group_id;
    auto& topic = body.topics.emplace_back();
    topic.topic_id = key.topic;
    topic.partitions.emplace_back().partition = key.partition;
  }
  auto& part() {
    return body.topics.front().partitions.front();
  }

  Request body;
};

struct question_encoder {
  const share_partition_key& key;
  const std::string& topic;

  shared_bytes operator()(const question::initialize& q) const {
    one_partition<kafka::initialize_share_group_state_request> one{key};
    one.part().state_epoch = q.state_epoch;
    one.part().start_offset = q.start.value;
    return frame_of(
      api_key::initialize_share_group_state, only_version, one.body);
  }
  shared_bytes operator()(const question::read& q) const {
    one_partition<kafka::read_share_group_state_request> one{key};
    one.part().leader_epoch = q.leader_epoch;
    return frame_of(api_key::read_share_group_state, only_version, one.body);
  }
  shared_bytes operator()(const question::write& q) const {
    one_partition<kafka::write_share_group_state_request> one{key};
    auto& part = one.part();
    part.state_epoch = q.state_epoch;
    part.leader_epoch = q.leader_epoch;
    part.start_offset = q.start.value;
    part.delivery_complete_count = q.delivery_complete_count;
    for (const auto& b : q.batches)
      part.state_batches.push_back(
        {b.first.value, b.last.value, b.delivery_state, b.delivery_count});
    return frame_of(
      api_key::write_share_group_state, complete_count_version, one.body);
  }
  shared_bytes operator()(const question::summarize&) const {
    one_partition<kafka::read_share_group_state_summary_request> one{key};
    one.part().leader_epoch = -1;
    return frame_of(api_key::read_share_group_state_summary,
      complete_count_version, one.body);
  }
  shared_bytes operator()(const question::forget&) const {
    const one_partition<kafka::delete_share_group_state_request> one{key};
    return frame_of(api_key::delete_share_group_state, only_version, one.body);
  }
  shared_bytes operator()(const question::log_end&) const {
    constexpr int64_t latest = -1;
    kafka::list_offsets_request body;
    body.replica_id = -1;
    auto& t = body.topics.emplace_back();
    t.name = topic;
    auto& p = t.partitions.emplace_back();
    p.partition_index = key.partition;
    p.current_leader_epoch = -1;
    p.timestamp = latest;
    return frame_of(api_key::list_offsets, list_offsets_version, body);
  }
};

template <class Response>
bool read_frame(
  const shared_bytes& frame, api_key key, int16_t version, Response& response) {
  if (frame.empty())
    return false;
  kafka_reader reader{frame};
  return kafka::decode_response_header(
           reader, static_cast<int16_t>(key), version)
           .ok()
         && decode(reader, version, response).ok();
}

/// The one partition of a response, or null.
template <class Response>
auto* only_part(const Response& response) {
  using part = std::remove_reference_t<
    decltype(response.results.front().partitions.front())>;
  return response.results.size() == 1
             && response.results.front().partitions.size() == 1
           ? &response.results.front().partitions.front()
           : static_cast<part*>(nullptr);
}

template <class Part>
void read_state(const Part& part, share_partition_snapshot& state) {
  if constexpr (requires { part.state_epoch; })
    state.state_epoch = part.state_epoch;
  if constexpr (requires { part.leader_epoch; })
    state.leader_epoch = part.leader_epoch;
  if constexpr (requires { part.start_offset; })
    state.start = offset{part.start_offset};
  if constexpr (requires { part.delivery_complete_count; })
    state.delivery_complete_count = part.delivery_complete_count;
  if constexpr (requires { part.state_batches; })
    for (const auto& b : part.state_batches)
      state.batches.push_back({offset{b.first_offset}, offset{b.last_offset},
        b.delivery_state, b.delivery_count});
}

template <class Part>
void write_state(const share_partition_snapshot& state, Part& part) {
  if constexpr (requires { part.state_epoch; })
    part.state_epoch = state.state_epoch;
  if constexpr (requires { part.leader_epoch; })
    part.leader_epoch = state.leader_epoch;
  if constexpr (requires { part.start_offset; })
    part.start_offset = state.start.value;
  if constexpr (requires { part.delivery_complete_count; })
    part.delivery_complete_count = state.delivery_complete_count;
  if constexpr (requires { part.state_batches; })
    for (const auto& b : state.batches)
      part.state_batches.push_back(
        {b.first.value, b.last.value, b.delivery_state, b.delivery_count});
}

const share_state_answer unreadable{kafka_error::network_exception, "", {}};

template <class Response>
share_state_answer read_as(
  const shared_bytes& frame, api_key key, int16_t version) {
  Response response;
  if (!read_frame(frame, key, version, response))
    return unreadable;
  const auto* part = only_part(response);
  if (!part)
    return unreadable;
  share_state_answer answer;
  answer.error = static_cast<kafka_error>(part->error_code);
  answer.message = part->error_message.value_or("");
  if (answer.error == kafka_error::none)
    read_state(*part, answer.state);
  return answer;
}

struct answer_decoder {
  const shared_bytes& frame;

  share_state_answer operator()(const question::initialize&) const {
    return read_as<kafka::initialize_share_group_state_response>(
      frame, api_key::initialize_share_group_state, only_version);
  }
  share_state_answer operator()(const question::read&) const {
    return read_as<kafka::read_share_group_state_response>(
      frame, api_key::read_share_group_state, only_version);
  }
  share_state_answer operator()(const question::write&) const {
    return read_as<kafka::write_share_group_state_response>(
      frame, api_key::write_share_group_state, complete_count_version);
  }
  share_state_answer operator()(const question::summarize&) const {
    return read_as<kafka::read_share_group_state_summary_response>(
      frame, api_key::read_share_group_state_summary, complete_count_version);
  }
  share_state_answer operator()(const question::forget&) const {
    return read_as<kafka::delete_share_group_state_response>(
      frame, api_key::delete_share_group_state, only_version);
  }
  share_state_answer operator()(const question::log_end&) const {
    kafka::list_offsets_response response;
    if (!read_frame(
          frame, api_key::list_offsets, list_offsets_version, response)
        || response.topics.size() != 1
        || response.topics.front().partitions.size() != 1)
      return unreadable;
    const auto& p = response.topics.front().partitions.front();
    return {
      static_cast<kafka_error>(p.error_code), "", {.start = offset{p.offset}}};
  }
};

/// @param to_what makes the question of a partition
template <class Request, class ToWhat>
std::vector<question> each_partition(const Request& request, ToWhat to_what) {
  std::vector<question> questions;
  for (const auto& t : request.topics)
    for (const auto& p : t.partitions)
      questions.push_back(
        {{request.group_id, t.topic_id, p.partition}, to_what(p)});
  return questions;
}

} // namespace

shared_bytes encode_share_question(
  const share_state_question& question, const std::string& topic) {
  return std::visit(question_encoder{question.key, topic}, question.what);
}

share_state_answer decode_share_answer(
  const share_state_question& question, const shared_bytes& frame) {
  return std::visit(answer_decoder{frame}, question.what);
}

std::vector<share_state_question> questions_of(
  const kafka::initialize_share_group_state_request& request) {
  return each_partition(request, [](const auto& p) {
    return question::initialize{p.state_epoch, offset{p.start_offset}};
  });
}

std::vector<share_state_question> questions_of(
  const kafka::read_share_group_state_request& request) {
  return each_partition(request, [](const auto& p) {
    return question::read{p.leader_epoch};
  });
}

std::vector<share_state_question> questions_of(
  const kafka::write_share_group_state_request& request) {
  return each_partition(request, [](const auto& p) {
    question::write write{p.state_epoch, p.leader_epoch, offset{p.start_offset},
      p.delivery_complete_count, {}};
    for (const auto& b : p.state_batches)
      write.batches.push_back({offset{b.first_offset}, offset{b.last_offset},
        b.delivery_state, b.delivery_count});
    return write;
  });
}

std::vector<share_state_question> questions_of(
  const kafka::delete_share_group_state_request& request) {
  return each_partition(request, [](const auto&) {
    return question::forget{};
  });
}

std::vector<share_state_question> questions_of(
  const kafka::read_share_group_state_summary_request& request) {
  return each_partition(request, [](const auto&) {
    return question::summarize{};
  });
}

template <class Response>
Response response_of(std::span<const share_state_question> questions,
  std::span<const share_state_answer> answers) {
  MILLRACE_ASSERT(
    questions.size() == answers.size(), "every question has an answer");
  Response response;
  for (size_t i = 0; i < questions.size(); ++i) {
    const auto& key = questions[i].key;
    if (response.results.empty()
        || response.results.back().topic_id != key.topic)
      response.results.emplace_back().topic_id = key.topic;
    auto& part = response.results.back().partitions.emplace_back();
    part.partition = key.partition;
    part.error_code = code_of(answers[i].error);
    if (answers[i].error == kafka_error::none)
      write_state(answers[i].state, part);
    else if (!answers[i].message.empty())
      part.error_message = answers[i].message;
  }
  return response;
}

template kafka::initialize_share_group_state_response response_of(
  std::span<const share_state_question>, std::span<const share_state_answer>);
template kafka::read_share_group_state_response response_of(
  std::span<const share_state_question>, std::span<const share_state_answer>);
template kafka::write_share_group_state_response response_of(
  std::span<const share_state_question>, std::span<const share_state_answer>);
template kafka::delete_share_group_state_response response_of(
  std::span<const share_state_question>, std::span<const share_state_answer>);
template kafka::read_share_group_state_summary_response response_of(
  std::span<const share_state_question>, std::span<const share_state_answer>);

} // namespace millrace
