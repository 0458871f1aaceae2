// A share front whose link, broker, controller and share coordinator the test
// plays.

#include "actors/share_front.hpp"
#include "cluster/share_state_wire.hpp"
#include "schema/share_message.hpp"
#include "tests/actors/actor_fixture.hpp"

using namespace millrace;

namespace {

using question = share_state_question;

constexpr node_id here{1};
constexpr node_id there{2};
const uuid orders{0x4000, 1};
const share_partition_key orders_0{"g", orders, 0};

/// Notes what is sent, and says what the test wants.
class noting_link final : public node_link {
public:
  using node_link::deliver;
  using node_link::node_link;
  using node_link::tell_state;
  void introduce(node_id, const endpoint&) override {}

  std::vector<std::pair<node_id, envelope>> sent;

protected:
  void ship(node_id to, envelope message) override {
    sent.emplace_back(to, std::move(message));
  }
};

/// Two nodes. `orders` is led by the other one, and so is the only partition of
/// __share_group_state, or by this one.
metadata_image image_of(std::optional<node_id> states_leader) {
  metadata_image image;
  int64_t index = 0;
  image.apply(cluster_created{"cluster"}, index, 1);
  for (const auto id : {here, there}) {
    broker_registered r;
    r.id = id;
    r.broker_epoch = 10 + id.value;
    image.apply(r, ++index, 1);
  }
  const auto create = [&](const char* name, uuid id, node_id leader) {
    topic_created t;
    t.name = name;
    t.id = id;
    partition_registration p;
    p.replicas = p.isr = {here, there};
    p.leader = leader;
    t.partitions.push_back(p);
    image.apply(t, ++index, 1);
  };
  create("orders", orders, there);
  if (states_leader)
    create(share_states_topic_name, {0x4000, 2}, *states_leader);
  return image;
}

struct fixture : actor_fixture {
  caf::scoped_actor broker{system};
  caf::scoped_actor controller{system};
  caf::scoped_actor coordinator{system};
  caf::scoped_actor client{system};
  std::shared_ptr<noting_link> link = std::make_shared<noting_link>(here);
  share_front_actor subject;
  uint64_t tickets = 0;

  explicit fixture(std::optional<node_id> states_leader) {
    auto config = parse_node_config({{"node.id", "1"}});
    REQUIRE(config.ok());
    subject = system.spawn(share_front,
      gateway_wiring{.env = &env,
        .config = std::make_shared<const node_config>(std::move(*config)),
        .counters = std::make_shared<node_counters>(),
        .controller = pointer(controller),
        .broker = pointer(broker),
        .cluster = uuid{},
        .link = link});
    run();
    show(states_leader);
  }
  ~fixture() {
    caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    subject = nullptr;
    run();
  }

  static caf::strong_actor_ptr pointer(const caf::scoped_actor& actor) {
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }

  /// The front is told this much.
  void show(std::optional<node_id> states_leader) {
    directory_update all;
    all.image = std::make_shared<const metadata_image>(image_of(states_leader));
    if (states_leader == here)
      all.coordinators.push_back(
        {{share_states_topic_name, 0}, pointer(coordinator)});
    caf::anon_send(subject, std::move(all));
    run();
  }
  void ask(question q) {
    client->send(subject, share_state_ask{++tickets, std::move(q)});
    run();
  }
  /// The answer to the last question, if there is one.
  std::optional<share_state_answer> answer() {
    std::optional<share_state_answer> last;
    while (client->has_next_message())
      client->receive([&](share_state_result& result) {
        CHECK_FALSE(last);
        CHECK(result.ticket == tickets);
        last = std::move(result.answer);
      });
    return last;
  }
  kafka_error error() {
    const auto told = answer();
    REQUIRE(told);
    return told->error;
  }
  /// The coordinator of this node is asked, and says this.
  void coordinate(const share_state_answer& told) {
    REQUIRE(coordinator->has_next_message());
    coordinator->receive([&](const share_state_ask& ask) {
      caf::anon_send(subject, share_state_result{ask.ticket, told});
    });
    run();
  }
  /// The other node asks so, in its request of this number.
  void ask_from_there(const question& q, uint64_t request, int64_t epoch) {
    link->deliver(
      there, encode(share_request{epoch, encode_share_question(q, "orders")},
               request));
    run();
  }
};

const share_state_answer known{.state = {4, 0, offset{7}, -1, {}}};

} // namespace

TEST_CASE(
  "what this node coordinates it is asked itself", "[actors][share_front]") {
  fixture f{here};
  f.ask({orders_0, question::read{5}});
  CHECK_FALSE(f.answer());
  f.coordinate(known);
  CHECK(f.answer() == known);
  CHECK(f.link->sent.empty());
}

