#pragma once

// A loop that the test turns by hand, with sessions that the test can see.

#include "net/blocking_socket.hpp"
#include "net/event_loop.hpp"
#include "net/steady_ms.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

namespace millrace {

/// What one session has seen; outlives it.
struct session_record {
  connection* at = nullptr; ///< null after on_closed()
  uint64_t id = 0;
  endpoint local;
  endpoint remote;
  std::string read;
  size_t sent_calls = 0;
  size_t still_queued = 0;
  int closed_calls = 0;
  std::string reason;
  bool stay_after_end = false;
  bool ended = false;
  std::function<void(std::string_view)> when_read;
  std::function<void()> when_sent;
};

class recording_session final : public connection_handler {
public:
  recording_session(connection& at, std::shared_ptr<session_record> record)
      : record_(std::move(record)) {
    record_->at = &at;
    record_->id = at.id();
    record_->local = at.local();
    record_->remote = at.remote();
  }
  std::span<std::byte> prepare_read() override {
    return buffer_;
  }
  void on_read(size_t size) override {
    std::string_view text{reinterpret_cast<const char*>(buffer_.data()), size};
    record_->read += text;
    if (record_->when_read)
      record_->when_read(text);
  }
  void on_sent(size_t still_queued) override {
    ++record_->sent_calls;
    record_->still_queued = still_queued;
    if (record_->when_sent)
      record_->when_sent();
  }
  bool on_end_of_input() override {
    record_->ended = true;
    return record_->stay_after_end;
  }
  void on_closed(std::string_view reason) override {
    ++record_->closed_calls;
    record_->reason = reason;
    record_->at = nullptr;
  }

private:
  std::shared_ptr<session_record> record_;
  std::array<std::byte, 4096> buffer_{};
};

struct loop_rig {
  explicit loop_rig(loop_options options = {}, listen_options listening = {}) {
    auto made = event_loop::create(std::move(options));
    REQUIRE(made);
    loop = std::move(*made);
    auto bound
      = loop->listen({"127.0.0.1", 0}, accepting(), std::move(listening));
    REQUIRE(bound);
    port = *bound;
  }

  accept_function accepting() {
    return [this](connection& at) {
      sessions.push_back(std::make_shared<session_record>());
      if (on_accept)
        on_accept(*sessions.back());
      return std::make_unique<recording_session>(at, sessions.back());
    };
  }

  void turn() {
    loop->poll(10);
    loop->flush();
  }
  /// Turns the loop until `done`, at most ten seconds.
  void until(const std::function<bool()>& done) {
    for (auto deadline = steady_ms() + 10'000; !done();) {
      REQUIRE(steady_ms() < deadline);
      turn();
    }
  }
  /// A client, and its session as `sessions.back()`.
  blocking_socket connect() {
    auto made = blocking_socket::connect({"127.0.0.1", port}, 10'000);
    REQUIRE(made);
    auto count = sessions.size();
    until([&] {
      return sessions.size() > count;
    });
    return std::move(*made);
  }
  /// Turns the loop until the client has read `size` bytes, or its end.
  std::string read(blocking_socket& client, size_t size) {
    std::string all;
    std::array<std::byte, 65536> part; // NOLINT
    bool over = false;
    until([&] {
      while (!over && all.size() < size) {
        auto wanted = std::min(part.size(), size - all.size());
        auto got = client.read_some(std::span{part}.first(wanted), 0);
        if (!got)
          break; // Nothing yet.
        over = *got == 0;
        all.append(reinterpret_cast<const char*>(part.data()), *got);
      }
      return over || all.size() == size;
    });
    return all;
  }

  std::unique_ptr<event_loop> loop;
  uint16_t port = 0;
  std::vector<std::shared_ptr<session_record>> sessions;
  std::function<void(session_record&)> on_accept;
};

/// Makes a session answer what it reads with the same bytes.
inline void echo(session_record& session) {
  session.when_read = [&session](std::string_view text) {
    session.at->send({std::string{text}, {}});
  };
}

} // namespace millrace
