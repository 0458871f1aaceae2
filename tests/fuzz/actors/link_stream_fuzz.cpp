// What comes on the cluster port: greetings, pings and envelopes, in pieces,
// to either end of a connection. Whatever arrives, the session is refused at
// most once, sends nothing after it has closed, and takes no more as envelopes
// than came.
#include "actors/tcp_link_session.hpp"
#include "schema/assert.hpp"
#include "tests/fuzz/input_reader.hpp"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace millrace;

class silent_connection final : public connection {
public:
  [[nodiscard]] uint64_t id() const override {
    return 1;
  }
  [[nodiscard]] const endpoint& local() const override {
    return at_;
  }
  [[nodiscard]] const endpoint& remote() const override {
    return at_;
  }
  void send(outgoing out) override {
    MILLRACE_ASSERT(!closed, "nothing is sent on what was closed");
    queued_ += out.size();
  }
  [[nodiscard]] size_t queued_bytes() const override {
    return queued_;
  }
  void pause_reading() override {}
  void resume_reading() override {}
  void close_after_flush() override {
    closed = true;
  }
  void close() override {
    closed = true;
  }

  bool closed = false;

private:
  endpoint at_{"127.0.0.1", 9393};
  size_t queued_ = 0;
};

class one_link final : public tcp_link_sessions {
public:
  one_link() {
    options_.limits = {
      .message_bytes_max = 4096, .run_count_max = 64, .runs_bytes_max = 8192};
  }
  [[nodiscard]] const tcp_link_options& options() const override {
    return options_;
  }
  [[nodiscard]] int64_t clock_ms() const override {
    return 1;
  }
  [[nodiscard]] link_hello hello(
    node_id wanted, link_lane lane) const override {
    return {.lane = lane, .node = node_id{1}, .wanted = wanted, .host = {}};
  }
  [[nodiscard]] std::optional<std::string> greeted(
    tcp_link_session&, const link_hello& hello) override {
    MILLRACE_ASSERT(encode(hello).size() <= greeting_bytes_max,
      "what was read as a hello can be said again");
    if (hello.wanted != node_id{1})
      return "another was wanted";
    return std::nullopt;
  }
  void refused(tcp_link_session&, const std::string& why) override {
    MILLRACE_ASSERT(!why.empty(), "there is a sentence for the log");
    ++refusals;
  }
  void arrived(tcp_link_session& session, envelope message) override {
    MILLRACE_ASSERT(session.is_open() && !session.is_dialed(),
      "messages come after the greetings, from who dialed");
    arrived_bytes += encode(message).text();
  }
  void left(tcp_link_session&, size_t) override {}
  void ended(tcp_link_session&, std::string_view) override {}

  int refusals = 0;
  std::string arrived_bytes;

private:
  tcp_link_options options_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  spdlog::set_level(spdlog::level::off);
  input_reader input{{data, size}};
  const bool dialed = (input.byte() & 1) != 0;
  const size_t step = input.byte() + 1u;
  std::vector<std::byte> scratch(4096);
  one_link link;
  silent_connection peer;
  auto session = dialed
                   ? std::make_unique<tcp_link_session>(
                       link, peer, scratch, node_id{2}, link_lane::control)
                   : std::make_unique<tcp_link_session>(link, peer, scratch);
  std::string stream;
  while (!peer.closed && !input.empty()) {
    const auto into = session->prepare_read();
    MILLRACE_ASSERT(!into.empty(), "there is always room for a read");
    const auto piece = input.take(std::min(into.size(), step));
    stream.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    std::memcpy(into.data(), piece.data(), piece.size());
    session->on_read(piece.size());
  }
  MILLRACE_ASSERT(link.refusals <= 1, "a connection is refused once");
  MILLRACE_ASSERT(link.arrived_bytes.size() <= stream.size(),
    "no more has arrived than was sent");
  session->on_closed("the input ends");
  return 0;
}
