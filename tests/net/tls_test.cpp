#include "net/tls_certificates.hpp"
#include "net/tls_context.hpp"
#include "net/tls_peer.hpp"
#include "tests/net/loop_rig.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr tls_validity a_day{.ends_s = 86'400};

tls_certificate authority() {
  auto made = make_tls_authority("test", a_day);
  REQUIRE(made);
  return *made;
}

tls_identity identity(const tls_certificate& ca, const std::string& name) {
  auto made = make_tls_certificate(ca, {name, name + ".example"}, a_day);
  REQUIRE(made);
  return {ca.certificate, made->certificate, made->key};
}

std::shared_ptr<const tls_context> context(const tls_identity& of) {
  auto made = tls_context::create(of);
  REQUIRE(made);
  return *made;
}

std::string refusal_of(const tls_identity& of) {
  const auto made = tls_context::create(of);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::invalid_argument);
  return made.error().context;
}

/// A server and a client loop, and a connection between them over TLS.
struct tls_rig {
  tls_rig(const std::shared_ptr<const tls_context>& of_server,
    const std::shared_ptr<const tls_context>& of_client)
      : server({}, {.tls = of_server}) {
    auto address = resolve({"127.0.0.1", server.port}, resolve_for::connecting);
    REQUIRE(address);
    client.loop->dial(
      address->front(), client.accepting(),
      [](const dial_failure& failed) {
        FAIL(failed.why);
      },
      of_client);
  }
  void until(const std::function<bool()>& done) {
    client.until([&] {
      server.loop->poll(0);
      server.loop->flush();
      return done();
    });
  }

  loop_rig server;
  loop_rig client;
};

} // namespace

TEST_CASE(
  "both sides of a TLS connection know one another's names", "[net][tls]") {
  const auto ca = authority();
  tls_rig rig{context(identity(ca, "server")), context(identity(ca, "client"))};
  rig.server.on_accept = echo;
  rig.until([&] {
    return !rig.client.sessions.empty();
  });
  auto& session = *rig.client.sessions[0];
  session.at->send({"hello", {}});
  rig.until([&] {
    return session.read == "hello";
  });
  auto names = [](const connection& at) {
    const auto all = tls_peer_names(at);
    return std::vector<std::string>(all.begin(), all.end());
  };
  CHECK(names(*session.at)
        == std::vector<std::string>{"server", "server", "server.example"});
  CHECK(names(*rig.server.sessions[0]->at)
        == std::vector<std::string>{"client", "client", "client.example"});
}

TEST_CASE(
  "megabytes and slices of files go through TLS as they are", "[net][tls]") {
  const auto ca = authority();
  tls_rig rig{context(identity(ca, "server")), context(identity(ca, "client"))};
  std::string expected;
  for (int i = 0; i < 5'000'000; ++i)
    expected += static_cast<char>('a' + i % 23);
  rig.server.on_accept = [&](session_record& session) {
    session.when_read = [&](std::string_view) {
      // Head, 4 MB of it beside the text, and the end.
      outgoing out;
      out.bytes = expected.substr(0, 1000) + expected.substr(4'001'000);
      out.inserts.push_back(
        {1000, shared_bytes::copy_of(expected.substr(1000, 4'000'000)), {}});
      session.at->send(std::move(out));
      session.at->close_after_flush();
    };
  };
  rig.until([&] {
    return !rig.client.sessions.empty();
  });
  auto& session = *rig.client.sessions[0];
  session.at->send({"go", {}});
  rig.until([&] {
    return session.closed_calls == 1;
  });
  CHECK((session.read == expected));
}

TEST_CASE(
  "a reader that pauses over TLS gets the rest when it goes on", "[net][tls]") {
  const auto ca = authority();
  tls_rig rig{context(identity(ca, "server")), context(identity(ca, "client"))};
  rig.server.on_accept = [](session_record& session) {
    session.when_read = [&session](std::string_view) {
      session.at->send({std::string(100'000, 'x'), {}});
    };
  };
  rig.until([&] {
    return !rig.client.sessions.empty();
  });
  auto& session = *rig.client.sessions[0];
  // After the first bytes of a record of which TLS has taken all.
  session.when_read = [&](std::string_view) {
    session.at->pause_reading();
  };
  session.at->send({"go", {}});
  for (size_t seen = 0; seen < 100'000; seen = session.read.size()) {
    session.at->resume_reading();
    rig.until([&] {
      return session.read.size() > seen;
    });
  }
  CHECK(session.read.size() == 100'000);
}

TEST_CASE(
  "nothing of a stranger's is read, and the cause is told", "[net][tls]") {
  const auto ca = authority();
  const auto other = authority();
  tls_rig rig{
    context(identity(ca, "server")), context(identity(other, "stranger"))};
  rig.until([&] {
    return rig.client.sessions.size() == 1 && rig.server.sessions.size() == 1
           && rig.client.sessions[0]->closed_calls == 1
           && rig.server.sessions[0]->closed_calls == 1;
  });
  CHECK(rig.server.sessions[0]->read.empty());
  const auto reason = rig.client.sessions[0]->reason;
  INFO(reason);
  CHECK(reason.find("TLS: ") == 0);
  CHECK(reason.find("certificate verify failed") != std::string::npos);
}

TEST_CASE(
  "an idle connection over TLS does not keep its loop turning", "[net][tls]") {
  const auto ca = authority();
  tls_rig rig{context(identity(ca, "server")), context(identity(ca, "client"))};
  rig.server.on_accept = echo;
  rig.until([&] {
    return !rig.client.sessions.empty();
  });
  auto& session = *rig.client.sessions[0];
  session.at->send({"hello", {}});
  rig.until([&] {
    return session.read == "hello";
  });
  rig.server.turn();
  CHECK(rig.server.loop->poll(20) == 0);
  CHECK(rig.client.loop->poll(20) == 0);
}

TEST_CASE(
  "what is wrong with a node's own certificate is told at once", "[net][tls]") {
  const auto ca = authority();
  const auto good = identity(ca, "node-1");
  auto contains = [](const std::string& text, std::string_view part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  contains(refusal_of({"nonsense", good.certificate, good.key}), "authority");
  contains(refusal_of({good.ca, "nonsense", good.key}), "certificate");
  contains(refusal_of({good.ca, good.certificate, "nonsense"}), "key");
  contains(refusal_of({good.ca, good.certificate, identity(ca, "node-2").key}),
    "not that of its certificate");
  contains(refusal_of({authority().certificate, good.certificate, good.key}),
    "not good");
}

TEST_CASE("a file that is missing is told by its name", "[net][tls]") {
  const auto read = load_tls_files({"/nonexistent/ca.pem", "", ""});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::not_found);
  CHECK(read.error().context.find("/nonexistent/ca.pem") == 0);
}
