#include "actors/tcp_link.hpp"
#include "tests/actors/tcp_link_rig.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Two nodes that see one another.
struct pair_rig : link_rig {
  pair_rig() {
    one->knows(*two);
    two->knows(*one);
    REQUIRE(one->sees(*two, link_state::up));
    REQUIRE(two->sees(*one, link_state::up));
  }
  std::unique_ptr<linked_node> one = start(1);
  std::unique_ptr<linked_node> two = start(2);
};

} // namespace

TEST_CASE("an introduction in one direction brings both nodes together",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  const auto two = rig.start(2);
  one->knows(*two);
  CHECK(one->sees(*two, link_state::up));
  CHECK(two->sees(*one, link_state::up)); // by the address in the hello
}

TEST_CASE("who watches later is told at once who is up", "[actors][tcp_link]") {
  pair_rig rig;
  const auto late = std::make_shared<link_post>();
  const auto actor = rig.system.spawn(collect, late);
  rig.one->link->watch(caf::actor_cast<caf::strong_actor_ptr>(actor));
  CHECK(late->wait_for_state(node_id{2}, link_state::up));
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("the messages of a conversation arrive whole and in order",
  "[actors][tcp_link]") {
  pair_rig rig;
  constexpr uint64_t count = 20'000;
  for (uint64_t i = 0; i < count; ++i) {
    rig.one->link->send(node_id{2}, message_of(conversation::raft, i, "vote"));
    rig.one->link->send(
      node_id{2}, message_of(conversation::replica, i, "records"));
  }
  const bool all_came = rig.two->post->wait_for_messages(2 * count);
  CAPTURE(rig.one->link->counters().dropped.load(),
    rig.one->link->counters().broken.load(),
    rig.one->link->counters().messages_out.load(),
    rig.two->link->counters().messages_in.load());
  REQUIRE(all_came);
  std::array<uint64_t, 2> next{};
  for (const auto& [from, message] : rig.two->post->messages) {
    REQUIRE(from == node_id{1});
    const bool raft = message.conversation == conversation::raft;
    REQUIRE(message.message.text() == (raft ? "vote" : "records"));
    REQUIRE(message.request_id == next[raft ? 0 : 1]++);
    REQUIRE_FALSE(message.is_answer);
  }
  CHECK(rig.one->link->counters().dropped == 0);
  CHECK(rig.one->link->counters().messages_out == 2 * count);
  CHECK(rig.two->link->counters().messages_in == 2 * count);
}

TEST_CASE("messages of every size come with their runs, aligned",
  "[actors][tcp_link]") {
  pair_rig rig;
  const std::vector<size_t> sizes{
    0, 1, 7, 8, 511, 512, 513, 1023, 1024, 1025, 65'535, 262'144, 5'000'000};
  for (size_t i = 0; i < sizes.size(); ++i) {
    auto e = message_of(conversation::replica, i, std::string(sizes[i], 'm'));
    e.is_answer = true;
    e.runs = {shared_bytes::copy_of(std::string(sizes[i], 'r')), {},
      shared_bytes::copy_of("end")};
    rig.two->link->send(node_id{1}, std::move(e));
  }
  REQUIRE(rig.one->post->wait_for_messages(sizes.size()));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto& got = rig.one->post->messages[i].message;
    INFO(sizes[i]);
    CHECK(got.request_id == i);
    CHECK(got.is_answer);
    CHECK((got.message.text() == std::string(sizes[i], 'm')));
    REQUIRE(got.runs.size() == 3);
    CHECK((got.runs[0].text() == std::string(sizes[i], 'r')));
    CHECK(got.runs[1].empty());
    CHECK(got.runs[2].text() == "end");
    CHECK(reinterpret_cast<uintptr_t>(got.message.data()) % 8 == 0);
    CHECK(reinterpret_cast<uintptr_t>(got.runs[0].data()) % 8 == 0);
  }
}

TEST_CASE("a message to oneself needs no way", "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  one->link->send(node_id{1}, message_of(conversation::raft, 7, "self"));
  REQUIRE(one->post->wait_for_messages(1));
  CHECK(one->post->messages[0].node == node_id{1});
  CHECK(one->link->counters().messages_out == 0);
}

