#include "net/host_lookup.hpp"
#include "tests/net/loop_rig.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>

using namespace millrace;

namespace {

socket_address address_of(const endpoint& at) {
  auto all = resolve(at, resolve_for::connecting);
  REQUIRE(all);
  return all->front();
}

/// What came of dials.
struct outcomes {
  void note(const dial_failure& failed) {
    failures.push_back(failed);
  }
  std::vector<dial_failure> failures;
};

} // namespace

TEST_CASE("a dialed connection has a session like one that was accepted",
  "[net][dial]") {
  loop_rig server;
  server.on_accept = echo;
  loop_rig client;
  outcomes told;
  client.loop->dial(address_of({"127.0.0.1", server.port}), client.accepting(),
    [&](const dial_failure& failed) {
      told.note(failed);
    });
  client.until([&] {
    return client.sessions.size() == 1;
  });
  auto& session = *client.sessions[0];
  CHECK(session.remote == endpoint{"127.0.0.1", server.port});
  session.at->send({"hello", {}});
  client.until([&] {
    server.turn();
    return session.read == "hello";
  });
  CHECK(told.failures.empty());
}

TEST_CASE("a port where nobody listens is told as refused, from the next poll",
  "[net][dial]") {
  loop_rig client;
  uint16_t port = 0;
  {
    loop_rig gone;
    port = gone.port;
  }
  outcomes told;
  client.loop->dial(address_of({"127.0.0.1", port}), client.accepting(),
    [&](const dial_failure& failed) {
      told.note(failed);
    });
  CHECK(told.failures.empty());
  client.until([&] {
    return !told.failures.empty();
  });
  CHECK(told.failures[0].refused);
  CHECK(told.failures[0].why.find(std::to_string(port)) != std::string::npos);
  CHECK(client.sessions.empty());
}

TEST_CASE("an address that cannot be reached is told, and not as refused",
  "[net][dial]") {
  loop_rig client;
  outcomes told;
  // A connection to the broadcast address is an error at once.
  client.loop->dial(address_of({"255.255.255.255", 9}), client.accepting(),
    [&](const dial_failure& failed) {
      told.note(failed);
    });
  client.until([&] {
    return !told.failures.empty();
  });
  CHECK_FALSE(told.failures[0].refused);
}

TEST_CASE("a dial that is called off is never heard of again", "[net][dial]") {
  loop_rig server;
  loop_rig client;
  outcomes told;
  auto note = [&](const dial_failure& failed) {
    told.note(failed);
  };
  const auto id = client.loop->dial(
    address_of({"127.0.0.1", server.port}), client.accepting(), note);
  client.loop->cancel_dial(id);
  client.loop->cancel_dial(id);
  // Another one shows that its turn has passed.
  client.loop->dial(
    address_of({"127.0.0.1", server.port}), client.accepting(), note);
  client.until([&] {
    return !client.sessions.empty();
  });
  CHECK(client.sessions.size() == 1);
  CHECK(told.failures.empty());
}

TEST_CASE("a session that is not made is a dial that failed", "[net][dial]") {
  loop_rig server;
  loop_rig client;
  outcomes told;
  client.loop->dial(
    address_of({"127.0.0.1", server.port}),
    [](connection&) {
      return nullptr;
    },
    [&](const dial_failure& failed) {
      told.note(failed);
    });
  client.until([&] {
    return !told.failures.empty();
  });
  CHECK_FALSE(told.failures[0].refused);
}

TEST_CASE("addresses in figures and localhost are found without waiting",
  "[net][host_lookup]") {
  for (const endpoint& at : {endpoint{"127.0.0.1", 80}, endpoint{"::1", 80},
         endpoint{"localhost", 80}, endpoint{"", 80}}) {
    std::optional<size_t> count;
    look_up(at, [&](result<std::vector<socket_address>> found) {
      REQUIRE(found);
      count = found->size();
      CHECK(endpoint_of(found->front().storage).port == 80);
    });
    REQUIRE(count);
    CHECK(*count == resolve(at, resolve_for::connecting)->size());
  }
}

TEST_CASE("a name is looked up in another thread, as resolve() would",
  "[net][host_lookup]") {
  struct answer {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<result<std::vector<socket_address>>> found;
  };
  const auto got = std::make_shared<answer>();
  const endpoint at{host_name(), 80};
  look_up(at, [got](result<std::vector<socket_address>> found) {
    const std::lock_guard guard{got->mutex};
    got->found = std::move(found);
    got->changed.notify_all();
  });
  std::unique_lock lock{got->mutex};
  REQUIRE(got->changed.wait_for(lock, std::chrono::seconds{30}, [&] {
    return got->found.has_value();
  }));
  const auto expected = resolve(at, resolve_for::connecting);
  REQUIRE(got->found->ok() == expected.ok());
  if (expected)
    CHECK(got->found->value().size() == expected.value().size());
}
