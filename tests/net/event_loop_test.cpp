#include "net/event_loop.hpp"
#include "tests/net/loop_rig.hpp"
#include "tests/net/temporary_slice.hpp"

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace millrace;

TEST_CASE("what a client sends is read and what a session sends arrives",
  "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = echo;
  auto client = rig.connect();
  REQUIRE(client.write_all("hello", 1000));
  CHECK(rig.read(client, 5) == "hello");
  CHECK(rig.sessions[0]->local == endpoint{"127.0.0.1", rig.port});
  CHECK(rig.sessions[0]->remote.host == "127.0.0.1");
  CHECK(rig.loop->counters().accepted == 1);
  CHECK(rig.loop->counters().bytes_in == 5);
  CHECK(rig.loop->counters().bytes_out == 5);
  CHECK(rig.sessions[0]->sent_calls == 1);
}

TEST_CASE("the clock is looked at after the sleep and before the sessions hear",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  REQUIRE(client.write_all("hello", 1000));
  std::vector<size_t> heard; // bytes, at each look
  rig.until([&] {
    rig.loop->poll(10, [&] {
      heard.push_back(rig.sessions[0]->read.size());
    });
    return rig.sessions[0]->read.size() == 5;
  });
  CHECK(heard.back() < 5);
}

TEST_CASE("localhost listens on both loopback addresses with one free port",
  "[net][event_loop]") {
  loop_rig rig;
  auto bound = rig.loop->listen({"localhost", 0}, rig.accepting());
  REQUIRE(bound);
  REQUIRE(*bound != 0);
  for (const char* host : {"127.0.0.1", "::1"}) {
    auto client = blocking_socket::connect({host, *bound}, 10'000);
    INFO(host);
    REQUIRE(client);
    rig.until([&] {
      return !rig.sessions.empty()
             && rig.sessions.back()->local == endpoint{host, *bound};
    });
  }
}

TEST_CASE("a port that is taken is an error that names the address",
  "[net][event_loop]") {
  loop_rig rig;
  auto other = event_loop::create();
  REQUIRE(other);
  auto bound = (*other)->listen({"127.0.0.1", rig.port}, rig.accepting());
  REQUIRE_FALSE(bound);
  CHECK(bound.error().code == errc::already_exists);
  CHECK(bound.error().context.find("127.0.0.1:" + std::to_string(rig.port))
        != std::string::npos);
}

TEST_CASE("a thousand connections are served, found by id, and let go",
  "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = echo;
  std::vector<blocking_socket> clients;
  for (int i = 0; i < 1000; ++i)
    clients.push_back(rig.connect());
  CHECK(rig.loop->connection_count() == 1000);
  for (size_t i = 0; i < clients.size(); ++i)
    REQUIRE(clients[i].write_all(std::to_string(i) + ".", 1000));
  for (size_t i = 0; i < clients.size(); ++i) {
    auto expected = std::to_string(i) + ".";
    REQUIRE(rig.read(clients[i], expected.size()) == expected);
    REQUIRE(rig.loop->find(rig.sessions[i]->id) == rig.sessions[i]->at);
  }
  clients.clear();
  rig.until([&] {
    return rig.loop->connection_count() == 0;
  });
  for (const auto& session : rig.sessions) {
    CHECK(session->closed_calls == 1);
    CHECK(rig.loop->find(session->id) == nullptr);
  }
  CHECK(rig.loop->counters().closed == 1000);
}

TEST_CASE("the place of a closed connection is used under another id",
  "[net][event_loop]") {
  loop_rig rig;
  rig.connect();
  rig.until([&] {
    return rig.sessions[0]->closed_calls == 1;
  });
  auto second = rig.connect();
  CHECK(rig.sessions[1]->id != rig.sessions[0]->id);
  CHECK(rig.loop->find(rig.sessions[0]->id) == nullptr);
}

TEST_CASE("a reader that does not read keeps its bytes queued, and gets all",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  std::string expected;
  for (char c = 'a'; c <= 'z'; ++c) {
    expected += std::string(1 << 20, c);
    session.at->send({std::string(1 << 20, c), {}});
  }
  // Until the kernel takes no more, and the loop has nothing to do.
  while (rig.loop->poll(0) > 0 || session.sent_calls == 0)
    rig.loop->flush();
  CHECK(session.at->queued_bytes() > 0);
  CHECK(session.still_queued == session.at->queued_bytes());
  CHECK(rig.loop->poll(20) == 0); // It does not spin.
  CHECK((rig.read(client, expected.size()) == expected));
  CHECK(session.at->queued_bytes() == 0);
}

TEST_CASE("a slow reader does not hold up the others", "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = echo;
  auto slow = rig.connect();
  rig.sessions[0]->at->send({std::string(32 << 20, 'x'), {}});
  auto other = rig.connect();
  REQUIRE(other.write_all("quick", 1000));
  CHECK(rig.read(other, 5) == "quick");
  CHECK(rig.sessions[0]->at->queued_bytes() > 0);
}

TEST_CASE(
  "a paused session reads nothing until it is resumed", "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  session.at->pause_reading();
  rig.loop->flush();
  REQUIRE(client.write_all("early", 1000));
  CHECK(rig.loop->poll(50) == 0);
  CHECK(session.read.empty());
  session.at->resume_reading();
  rig.until([&] {
    return session.read == "early";
  });
}

TEST_CASE("records of a file follow their header, by sendfile or by reading",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  std::string content;
  for (int i = 0; content.size() < 3'000'000; ++i)
    content += std::to_string(i);
  auto slice = GENERATE_COPY(true, false) ? slice_of_temporary_file(content)
                                          : slice_of_memory(content);
  outgoing out{"header|trailer", {}};
  out.inserts.push_back({7, {}, slice});
  rig.sessions[0]->at->send(std::move(out));
  rig.sessions[0]->at->send({"|next", {}});
  auto expected = "header|" + content + "trailer|next";
  CHECK((rig.read(client, expected.size()) == expected));
}

TEST_CASE("a file shorter than its slice closes the connection (R18)",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto slice = slice_of_temporary_file("short");
  slice.size = 100;
  outgoing out{"header", {}};
  out.inserts.push_back({6, {}, slice});
  rig.sessions[0]->at->send(std::move(out));
  CHECK(rig.read(client, 200) == "headershort");
  CHECK(rig.sessions[0]->closed_calls == 1);
  CHECK(rig.sessions[0]->reason.find("file ended") != std::string::npos);
}

TEST_CASE("a half-closed peer still gets what is queued", "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = [](session_record& session) {
    session.when_read = [&session](std::string_view) {
      session.at->send({std::string(8 << 20, 'x'), {}});
    };
  };
  auto client = rig.connect();
  REQUIRE(client.write_all("all of it", 1000));
  client.end_output();
  CHECK(rig.read(client, SIZE_MAX).size() == 8 << 20);
  rig.until([&] {
    return rig.loop->connection_count() == 0;
  });
  CHECK(rig.sessions[0]->closed_calls == 1);
  CHECK(rig.sessions[0]->reason == "closed by the peer");
}

