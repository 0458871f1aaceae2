#include "actors/http_routes.hpp"
#include "actors/http_session.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// A connection in memory: what the session sent, and what it asked for.
class memory_connection final : public connection {
public:
  [[nodiscard]] uint64_t id() const override {
    return 1;
  }
  [[nodiscard]] const endpoint& local() const override {
    return end_;
  }
  [[nodiscard]] const endpoint& remote() const override {
    return end_;
  }
  void send(outgoing out) override {
    sent += *flatten(out);
  }
  [[nodiscard]] size_t queued_bytes() const override {
    return 0;
  }
  void pause_reading() override {
    reading = false;
  }
  void resume_reading() override {
    reading = true;
  }
  void close_after_flush() override {
    finishing = true;
  }
  void close() override {
    finishing = true;
  }

  std::string sent;
  bool reading = true;
  bool finishing = false;

private:
  endpoint end_{"127.0.0.1", 8080};
};

/// A session, the requests that it handed on and what was not yet answered.
struct http_rig {
  explicit http_rig(http_limits limits = {})
      : session(
          at,
          [this](http_request request, http_respond respond) {
            requests.push_back(std::move(request));
            waiting.push_back(std::move(respond));
            if (answer_at_once)
              answer("re " + requests.back().path);
          },
          limits) {}

  void feed(std::string_view bytes, size_t step = SIZE_MAX) {
    while (!bytes.empty() && at.reading && !at.finishing) {
      auto into = session.prepare_read();
      auto size = std::min({bytes.size(), into.size(), step});
      std::memcpy(into.data(), bytes.data(), size);
      session.on_read(size);
      bytes.remove_prefix(size);
    }
  }
  void answer(std::string body) {
    auto respond = std::move(waiting.front());
    waiting.erase(waiting.begin());
    http_response made;
    made.body = std::move(body);
    respond(std::move(made));
  }
  [[nodiscard]] std::string sent_status() const {
    return at.sent.substr(0, at.sent.find("\r\n"));
  }

  memory_connection at;
  std::vector<http_request> requests;
  std::vector<http_respond> waiting;
  bool answer_at_once = true;
  http_session session;
};

constexpr auto get_a = "GET /a?x=1&y HTTP/1.1\r\nHost: here\r\n\r\n";
constexpr auto get_b = "GET /b HTTP/1.1\r\nHost: here\r\n\r\n";

} // namespace

