#include "cluster/share_state_wire.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka_wire.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace millrace {

namespace {

using question = share_state_question;

const share_partition_key key{"g", {1, 2}, 3};

/// Reads a request as the node does that is asked.
template <class Request>
Request read_request(const question& q, int16_t api, int16_t version) {
  kafka_reader reader{encode_share_question(q, "orders")};
  kafka::request_header header;
  REQUIRE(decode(reader, header).ok());
  CHECK(header.api_key == api);
  CHECK(header.api_version == version);
  Request request;
  REQUIRE(decode(reader, version, request).ok());
  CHECK(reader.remaining() == 0);
  return request;
}

template <class Response>
shared_bytes frame_of(int16_t api, int16_t version, const Response& response) {
  kafka_writer writer;
  kafka::encode_response_header(writer, api, version, 0);
  encode(writer, version, response);
  return shared_bytes::copy_of(flatten(writer.finish()).value());
}

/// A question there, and its answer back.
template <class Request, class Response>
share_state_answer exchanged(const question& q, int16_t api, int16_t version,
  const share_state_answer& answer) {
  const auto asked = questions_of(read_request<Request>(q, api, version));
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].key == q.key);
  CHECK(asked[0].what.index() == q.what.index());
  const std::array answers{answer};
  return decode_share_answer(
    q, frame_of(api, version, response_of<Response>(asked, answers)));
}

} // namespace

TEST_CASE(
  "a read and what is known go there and back", "[cluster][share_state_wire]") {
  const share_state_answer answer{
    .state = {4, 0, offset{7}, -1, {{offset{7}, offset{9}, 2, 1}}}};
  CHECK(exchanged<kafka::read_share_group_state_request,
          kafka::read_share_group_state_response>(
          {key, question::read{5}}, 84, 0, answer)
        == answer);
}

TEST_CASE(
  "a write is asked with all that it changes", "[cluster][share_state_wire]") {
  const question::write write{4, 5, offset{7}, 2,
    {{offset{7}, offset{9}, 2, 1}, {offset{12}, offset{12}, 0, 3}}};
  const auto asked = questions_of(
    read_request<kafka::write_share_group_state_request>({key, write}, 85, 1));
  REQUIRE(asked.size() == 1);
  const auto& read = std::get<question::write>(asked[0].what);
  CHECK(read.state_epoch == 4);
  CHECK(read.leader_epoch == 5);
  CHECK(read.start == offset{7});
  CHECK(read.delivery_complete_count == 2);
  CHECK(read.batches == write.batches);
}

TEST_CASE(
  "a refusal comes back with its reason", "[cluster][share_state_wire]") {
  const share_state_answer refused{kafka_error::fenced_state_epoch, "why", {}};
  CHECK(exchanged<kafka::write_share_group_state_request,
          kafka::write_share_group_state_response>(
          {key, question::write{}}, 85, 1, refused)
        == refused);
  CHECK(exchanged<kafka::initialize_share_group_state_request,
          kafka::initialize_share_group_state_response>(
          {key, question::initialize{1, offset{-1}}}, 83, 0, refused)
        == refused);
  CHECK(exchanged<kafka::delete_share_group_state_request,
          kafka::delete_share_group_state_response>(
          {key, question::forget{}}, 86, 0, refused)
        == refused);
}

TEST_CASE(
  "a summary comes back without batches", "[cluster][share_state_wire]") {
  const share_state_answer answer{.state = {4, 5, offset{7}, 2, {}}};
  CHECK(exchanged<kafka::read_share_group_state_summary_request,
          kafka::read_share_group_state_summary_response>(
          {key, question::summarize{}}, 87, 1, answer)
        == answer);
}

TEST_CASE("the end of a log is what ListOffsets says is the latest",
  "[cluster][share_state_wire]") {
  const question q{key, question::log_end{}};
  const auto request = read_request<kafka::list_offsets_request>(q, 2, 7);
  CHECK(request.topics.at(0).name == "orders");
  CHECK(request.topics.at(0).partitions.at(0).partition_index == 3);
  CHECK(request.topics.at(0).partitions.at(0).timestamp == -1);
  kafka::list_offsets_response response;
  response.topics.push_back({"orders", {{3, 0, -1, 42, 0}}});
  CHECK(
    decode_share_answer(q, frame_of(2, 7, response)).state.start == offset{42});
}

TEST_CASE("an answer that cannot be read is a failure of the network",
  "[cluster][share_state_wire]") {
  const question q{key, question::read{5}};
  CHECK(decode_share_answer(q, {}).error == kafka_error::network_exception);
  CHECK(decode_share_answer(q, shared_bytes::copy_of("xx")).error
        == kafka_error::network_exception);
  // Nobody answers for a partition that was not asked about.
  CHECK(decode_share_answer(
          q, frame_of(84, 0, kafka::read_share_group_state_response{}))
          .error
        == kafka_error::network_exception);
}

} // namespace millrace
