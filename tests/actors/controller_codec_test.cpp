#include "actors/controller_codec.hpp"
#include "actors/controller_codec_parts.hpp"
#include "schema/capnp_bytes.hpp"
#include "schema/controller.capnp.h"
#include "schema/kafka/apis.hpp"
#include "tests/schema/random_message.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

namespace millrace {

namespace {

partition_registration partition() {
  partition_registration p;
  p.index = 3;
  p.replicas = {{1}, {2}, {3}};
  p.isr = {{2}, {3}};
  p.leader = {2};
  p.epoch = {7};
  p.partition_epoch = 12;
  p.directories = {uuid{1, 2}, uuid{3, 4}, lost_directory};
  p.eligible = {{1}};
  p.adding = {{3}};
  p.removing = {{1}};
  return p;
}

/// What brokers ask, with every field away from its default.
std::vector<admin_question> own_questions() {
  register_broker registration;
  registration.id = {4};
  registration.incarnation = {5, 6};
  registration.directories = {uuid{7, 8}, uuid{9, 10}};
  registration.endpoints = {{"PLAINTEXT", "example.org", 9092, 2}};
  registration.rack = "r1";
  registration.cluster_id = "MkU3OEVBNTcwNTJENDM2Qg";
  registration.lost = {{uuid{1, 1}, 2, {300}, {400}}, {uuid{2, 2}, 0, {}, {9}}};
  registration.cut_short = {{uuid{3, 1}, 4, {5}, {600}}, {uuid{3, 2}, 0}};
  registration.known_starts = {uuid{4, 1}, uuid{4, 2}};
  registration.unclean = true;
  return {auto_create_topics{{"a", "__consumer_offsets", ""}}, registration,
    broker_heartbeat{{4}, 77, 1'000, true,
      node_load{{5'000'000'000, 6}, 10'000,
        {{uuid{1, 2}, 3, {4, 5}}, {uuid{6, 7}, 0, {}}}}},
    change_isr{{1}, 77, {8, 9}, 3, {7}, 12, {{{1}, 77}, {{2}, -1}}},
    allocate_producer_ids{{4}, 77}};
}

std::vector<admin_reply> own_replies() {
  return {kafka_error::not_controller,
    register_broker_reply{kafka_error::invalid_registration, "why", 42},
    broker_heartbeat_reply{kafka_error::stale_broker_epoch, false, true, true},
    change_isr_reply{kafka_error::invalid_update_version, partition()},
    allocate_producer_ids_reply{
      kafka_error::stale_broker_epoch, {5'000'000'000}, 1'000}};
}

/// A question of each kind, in each version of its API.
std::vector<admin_ask> every_question() {
  std::vector<admin_ask> all;
  for (auto& question : own_questions())
    all.push_back({0, 0, std::move(question)});
  const auto add = [&]<class Question>(const Question&) {
    if constexpr (controller_parts::kafka_question<Question>) {
      constexpr auto key = controller_parts::answered_by<Question>::key;
      const auto* api = kafka::find_api(static_cast<int16_t>(key));
      for (auto v = api->min_version; v <= api->max_version; ++v) {
        Question request;
        kafka::random_filler filler{static_cast<uint64_t>(v) + 1, v};
        visit_fields(filler, v, request);
        all.push_back({0, v, request, quota_client{"u", ""}});
      }
    }
  };
  [&]<size_t... I>(std::index_sequence<I...>) {
    (add(std::variant_alternative_t<I, admin_question>{}), ...);
  }(std::make_index_sequence<std::variant_size_v<admin_question>>{});
  return all;
}

template <class Response>
admin_reply filled(int16_t version) {
  Response response;
  kafka::random_filler filler{static_cast<uint64_t>(version) + 7, version};
  visit_fields(filler, version, response);
  return response;
}

struct replier {
  int16_t v;
  template <controller_parts::kafka_question Question>
  admin_reply operator()(const Question&) {
    return filled<typename controller_parts::answered_by<Question>::reply>(v);
  }
  admin_reply operator()(const auto_create_topics&) {
    return own_replies()[0];
  }
  admin_reply operator()(const register_broker&) {
    return own_replies()[1];
  }
  admin_reply operator()(const broker_heartbeat&) {
    return own_replies()[2];
  }
  admin_reply operator()(const change_isr&) {
    return own_replies()[3];
  }
  admin_reply operator()(const allocate_producer_ids&) {
    return own_replies()[4];
  }
};

/// An answer of the kind that the question has.
admin_reply reply_to(const admin_ask& ask) {
  return std::visit(replier{ask.version}, ask.question);
}

/// As the other node gets it: through a whole frame.
envelope sent(const envelope& e) {
  auto received = decode_envelope(encode(e));
  REQUIRE(received.ok());
  return std::move(*received);
}

template <class T>
errc code_of(const result<T>& got) {
  return got.ok() ? errc::none : got.error().code;
}

/// A message of these fields, as another node might send it.
template <class Fill>
envelope message(
  bool is_answer, Fill&& fill, std::vector<shared_bytes> runs = {}) {
  capnp::MallocMessageBuilder builder;
  fill(builder.initRoot<wire::ControllerMessage>());
  return {.conversation = conversation::controller,
    .is_answer = is_answer,
    .message = to_shared_bytes(builder),
    .runs = std::move(runs)};
}

} // namespace

TEST_CASE("every question reaches the controller as it was asked",
  "[actors][controller_codec]") {
  std::set<size_t> kinds;
  for (const auto& ask : every_question()) {
    INFO("kind " << ask.question.index() << ", version " << ask.version);
    kinds.insert(ask.question.index());
    const auto e = sent(encode_question(41, ask));
    CHECK(e.request_id == 41);
    CHECK_FALSE(e.is_answer);
    const auto back = decode_question(e);
    REQUIRE(back.ok());
    CHECK(back->question == ask.question);
    CHECK(back->version == ask.version);
    CHECK(back->client == ask.client);
  }
  CHECK(kinds.size() == std::variant_size_v<admin_question>);
}

TEST_CASE(
  "every answer comes back as it was given", "[actors][controller_codec]") {
  std::set<size_t> kinds;
  for (const auto& ask : every_question()) {
    INFO("kind " << ask.question.index() << ", version " << ask.version);
    const auto reply = reply_to(ask);
    kinds.insert(reply.index());
    const auto e = sent(encode_answer(41, ask.version, {9, 1'234, reply}));
    CHECK(e.request_id == 41);
    CHECK(e.is_answer);
    const auto back = decode_answer(e, ask.question);
    REQUIRE(back.ok());
    CHECK(back->index == 1'234);
    CHECK(back->reply == reply);
  }
  CHECK(kinds.size() == std::variant_size_v<admin_reply>);
}

TEST_CASE("a heartbeat without a load, as an older node says it, has none",
  "[actors][controller_codec]") {
  const auto e = sent(encode_question(1, {0, 0, broker_heartbeat{{4}, 77}}));
  const auto back = decode_question(e);
  REQUIRE(back.ok());
  CHECK_FALSE(std::get<broker_heartbeat>(back->question).load);
}

TEST_CASE("of a load only so many partitions are read, whoever has sent it",
  "[actors][controller_codec]") {
  node_load load;
  load.heaviest.resize(1'000);
  const auto e = sent(
    encode_question(1, {0, 0, broker_heartbeat{{4}, 77, 0, false, load}}));
  const auto back = decode_question(e);
  REQUIRE(back.ok());
  CHECK(std::get<broker_heartbeat>(back->question).load->heaviest.size()
        == node_load::heaviest_max);
}

TEST_CASE("an error answers every question", "[actors][controller_codec]") {
  const auto e = encode_answer(1, 0, {0, 5, kafka_error::unsupported_version});
  for (const auto& ask : every_question()) {
    const auto back = decode_answer(e, ask.question);
    REQUIRE(back.ok());
    CHECK(back->reply == admin_reply{kafka_error::unsupported_version});
  }
}

TEST_CASE("the answer to another kind of question is corrupt",
  "[actors][controller_codec]") {
  const auto all = every_question();
  for (const auto& asked : all)
    for (const auto& other : all) {
      const auto reply = reply_to(other);
      if (reply.index() == 0
          || other.question.index() == asked.question.index())
        continue;
      INFO(asked.question.index() << " and " << other.question.index());
      CHECK(code_of(decode_answer(
              encode_answer(1, other.version, {0, 5, reply}), asked.question))
            == errc::corrupt);
    }
}

TEST_CASE("a version that an API does not have travels as the nearest one",
  "[actors][controller_codec]") {
  kafka::create_topics_request request;
  request.topics.push_back({"t", 1, 1, {}, {}});
  const auto back = decode_question(encode_question(1, {0, 0, request}));
  REQUIRE(back.ok());
  CHECK(back->version == 2); // CreateTopics begins with it
  CHECK(back->question == admin_question{request});
}

TEST_CASE("questions are not answers, and not of another conversation",
  "[actors][controller_codec]") {
  auto question = encode_question(1, every_question().front());
  auto answer = encode_answer(1, 0, {0, 5, kafka_error::none});
  CHECK(code_of(decode_answer(question, every_question().front().question))
        == errc::corrupt);
  CHECK(code_of(decode_question(answer)) == errc::corrupt);
  question.is_answer = true;
  answer.is_answer = false;
  CHECK(code_of(decode_answer(question, every_question().front().question))
        == errc::corrupt);
  CHECK(code_of(decode_question(answer)) == errc::corrupt);
  question.is_answer = false;
  question.conversation = conversation::raft;
  CHECK(code_of(decode_question(question)) == errc::corrupt);
}

TEST_CASE("requests that this build does not know are unsupported, not corrupt",
  "[actors][controller_codec]") {
  const auto forwarded = [](int16_t key, int16_t version) {
    return code_of(decode_question(message(false,
      [=](wire::ControllerMessage::Builder m) {
        auto body = m.initForwardedRequest();
        body.setApiKey(key);
        body.setApiVersion(version);
      },
      {shared_bytes::copy_of(std::string_view{"\0\0\0\0", 4})})));
  };
  CHECK(forwarded(3, 9) == errc::unsupported); // Metadata is not forwarded
  CHECK(forwarded(-1, 0) == errc::unsupported);
  CHECK(forwarded(19, 99) == errc::unsupported); // CreateTopics of the future
}

TEST_CASE("bytes too few, too many or in the wrong place are refused",
  "[actors][controller_codec]") {
  const auto bytes = shared_bytes::copy_of(std::string_view{"x"});
  for (const auto& ask : every_question()) {
    INFO("kind " << ask.question.index() << ", version " << ask.version);
    auto e = encode_question(1, ask);
    if (!e.runs.empty()) {
      // A byte less is never a whole request; a byte more is left over.
      auto shorter = e;
      shorter.runs[0] = e.runs[0].slice(0, e.runs[0].size() - 1);
      CHECK_FALSE(decode_question(shorter).ok());
      auto longer = e;
      longer.runs[0]
        = shared_bytes::copy_of(std::string{e.runs[0].text()} + "x");
      CHECK_FALSE(decode_question(longer).ok());
      auto none = e;
      none.runs.clear();
      CHECK(code_of(decode_question(none)) == errc::corrupt);
    }
    e.runs.push_back(bytes);
    CHECK(code_of(decode_question(e)) == errc::corrupt);
    auto answer = encode_answer(1, ask.version, {0, 5, reply_to(ask)});
    answer.runs.push_back(bytes);
    CHECK_FALSE(decode_answer(answer, ask.question).ok());
  }
}

TEST_CASE(
  "a message that says nothing is corrupt", "[actors][controller_codec]") {
  const auto nothing = [](wire::ControllerMessage::Builder) {};
  CHECK(code_of(decode_question(message(false, nothing))) == errc::corrupt);
  CHECK(
    code_of(decode_answer(message(true, nothing), every_question()[0].question))
    == errc::corrupt);
  CHECK_FALSE(decode_question({.conversation = conversation::controller}).ok());
}

TEST_CASE("damaged messages to the controller are refused or read, no more",
  "[actors][controller_codec]") {
  std::mt19937_64 random{5};
  size_t refused = 0;
  for (const auto& ask : every_question())
    for (int i = 0; i < 200; ++i) {
      const bool is_answer = i % 2 == 1;
      auto e = is_answer ? encode_answer(1, ask.version, {0, 5, reply_to(ask)})
                         : encode_question(1, ask);
      auto& part = e.runs.empty() || random() % 2 == 0 ? e.message : e.runs[0];
      auto bytes = std::string{part.text()};
      for (int n = 0; n < 3 && !bytes.empty(); ++n)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 4 == 0)
        bytes.resize(random() % (bytes.size() + 1));
      part = shared_bytes::copy_of(bytes);
      refused += is_answer ? !decode_answer(e, ask.question).ok()
                           : !decode_question(e).ok();
    }
  CHECK(refused > 1'000);
}

} // namespace millrace
