#include "cluster/metadata_answers.hpp"
#include "tests/cluster/metadata_fixture.hpp"

#include <limits>

using namespace millrace;
using millrace::test::controller;

namespace {

using request = kafka::alter_client_quotas_request;
using parts = std::vector<request::entity_data>;

const parts alice{{"user", "alice"}};

request::entry_data entry(parts entity, std::vector<request::op_data> ops) {
  return {std::move(entity), std::move(ops)};
}

/// The code of one entry with one operation.
int16_t code_of(controller& c, parts entity, const char* key, double value,
  bool remove = false) {
  const auto reply
    = c.ask(request{{entry(std::move(entity), {{key, value, remove}})}, false});
  REQUIRE(reply.entries.size() == 1);
  CHECK(reply.entries[0].error_message.has_value()
        == (reply.entries[0].error_code != 0));
  return reply.entries[0].error_code;
}

constexpr auto invalid = static_cast<int16_t>(kafka_error::invalid_request);

std::vector<std::string> described(const controller& c,
  std::vector<kafka::describe_client_quotas_request::component_data> components,
  bool strict = false) {
  const auto answer
    = answer_describe_client_quotas({std::move(components), strict}, c.image());
  REQUIRE(answer.error_code == 0);
  std::vector<std::string> names;
  for (const auto& e : *answer.entries) {
    auto& name = names.emplace_back();
    for (const auto& [type, text] : e.entity)
      name += type + "=" + text.value_or("<default>") + " ";
    for (const auto& [key, value] : e.values)
      name += key + ":" + std::to_string(static_cast<int>(value));
  }
  return names;
}

} // namespace

