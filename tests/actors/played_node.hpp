#pragma once

// A node played by the test: it listens as one does, and does at each step
// what the test wants, in a thread of its own.

#include "net/block_cutter.hpp"
#include "net/event_loop.hpp"
#include "schema/link_hello.hpp"
#include "tests/actors/tcp_link_rig.hpp"

#include <atomic>
#include <thread>

namespace millrace {

/// How the played node behaves. May be changed at any time.
struct played_manners {
  std::atomic<bool> says_hello{true};
  std::atomic<bool> answers_pings{true};
  /// False: what comes on the bulk lane stays in the kernel.
  std::atomic<bool> reads_bulk{true};
};

/// Why a link did not want it, once it has said so. From several threads.
class played_refusal {
public:
  void set(std::string why) {
    const std::lock_guard guard{mutex_};
    why_ = std::move(why);
    changed_.notify_all();
  }
  /// Empty if none comes within ten seconds.
  [[nodiscard]] std::string wait() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::seconds{10}, [this] {
      return !why_.empty();
    });
    return why_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string why_;
};

class played_session final : public connection_handler {
public:
  played_session(connection& peer, std::span<std::byte> scratch,
    const played_manners& manners, played_refusal& refusal, link_hello own)
      : peer_(peer), manners_(manners), refusal_(refusal), own_(std::move(own)),
        cutter_(scratch, [this](std::span<const std::byte> begun) {
          return open_ ? measure_link_frame(begun, {})
                       : measure_greeting(begun);
        }) {}

  std::span<std::byte> prepare_read() override {
    if (open_ && lane_ == link_lane::bulk && !manners_.reads_bulk)
      return {};
    return cutter_.prepare();
  }
  void on_read(size_t size) override {
    const auto cut = cutter_.consume(size, [this](const shared_bytes& frame) {
      take(frame);
      return true;
    });
    MILLRACE_ASSERT(cut, "a link sends what can be measured");
  }
  void on_sent(size_t) override {}
  void on_closed(std::string_view) override {}

private:
  void take(const shared_bytes& frame) {
    if (open_) {
      if (kind_of(frame) == link_frame::ping && manners_.answers_pings)
        peer_.send({std::string{frame.text()}, {}});
      if (kind_of(frame) == link_frame::refusal) {
        const auto said = decode_greeting(frame);
        MILLRACE_ASSERT(said, "a link's refusal can be read");
        refusal_.set(said->refusal);
      }
      return;
    }
    const auto greeting = decode_greeting(frame);
    MILLRACE_ASSERT(greeting, "a link says hello");
    lane_ = greeting->hello.lane;
    own_.lane = lane_;
    own_.wanted = greeting->hello.node;
    open_ = true;
    if (manners_.says_hello)
      peer_.send({encode(own_), {}});
  }

  connection& peer_;
  const played_manners& manners_;
  played_refusal& refusal_;
  link_hello own_;
  block_cutter cutter_;
  bool open_ = false;
  link_lane lane_ = link_lane::control;
};

class played_node {
public:
  explicit played_node(link_hello own) : own_(std::move(own)) {
    auto made = event_loop::create();
    REQUIRE(made);
    loop_ = std::move(*made);
    const auto port = loop_->listen({"127.0.0.1", 0}, [this](connection& peer) {
      ++connections;
      return std::make_unique<played_session>(
        peer, scratch_, manners, refusal, own_);
    });
    REQUIRE(port);
    at = {"127.0.0.1", *port};
    thread_ = std::jthread{[this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        loop_->poll(-1);
        loop_->acknowledge_wake();
        loop_->flush();
      }
    }};
  }
  ~played_node() {
    thread_.request_stop();
    loop_->wake();
    thread_.join();
  }
  played_node(const played_node&) = delete;
  played_node& operator=(const played_node&) = delete;

  played_manners manners;
  played_refusal refusal;
  std::atomic<int> connections{0};
  endpoint at;

private:
  link_hello own_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(1u << 20);
  std::unique_ptr<event_loop> loop_;
  std::jthread thread_;
};

/// The hello of a node of the rig's cluster, without an address of its own.
inline link_hello hello_of(int32_t node, int32_t wanted = 1) {
  return {.lane = link_lane::control,
    .cluster = rig_cluster,
    .node = node_id{node},
    .wanted = node_id{wanted},
    .directory = {100, static_cast<uint64_t>(node)},
    .incarnation = 1,
    .host = {},
    .port = 0};
}

} // namespace millrace