TEST_CASE("three nodes that know one address each all talk to one another",
  "[actors][tcp_link]") {
  link_rig rig;
  std::vector<std::unique_ptr<linked_node>> nodes;
  for (int32_t i = 1; i <= 3; ++i)
    nodes.push_back(rig.start(i));
  nodes[0]->knows(*nodes[1]);
  nodes[1]->knows(*nodes[2]);
  nodes[2]->knows(*nodes[0]);
  for (const auto& from : nodes)
    for (const auto& to : nodes)
      if (from != to) {
        REQUIRE(from->sees(*to, link_state::up));
        from->link->send(
          to->id(), message_of(conversation::controller,
                      static_cast<uint64_t>(from->id().value), "hello"));
      }
  for (const auto& node : nodes)
    CHECK(node->post->wait_for_messages(2));
}

TEST_CASE("a node that ends is down, then refused, and comes back as itself",
  "[actors][tcp_link]") {
  pair_rig rig;
  auto again = options_of(2);
  again.incarnation = 2;
  again.listen = rig.two->link->bound();
  rig.two.reset();
  REQUIRE(rig.one->post->wait_for_state(node_id{2}, link_state::refused));
  rig.one->link->send(node_id{2}, message_of(conversation::raft, 1, "lost"));
  rig.two = rig.start(again);
  REQUIRE(rig.one->sees(*rig.two, link_state::up));
  CHECK(rig.one->post->states_of(node_id{2})
        == std::vector{link_state::up, link_state::down, link_state::refused,
          link_state::up});
  rig.one->link->send(node_id{2}, message_of(conversation::raft, 2, "found"));
  REQUIRE(rig.two->post->wait_for_messages(1));
  CHECK(rig.two->post->messages[0].message.request_id == 2);
  CHECK(rig.one->link->counters().broken == 1);
}

TEST_CASE(
  "a node is found again where it is introduced anew", "[actors][tcp_link]") {
  pair_rig rig;
  rig.two.reset();
  auto elsewhere = options_of(2);
  elsewhere.incarnation = 2;
  rig.two = rig.start(elsewhere);
  rig.one->knows(*rig.two);
  CHECK(rig.one->sees(*rig.two, link_state::up));
}

TEST_CASE("a node that nobody listens for is refused from the start",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  endpoint dead;
  {
    const auto gone = rig.start(2);
    dead = gone->link->bound();
  }
  one->link->introduce(node_id{2}, dead);
  CHECK(one->post->wait_for_state(node_id{2}, link_state::refused));
}

TEST_CASE("a port that is taken is told by its address", "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto options = options_of(2);
  options.listen = one->link->bound();
  const auto second = tcp_link::start(rig.system, *rig.env, std::move(options));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::already_exists);
  CHECK(second.error().context.find(one->link->bound().to_string())
        != std::string::npos);
}

TEST_CASE("a link that was stopped takes messages and does nothing with them",
  "[actors][tcp_link]") {
  pair_rig rig;
  rig.one->link->stop();
  rig.one->link->stop();
  const auto before = rig.one->link->counters().messages_out.load();
  rig.one->link->send(node_id{2}, message_of(conversation::raft, 1, "late"));
  rig.one->link->introduce(node_id{3}, {"127.0.0.1", 1});
  CHECK(rig.one->link->counters().messages_out == before);
}

TEST_CASE("many threads may send at once, and each keeps its order",
  "[actors][tcp_link]") {
  pair_rig rig;
  constexpr uint64_t senders = 4;
  constexpr uint64_t each = 5000;
  {
    std::vector<std::jthread> threads;
    for (uint64_t s = 0; s < senders; ++s)
      threads.emplace_back([&, s] {
        for (uint64_t i = 0; i < each; ++i)
          rig.one->link->send(
            node_id{2}, message_of(conversation::replica, s << 32 | i, "x"));
      });
  }
  REQUIRE(rig.two->post->wait_for_messages(senders * each));
  std::array<uint64_t, senders> next{};
  for (const auto& got : rig.two->post->messages) {
    const auto id = got.message.request_id;
    REQUIRE((id & UINT32_MAX) == next[id >> 32]++);
  }
}