TEST_CASE("quotas are set, changed and taken away",
  "[cluster][controller_state_quotas]") {
  controller c;
  CHECK(c.image().quotas() == nullptr);
  CHECK(code_of(c, alice, "producer_byte_rate", 1'000) == 0);
  REQUIRE(c.image().quotas() != nullptr);
  CHECK(c.image().quotas()->find("producer_byte_rate", {"alice", ""})->rate
        == 1'000);
  const auto entries = c.log.size();
  CHECK(code_of(c, alice, "producer_byte_rate", 1'000) == 0);
  CHECK(c.log.size() == entries); // it changes nothing
  CHECK(code_of(c, alice, "producer_byte_rate", 2'000) == 0);
  CHECK(c.image().quotas()->find("producer_byte_rate", {"alice", ""})->rate
        == 2'000);
  CHECK(code_of(c, alice, "producer_byte_rate", 0, true) == 0);
  CHECK(c.image().quotas() == nullptr);
  CHECK(code_of(c, alice, "producer_byte_rate", 0, true) == 0);
}

TEST_CASE("what is only validated is answered and not done",
  "[cluster][controller_state_quotas]") {
  controller c;
  const auto reply
    = c.ask(request{{entry(alice, {{"producer_byte_rate", 5, false}})}, true});
  CHECK(reply.entries[0].error_code == 0);
  CHECK(c.image().quotas() == nullptr);
}

TEST_CASE("values are checked as Kafka checks them",
  "[cluster][controller_state_quotas]") {
  controller c;
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  constexpr auto no_number = std::numeric_limits<double>::quiet_NaN();
  struct {
    const char* key;
    double value;
    int16_t code;
  } const cases[] = {
    {"producer_byte_rate", 1, 0},
    {"producer_byte_rate", 0, invalid},
    {"producer_byte_rate", -5, invalid},
    {"producer_byte_rate", 1000.5, invalid},
    {"producer_byte_rate", 1e19, invalid},
    {"producer_byte_rate", infinity, invalid},
    {"consumer_byte_rate", 7, 0},
    {"request_percentage", 0.5, 0},
    {"request_percentage", 0, invalid},
    {"request_percentage", no_number, invalid}, // Kafka takes it
    {"request_percentage", infinity, invalid},  // and this
    {"controller_mutation_rate", 5.5, 0},
    {"connection_creation_rate", 1, invalid}, // of addresses only
    {"nope", 1, invalid},
  };
  for (const auto& [key, value, code] : cases) {
    INFO(key << " " << value);
    CHECK(code_of(c, alice, key, value) == code);
  }
  CHECK(code_of(c, alice, "nope", 1, true) == 0); // it has none
  const parts address{{"ip", "1.2.3.4"}};
  CHECK(code_of(c, address, "connection_creation_rate", 10) == 0);
  CHECK(code_of(c, address, "connection_creation_rate", 1.5) == invalid);
  CHECK(code_of(c, address, "producer_byte_rate", 10) == invalid);
}

TEST_CASE("entities are checked as Kafka checks them",
  "[cluster][controller_state_quotas]") {
  controller c;
  struct {
    parts entity;
    int16_t code;
  } const cases[] = {
    {{{"user", "u"}, {"client-id", "c"}}, 0},
    {{{"user", std::nullopt}, {"client-id", std::nullopt}}, 0},
    {{{"client-id", std::nullopt}}, 0},
    {{}, invalid},
    {{{"group", "g"}}, invalid},
    {{{"", "x"}}, invalid},
    {{{"user", ""}}, invalid},
    {{{"user", ""}, {"user", "b"}}, 0}, // the last one counts
    {{{"user", "a"}, {"user", ""}}, invalid},
  };
  for (const auto& [entity, code] : cases)
    CHECK(code_of(c, entity, "producer_byte_rate", 1) == code);
  const char* const rate = "connection_creation_rate";
  CHECK(code_of(c, {{"ip", std::nullopt}}, rate, 1) == 0);
  CHECK(code_of(c, {{"ip", "::1"}}, rate, 1) == 0);
  CHECK(code_of(c, {{"ip", ""}}, rate, 1) == invalid);
  CHECK(code_of(c, {{"ip", "1.2.3.4.5"}}, rate, 1) == invalid);
  CHECK(code_of(c, {{"ip", "localhost"}}, rate, 1) == invalid); // no names
  CHECK(code_of(c, {{"ip", "1.2.3.4"}, {"user", "u"}}, rate, 1) == invalid);
}

TEST_CASE("two ways to write an address are one entity",
  "[cluster][controller_state_quotas]") {
  controller c;
  const char* const rate = "connection_creation_rate";
  CHECK(code_of(c, {{"ip", "::ffff:10.0.0.1"}}, rate, 1) == 0);
  CHECK(code_of(c, {{"ip", "0:0::0:1"}}, rate, 2) == 0);
  CHECK(c.image().quotas()->connection_rate("10.0.0.1") == 1);
  CHECK(c.image().quotas()->connection_rate("::1") == 2);
}

TEST_CASE("one bad entry does not keep the others from being done",
  "[cluster][controller_state_quotas]") {
  controller c;
  const auto reply = c.ask(
    request{{entry(alice, {{"producer_byte_rate", -1, false}}),
              entry({{"client-id", "c"}}, {{"producer_byte_rate", 5, false}}),
              entry({{"user", "bob"}},
                {{"producer_byte_rate", 11, false}, {"nope", 5, false}}),
              entry({{"user", "eve"}}, {{"producer_byte_rate", 1, false},
                                         {"producer_byte_rate", 2, false}})},
      false});
  std::vector<int16_t> codes;
  for (const auto& e : reply.entries)
    codes.push_back(e.error_code);
  CHECK(codes == std::vector<int16_t>{invalid, 0, invalid, invalid});
  CHECK(described(c, {})
        == std::vector<std::string>{"client-id=c producer_byte_rate:5"});
}

TEST_CASE("an entity that comes twice is refused both times",
  "[cluster][controller_state_quotas]") {
  controller c;
  const auto reply
    = c.ask(request{{entry(alice, {{"producer_byte_rate", 1, false}}),
                      entry(alice, {{"consumer_byte_rate", 2, false}})},
      false});
  CHECK(reply.entries[0].error_code == invalid);
  CHECK(reply.entries[1].error_code == invalid);
  CHECK(c.image().quotas() == nullptr);
}

TEST_CASE("quotas are described by what their entities are made of",
  "[cluster][controller_state_quotas]") {
  controller c;
  const auto set = [&](parts entity, double value) {
    CHECK(code_of(c, std::move(entity), "producer_byte_rate", value) == 0);
  };
  set({{"user", "a"}}, 1);
  set({{"user", std::nullopt}}, 2);
  set({{"user", "a"}, {"client-id", "c"}}, 3);
  set({{"client-id", "c"}}, 4);
  using names = std::vector<std::string>;
  const std::string user_a = "user=a producer_byte_rate:1";
  const std::string user_any = "user=<default> producer_byte_rate:2";
  const std::string pair = "client-id=c user=a producer_byte_rate:3";
  const std::string client = "client-id=c producer_byte_rate:4";
  CHECK(described(c, {}) == names{client, pair, user_any, user_a});
  CHECK(described(c, {}, true).empty());
  CHECK(described(c, {{"user", 0, "a"}}) == names{pair, user_a});
  CHECK(described(c, {{"user", 0, "a"}}, true) == names{user_a});
  CHECK(described(c, {{"user", 1, std::nullopt}}) == names{user_any});
  CHECK(
    described(c, {{"user", 2, std::nullopt}}) == names{pair, user_any, user_a});
  CHECK(described(c, {{"user", 0, "a"}, {"client-id", 2, std::nullopt}})
        == names{pair});
  CHECK(described(c, {{"ip", 2, std::nullopt}}).empty());
}

TEST_CASE("a filter that makes no sense is refused",
  "[cluster][controller_state_quotas]") {
  const metadata_image image;
  const auto code = [&](auto components) {
    const auto answer
      = answer_describe_client_quotas({std::move(components), false}, image);
    CHECK_FALSE(answer.entries.has_value());
    CHECK_FALSE(answer.error_message.value_or("").empty());
    return answer.error_code;
  };
  using components
    = std::vector<kafka::describe_client_quotas_request::component_data>;
  CHECK(code(components{{"", 2, std::nullopt}}) == invalid);
  CHECK(code(components{{"group", 2, std::nullopt}})
        == static_cast<int16_t>(kafka_error::unsupported_version));
  CHECK(code(components{{"user", 2, std::nullopt}, {"user", 1, std::nullopt}})
        == invalid);
  CHECK(code(components{{"user", 0, std::nullopt}}) == invalid);
  CHECK(code(components{{"user", 1, "x"}}) == invalid);
  CHECK(code(components{{"user", 2, "x"}}) == invalid);
  CHECK(code(components{{"user", 3, std::nullopt}}) == invalid);
  CHECK(code(components{{"ip", 2, std::nullopt}, {"user", 2, std::nullopt}})
        == invalid);
}

TEST_CASE("topics beyond a quota of changes are refused, and partitions count",
  "[cluster][controller_state_quotas]") {
  controller c;
  token_bucket bucket{1, quota_windows{}, 0}; // 11 partitions
  const auto create = [&](const char* name, int32_t partitions) {
    kafka::create_topics_request r;
    r.topics.push_back(
      {.name = name, .num_partitions = partitions, .replication_factor = 1});
    auto decided = c.state.decide(r, mutation_quota{bucket, true, 0});
    for (const auto& command : decided.records)
      c.apply(command);
    return std::pair{
      decided.reply.topics[0].error_code, decided.reply.throttle_time_ms};
  };
  constexpr auto exceeded
    = static_cast<int16_t>(kafka_error::throttling_quota_exceeded);
  CHECK(create("a", 10) == std::pair{int16_t{0}, 0});
  CHECK(create("b", 4) == std::pair{int16_t{0}, 0});
  CHECK(create("c", 1) == std::pair{exceeded, 3'000}); // 14 - 11
  CHECK(c.image().find_topic("c") == nullptr);
  kafka::delete_topics_request gone;
  gone.topic_names = {"a"};
  auto deleted = c.state.decide(gone, mutation_quota{bucket, true, 0});
  CHECK(deleted.reply.responses[0].error_code == exceeded);
  CHECK(deleted.records.empty());
  // Three are made good by now, then two of b's go, and ten of a's.
  CHECK(c.state.decide(gone, mutation_quota{bucket, true, 3'000})
          .reply.responses[0]
          .error_code
        == 0);
  kafka::create_partitions_request more;
  more.topics.push_back({"b", 6, std::nullopt});
  auto grown = c.state.decide(more, mutation_quota{bucket, true, 3'000});
  CHECK(grown.reply.results[0].error_code == exceeded);
  CHECK(grown.reply.throttle_time_ms == 10'000);
  // A client that knows of no refusal is let, and told to wait.
  grown = c.state.decide(more, mutation_quota{bucket, false, 3'000});
  CHECK(grown.reply.results[0].error_code == 0);
  CHECK(grown.reply.throttle_time_ms == 12'000);
}
