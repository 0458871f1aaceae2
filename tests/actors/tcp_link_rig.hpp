#pragma once

// Links over real sockets on loopback, and what their actors have got.

#include "actors/real_environment.hpp"
#include "actors/tcp_link.hpp"
#include "schema/link_hello.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace millrace {

/// What came to the actor of one node, in order.
struct link_post {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<from_node> messages;
  std::vector<link_change> changes;

  /// Whether `done` becomes true within ten seconds; called with the lock, at
  /// every news and every few milliseconds, as not all that it looks at is
  /// told here.
  bool wait(const std::function<bool()>& done) {
    const auto until
      = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    std::unique_lock lock{mutex};
    while (!done()) {
      if (std::chrono::steady_clock::now() > until)
        return false;
      changed.wait_for(lock, std::chrono::milliseconds{5});
    }
    return true;
  }
  bool wait_for_messages(size_t count) {
    return wait([&] {
      return messages.size() >= count;
    });
  }
  /// The last that was told of `node`; down before anything was.
  link_state state_of(node_id node) {
    auto state = link_state::down;
    for (const auto& change : changes)
      if (change.node == node)
        state = change.state;
    return state;
  }
  bool wait_for_state(node_id node, link_state state) {
    return wait([&] {
      return state_of(node) == state;
    });
  }
  std::vector<link_state> states_of(node_id node) {
    const std::lock_guard guard{mutex};
    std::vector<link_state> all;
    for (const auto& change : changes)
      if (change.node == node)
        all.push_back(change.state);
    return all;
  }
};

inline caf::behavior collect(
  caf::event_based_actor*, const std::shared_ptr<link_post>& post) {
  return {
    [post](from_node& got) {
      const std::lock_guard guard{post->mutex};
      post->messages.push_back(std::move(got));
      post->changed.notify_all();
    },
    [post](const link_change& change) {
      const std::lock_guard guard{post->mutex};
      post->changes.push_back(change);
      post->changed.notify_all();
    },
  };
}

inline constexpr uuid rig_cluster{1, 2};

inline tcp_link_options options_of(int32_t node) {
  tcp_link_options options;
  options.self = node_id{node};
  options.directory = uuid{100, static_cast<uint64_t>(node)};
  options.incarnation = 1;
  options.cluster = rig_cluster;
  options.listen = {"127.0.0.1", 0};
  // A busy machine keeps a thread waiting; nothing is to be lost for that.
  options.silence_ms = 8000;
  return options;
}

inline envelope message_of(conversation c, uint64_t id, std::string_view text) {
  envelope e;
  e.conversation = c;
  e.request_id = id;
  e.message = shared_bytes::copy_of(text);
  return e;
}

/// One node: a link, and an actor that it is bound to.
class linked_node {
public:
  linked_node(
    caf::actor_system& system, environment& env, tcp_link_options options)
      : post(std::make_shared<link_post>()) {
    auto started = tcp_link::start(system, env, std::move(options));
    INFO((started ? "" : to_string(started.error())));
    REQUIRE(started);
    link = std::move(*started);
    actor = system.spawn(collect, post);
    const auto receiver = caf::actor_cast<caf::strong_actor_ptr>(actor);
    for (const auto c :
      {conversation::raft, conversation::controller, conversation::replica})
      link->bind(c, receiver);
    link->watch(receiver);
  }
  ~linked_node() {
    link->stop();
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  linked_node(const linked_node&) = delete;
  linked_node& operator=(const linked_node&) = delete;

  [[nodiscard]] node_id id() const {
    return link->self();
  }
  void knows(const linked_node& other) const {
    link->introduce(other.id(), other.link->bound());
  }
  [[nodiscard]] bool sees(const linked_node& other, link_state state) const {
    return post->wait_for_state(other.id(), state);
  }

  std::shared_ptr<link_post> post;
  std::shared_ptr<tcp_link> link;
  caf::actor actor;
};

struct link_rig {
  struct threads : caf::actor_system_config {
    threads() {
      set("scheduler.policy", caf::atom("sharing"));
      set("scheduler.max-threads", size_t{2});
    }
  };

  std::unique_ptr<environment> env = make_real_environment();
  threads config;
  caf::actor_system system{config};

  std::unique_ptr<linked_node> start(tcp_link_options options) {
    return std::make_unique<linked_node>(system, *env, std::move(options));
  }
  std::unique_ptr<linked_node> start(int32_t node) {
    return start(options_of(node));
  }
};

} // namespace millrace