TEST_CASE(
  "a session may answer a half-closed peer later", "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  session.stay_after_end = true;
  client.end_output();
  rig.until([&] {
    return session.ended;
  });
  CHECK(rig.loop->poll(20) == 0); // The end is seen once.
  REQUIRE(session.closed_calls == 0);
  session.at->send({"late", {}});
  session.at->close_after_flush();
  CHECK(rig.read(client, SIZE_MAX) == "late");
  CHECK(session.closed_calls == 1);
}

TEST_CASE("a close after the flush gives a peer that still sends every byte",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  session.when_read = [&](std::string_view) {
    if (session.at->queued_bytes() == 0)
      session.at->send({std::string(1 << 20, 'x') + "end", {}});
    session.at->close_after_flush();
  };
  REQUIRE(client.write_all(std::string(100'000, 'q'), 1000));
  auto all = rig.read(client, SIZE_MAX);
  CHECK(all.size() == (1 << 20) + 3);
  CHECK(all.ends_with("end"));
  CHECK(session.closed_calls == 1);
  // The socket itself lingers until the client goes.
  CHECK(rig.loop->connection_count() == 1);
  auto gone = client.release();
  gone.reset();
  rig.until([&] {
    return rig.loop->connection_count() == 0;
  });
}

TEST_CASE("lingering sockets are bounded", "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = [](session_record& session) {
    session.when_read = [&session](std::string_view) {
      session.at->close_after_flush();
    };
  };
  std::vector<blocking_socket> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(rig.connect());
    REQUIRE(clients.back().write_all("x", 1000));
    rig.until([&] {
      return rig.sessions.back()->closed_calls == 1;
    });
  }
  CHECK(rig.loop->connection_count() <= 128);
}

TEST_CASE("a close from inside a read tells the session once, later",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  int closed_inside = -1;
  session.when_read = [&](std::string_view) {
    session.at->send({"dropped", {}});
    session.at->close();
    session.at->close();
    session.at->send({"dropped as well", {}});
    closed_inside = session.closed_calls;
  };
  REQUIRE(client.write_all("x", 1000));
  CHECK(rig.read(client, SIZE_MAX).empty());
  CHECK(closed_inside == 0);
  CHECK(session.closed_calls == 1);
  CHECK(session.reason == "closed by this node");
}

TEST_CASE("what a session sends when told of progress leaves as well",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto& session = *rig.sessions[0];
  session.when_sent = [&] {
    if (session.sent_calls < 20)
      session.at->send({"x", {}});
  };
  session.at->send({"x", {}});
  CHECK(rig.read(client, 20) == std::string(20, 'x'));
}

TEST_CASE("a peer that resets ends the session with the system's reason",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  auto paused = GENERATE(false, true);
  if (paused) {
    rig.sessions[0]->at->pause_reading();
    rig.loop->flush();
  }
  linger hard{1, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  auto gone = client.release();
  gone.reset();
  rig.until([&] {
    return rig.sessions[0]->closed_calls == 1;
  });
  CHECK(rig.sessions[0]->reason.find("reset") != std::string::npos);
}

TEST_CASE("a peer that goes in the midst of a file ends only its session",
  "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  outgoing out{"header", {}};
  auto slice = slice_of_temporary_file(std::string(8 << 20, 'x'));
  out.inserts.push_back({6, {}, slice});
  rig.sessions[0]->at->send(std::move(out));
  rig.turn();
  auto gone = client.release();
  gone.reset();
  rig.until([&] {
    return rig.sessions[0]->closed_calls == 1;
  });
  CHECK(rig.loop->connection_count() == 0);
}

TEST_CASE("one busy sender leaves the others their turn", "[net][event_loop]") {
  loop_options options;
  options.read_bytes_per_turn = 8192;
  loop_rig rig{std::move(options)};
  auto busy = rig.connect();
  auto other = rig.connect();
  REQUIRE(busy.write_all(std::string(100'000, 'b'), 1000));
  REQUIRE(other.write_all("o", 1000));
  rig.until([&] {
    return rig.sessions[1]->read == "o";
  });
  CHECK(rig.sessions[0]->read.size() < 100'000);
  rig.until([&] {
    return rig.sessions[0]->read.size() == 100'000;
  });
}

TEST_CASE(
  "connections above the limit are closed and reported", "[net][event_loop]") {
  std::vector<std::string> troubles;
  loop_options options;
  options.connections_max = 2;
  options.on_trouble = [&](const std::string& text) {
    troubles.push_back(text);
  };
  loop_rig rig{std::move(options)};
  auto one = rig.connect();
  auto two = rig.connect();
  for (int i = 0; i < 5; ++i) {
    auto more = blocking_socket::connect({"127.0.0.1", rig.port}, 1000);
    REQUIRE(more);
    CHECK(rig.read(*more, SIZE_MAX).empty());
  }
  CHECK(rig.loop->counters().refused == 5);
  REQUIRE(troubles.size() == 1); // Once a second.
  CHECK(troubles[0]
        == "1 connection(s) refused: the limit of 2 connections is reached "
           "(max.connections)");
}

TEST_CASE("a session factory may refuse", "[net][event_loop]") {
  loop_rig rig;
  auto bound = rig.loop->listen({"127.0.0.1", 0}, [](connection& at) {
    at.send({"never", {}});
    return std::unique_ptr<connection_handler>{};
  });
  REQUIRE(bound);
  auto client = blocking_socket::connect({"127.0.0.1", *bound}, 1000);
  REQUIRE(client);
  CHECK(rig.read(*client, SIZE_MAX).empty());
  CHECK(rig.loop->connection_count() == 0);
}

TEST_CASE(
  "a wake from another thread ends a wait without end", "[net][event_loop]") {
  loop_rig rig;
  for (int i = 0; i < 2000; ++i) {
    std::atomic<bool> work{false};
    std::thread waker{[&] {
      work = true;
      rig.loop->wake();
    }};
    // Waits for ever, should a wake be lost.
    while (!work)
      rig.loop->poll(-1);
    waker.join();
  }
}

TEST_CASE(
  "a wake that was looked at does not end the next wait", "[net][event_loop]") {
  loop_rig rig;
  rig.loop->wake();
  rig.loop->acknowledge_wake();
  auto before = steady_ms();
  CHECK(rig.loop->poll(30) == 0);
  CHECK(steady_ms() - before >= 29);
}

TEST_CASE(
  "an accepted connection is handed to another loop", "[net][event_loop]") {
  loop_rig home;
  listen_options options;
  options.choose_seat = [&] {
    return loop_seat{*home.loop, home.accepting()};
  };
  loop_rig front{{}, options};
  home.on_accept = echo;
  auto client = blocking_socket::connect({"127.0.0.1", front.port}, 1000);
  REQUIRE(client);
  front.loop->poll(1000);
  home.until([&] {
    return home.loop->connection_count() == 1;
  });
  CHECK(front.loop->connection_count() == 0);
  REQUIRE(client->write_all("there", 1000));
  CHECK(home.read(*client, 5) == "there");
}

TEST_CASE("two loops share a port when both ask for it", "[net][event_loop]") {
  listen_options shared;
  shared.reuse_port = true;
  loop_rig one{{}, shared};
  loop_rig two;
  REQUIRE(two.loop->listen(
    {"127.0.0.1", one.port}, two.accepting(), std::move(shared)));
}

TEST_CASE("after the end of listening connections live and none comes",
  "[net][event_loop]") {
  loop_rig rig;
  rig.on_accept = echo;
  auto client = rig.connect();
  rig.loop->stop_listening();
  CHECK_FALSE(blocking_socket::connect({"127.0.0.1", rig.port}, 1000));
  REQUIRE(client.write_all("still", 1000));
  CHECK(rig.read(client, 5) == "still");
}

TEST_CASE("the end of a loop tells every session", "[net][event_loop]") {
  loop_rig rig;
  auto client = rig.connect();
  rig.loop.reset();
  CHECK(rig.sessions[0]->closed_calls == 1);
  CHECK(rig.sessions[0]->reason == "the event loop ended");
}

namespace {

/// In a process of its own: all descriptors taken, ten clients refused, then
/// room again. Returns 0, or the step that failed.
int exhaust_descriptors(loop_rig& rig, std::vector<std::string>& troubles) {
  std::vector<descriptor> clients;
  for (int i = 0; i < 11; ++i)
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  std::vector<descriptor> eaten;
  rlimit limit{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
    eaten.emplace_back(fd);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(rig.port);
  auto connect = [&](size_t i) {
    ::connect(
      clients[i].get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  };
  for (size_t i = 0; i < 10; ++i)
    connect(i);
  for (int i = 0; i < 20; ++i)
    rig.turn();
  if (rig.loop->counters().refused != 10 || !rig.sessions.empty())
    return 1;
  if (troubles.size() != 1
      || troubles[0].find("the limit is 64 file descriptors")
           == std::string::npos)
    return 2;
  if (rig.loop->poll(20) != 0)
    return 3; // It spins.
  eaten.clear();
  connect(10);
  for (int i = 0; i < 100 && rig.sessions.empty(); ++i)
    rig.turn();
  return rig.sessions.size() == 1 ? 0 : 4;
}

} // namespace

TEST_CASE("without descriptors clients are refused and the loop is quiet",
  "[net][event_loop]") {
  std::vector<std::string> troubles;
  loop_options options;
  options.on_trouble = [&](const std::string& text) {
    troubles.push_back(text);
  };
  loop_rig rig{std::move(options)};
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    ::_exit(exhaust_descriptors(rig, troubles));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