TEST_CASE("a request is taken apart and its answer has a length",
  "[actors][http_session]") {
  http_rig rig;
  rig.feed("POST /a?x=1&y HTTP/1.1\r\nHost: here\r\nX-Thing: 7\r\n"
           "Content-Length: 5\r\n\r\nhello",
    GENERATE(1u, 2u, 7u, 1000u));
  REQUIRE(rig.requests.size() == 1);
  CHECK(rig.requests[0].method == "POST");
  CHECK(rig.requests[0].path == "/a");
  CHECK(rig.requests[0].query == "x=1&y");
  CHECK(rig.requests[0].header("x-thing") == "7");
  CHECK(rig.requests[0].header("missing").empty());
  CHECK(rig.requests[0].body == "hello");
  CHECK(rig.at.sent
        == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Length: 5\r\n\r\nre /a");
  CHECK_FALSE(rig.at.finishing);
}

TEST_CASE("pipelined requests are answered in order, one at a time",
  "[actors][http_session]") {
  http_rig rig;
  rig.answer_at_once = false;
  rig.feed(std::string{get_a} + get_b);
  REQUIRE(rig.requests.size() == 1);
  CHECK_FALSE(rig.at.reading);
  rig.answer("first");
  REQUIRE(rig.requests.size() == 2);
  rig.answer("second");
  CHECK(rig.at.sent.find("first") < rig.at.sent.find("second"));
  CHECK(rig.at.reading);
}

TEST_CASE("pipelined requests that are answered at once need no stack",
  "[actors][http_session]") {
  http_rig rig;
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += get_b;
  rig.feed(many);
  CHECK(rig.requests.size() == 5000);
}

TEST_CASE(
  "a second answer to one request is dropped", "[actors][http_session]") {
  http_rig rig;
  rig.answer_at_once = false;
  rig.feed(get_a);
  auto again = rig.waiting.front();
  rig.answer("once");
  auto sent = rig.at.sent;
  again({});
  CHECK(rig.at.sent == sent);
}

TEST_CASE("an answer after the end of the session is dropped",
  "[actors][http_session]") {
  http_respond late;
  {
    http_rig rig;
    rig.answer_at_once = false;
    rig.feed(get_a);
    late = rig.waiting.front();
    rig.session.on_closed("gone");
  }
  late({});
}

TEST_CASE("HEAD gets the length and not the body", "[actors][http_session]") {
  http_rig rig;
  rig.feed("HEAD /a HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(rig.at.sent.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(rig.at.sent.ends_with("\r\n\r\n"));
}

TEST_CASE("a connection is kept or closed as the client asks",
  "[actors][http_session]") {
  struct example {
    const char* request;
    bool closes;
  };
  auto given = GENERATE(
    example{"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", true},
    example{"GET / HTTP/1.0\r\n\r\n", true},
    example{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
    example{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false});
  http_rig rig;
  rig.feed(given.request);
  CHECK(rig.sent_status() == "HTTP/1.1 200 OK");
  CHECK(rig.at.finishing == given.closes);
  CHECK((rig.at.sent.find("Connection: close") != std::string::npos)
        == given.closes);
}

TEST_CASE(
  "what is no request gets 400 and a sentence", "[actors][http_session]") {
  auto bytes = GENERATE("nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
    "Transfer-Encoding: chunked\r\n\r\n",
    "\x16\x03\x01\x02\x01\x01\x01\x01\x01\x01\x01\r\n\r\n");
  http_rig rig;
  rig.feed(bytes);
  CHECK(rig.sent_status() == "HTTP/1.1 400 Bad Request");
  CHECK(rig.at.finishing);
  CHECK(rig.requests.empty());
}

TEST_CASE("headers above the limit get 431", "[actors][http_session]") {
  http_rig rig;
  rig.feed("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  CHECK(rig.sent_status() == "HTTP/1.1 431 Request Header Fields Too Large");
  CHECK(rig.at.finishing);
}

TEST_CASE("a body above the limit gets 413, declared or in chunks",
  "[actors][http_session]") {
  http_rig rig{{.body_bytes_max = 100}};
  rig.feed(GENERATE("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "FFFFFF\r\nxxxx"));
  CHECK(rig.sent_status() == "HTTP/1.1 413 Payload Too Large");
  CHECK(rig.requests.empty());
}

TEST_CASE("a body in chunks arrives in one piece", "[actors][http_session]") {
  http_rig rig;
  rig.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    GENERATE(1u, 1000u));
  REQUIRE(rig.requests.size() == 1);
  CHECK(rig.requests[0].body == "abcde");
}

TEST_CASE("a client that expects 100 is told to go on, once",
  "[actors][http_session]") {
  http_rig rig;
  rig.feed("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
           "Content-Length: 2\r\n\r\n");
  CHECK(rig.at.sent == "HTTP/1.1 100 Continue\r\n\r\n");
  rig.feed("ab", 1);
  REQUIRE(rig.requests.size() == 1);
  CHECK(rig.at.sent.find("100 Continue") == rig.at.sent.rfind("100 Continue"));
}

TEST_CASE(
  "a request that does not arrive in time gets 408", "[actors][http_session]") {
  http_rig rig{{.request_ms_max = 1000}};
  rig.session.check_time(0);
  rig.feed("GET / HT");
  rig.session.check_time(500);
  rig.feed("TP/1.1\r\n");
  rig.session.check_time(1400);
  CHECK_FALSE(rig.at.finishing);
  rig.session.check_time(1501);
  CHECK(rig.sent_status() == "HTTP/1.1 408 Request Timeout");
  CHECK(rig.at.finishing);
}

TEST_CASE(
  "an idle connection is closed without a word", "[actors][http_session]") {
  http_rig rig{{.idle_ms_max = 1000}};
  rig.session.check_time(0);
  rig.feed(get_a);
  auto sent = rig.at.sent;
  rig.session.check_time(900);
  rig.session.check_time(1900);
  CHECK_FALSE(rig.at.finishing);
  rig.session.check_time(1901);
  CHECK(rig.at.finishing);
  CHECK(rig.at.sent == sent);
}

TEST_CASE("a request that is worked on has all the time it needs",
  "[actors][http_session]") {
  http_rig rig{{.request_ms_max = 10, .idle_ms_max = 10}};
  rig.answer_at_once = false;
  rig.feed(get_a);
  rig.session.check_time(0);
  rig.session.check_time(100'000);
  CHECK_FALSE(rig.at.finishing);
}

TEST_CASE("a client that has shut down its side still gets its answer",
  "[actors][http_session]") {
  http_rig rig;
  CHECK_FALSE(rig.session.on_end_of_input());
  http_rig asking;
  asking.answer_at_once = false;
  asking.feed(get_a);
  CHECK(asking.session.on_end_of_input());
  asking.answer("late");
  CHECK(asking.at.sent.ends_with("late"));
  CHECK(asking.at.finishing);
}

TEST_CASE(
  "routes answer 404 and 405 with what there is", "[actors][http_routes]") {
  http_routes routes;
  routes.add("GET", "/livez", [](http_request, const http_respond& respond) {
    respond({200, "text/plain", "ok\n", {}});
  });
  auto ask = [&](std::string method, std::string path) {
    http_response got;
    routes({std::move(method), std::move(path), {}, {}, {}},
      [&](http_response answer) {
        got = std::move(answer);
      });
    return got;
  };
  CHECK(ask("GET", "/livez").body == "ok\n");
  CHECK(ask("HEAD", "/livez").status == 200);
  CHECK(ask("GET", "/other").status == 404);
  CHECK(ask("GET", "/other").body.find("/livez") != std::string::npos);
  auto refused = ask("POST", "/livez");
  CHECK(refused.status == 405);
  CHECK(refused.headers == http_headers{{"Allow", "GET"}});
}