TEST_CASE("what another node coordinates that one is asked, and its answer "
          "comes back",
  "[actors][share_front]") {
  fixture f{there};
  f.ask({orders_0, question::read{5}});
  REQUIRE(f.link->sent.size() == 1);
  CHECK(f.link->sent[0].first == there);
  const auto& sent = f.link->sent[0].second;
  const auto message = decode_share_message(sent);
  REQUIRE(message.ok());
  CHECK(std::get<share_request>(*message).broker_epoch == 11);
  CHECK_FALSE(f.answer());

  // The other node's front does this.
  fixture other{here};
  other.link->deliver(there, sent);
  other.run();
  other.coordinate(known);
  REQUIRE(other.link->sent.size() == 1);
  f.link->deliver(there, other.link->sent[0].second);
  f.run();
  CHECK(f.answer() == known);
}

TEST_CASE("the end of a log is asked of its leader", "[actors][share_front]") {
  fixture f{here};
  f.ask({orders_0, question::log_end{}});
  REQUIRE(f.link->sent.size() == 1);
  CHECK(f.link->sent[0].first == there);
}

TEST_CASE("who is not answered in time is told so", "[actors][share_front]") {
  fixture f{there};
  f.ask({orders_0, question::read{5}});
  f.pass(std::chrono::seconds{4});
  CHECK_FALSE(f.answer());
  f.pass(std::chrono::seconds{2});
  CHECK(f.error() == kafka_error::request_timed_out);
}

TEST_CASE(
  "who has asked a node that is lost is told so", "[actors][share_front]") {
  fixture f{there};
  f.link->tell_state(there, link_state::up);
  f.run();
  f.ask({orders_0, question::read{5}});
  f.link->tell_state(there, link_state::down);
  f.run();
  CHECK(f.error() == kafka_error::network_exception);
}

TEST_CASE("the topic of the states is made when the first of them begins",
  "[actors][share_front]") {
  fixture f{std::nullopt};
  f.ask({orders_0, question::read{5}});
  CHECK(f.error() == kafka_error::coordinator_not_available);
  CHECK_FALSE(f.controller->has_next_message());
  const question first{orders_0, question::initialize{1, offset{-1}}};
  f.ask(first);
  CHECK_FALSE(f.answer());
  REQUIRE(f.controller->has_next_message());
  f.controller->receive([](const admin_ask& asked) {
    CHECK(std::get<auto_create_topics>(asked.question).names
          == std::vector<std::string>{share_states_topic_name});
  });
  // Once is enough while that is under way.
  f.pass(std::chrono::milliseconds{50});
  CHECK_FALSE(f.controller->has_next_message());
  CHECK_FALSE(f.answer());
  // Its leader is known before it has read its log.
  f.show(here);
  f.pass(std::chrono::milliseconds{50});
  f.coordinate({kafka_error::coordinator_load_in_progress, "", {}});
  f.pass(std::chrono::milliseconds{50});
  CHECK_FALSE(f.answer());
  f.coordinate(known);
  CHECK(f.error() == kafka_error::none);
}

TEST_CASE("who begins where there is no coordinator for long is told so",
  "[actors][share_front]") {
  fixture f{std::nullopt};
  f.ask({orders_0, question::initialize{1, offset{-1}}});
  f.pass(std::chrono::seconds{4});
  CHECK_FALSE(f.answer());
  f.pass(std::chrono::seconds{2});
  CHECK(f.error() == kafka_error::coordinator_not_available);
}

TEST_CASE("a request of another node that comes late, or twice, is not done",
  "[actors][share_front]") {
  fixture f{here};
  const question write{orders_0, question::write{1, 1, offset{5}, 0, {}}};
  f.ask_from_there(write, 7, 12);
  f.coordinate({});
  CHECK(f.link->sent.size() == 1);
  f.ask_from_there(write, 7, 12);
  f.ask_from_there(write, 6, 12);
  CHECK_FALSE(f.coordinator->has_next_message());
  f.ask_from_there(write, 8, 12);
  CHECK(f.coordinator->has_next_message());
  // A later life of that node begins anew.
  f.ask_from_there(write, 1, 13);
  f.coordinate({});
  f.coordinate({});
  CHECK(f.link->sent.size() == 3);
}

TEST_CASE("a request for a coordinator that is not here is answered so",
  "[actors][share_front]") {
  fixture f{there};
  f.ask_from_there({orders_0, question::read{5}}, 7, 12);
  REQUIRE(f.link->sent.size() == 1);
  const auto message = decode_share_message(f.link->sent[0].second);
  REQUIRE(message.ok());
  CHECK(decode_share_answer({orders_0, question::read{5}},
          std::get<share_response>(*message).frame)
          .error
        == kafka_error::not_coordinator);
}
