#pragma once

// What a user's own actor is and may do. Derive from custom_actor, deploy it
// by a name (actors/custom_deployments.hpp), and the cluster runs it:
//
//   class greeter : public millrace::custom_actor {
//   public:
//     using custom_actor::custom_actor;
//     void on_start() override {
//       context().read("names");
//     }
//     void on_record(const millrace::topic_record& r) override {
//       const auto times = ++greeted_; // lost with the node ...
//       context().state().put(*r.key, "greeted"); // ... and this is not
//       context().write({.topic = "greetings", .value = "hello " + *r.key});
//     }
//   };
//
// An instance is never called by two threads at once, and has a thread of its
// own: it may compute for long, and it may throw, which ends it and starts it
// anew from its state.
//
// A turn is one call of on_start(), on_message(), on_node() or of a timer, or
// the calls of on_record() for what one answer brought. Of an actor that the
// cluster places, a turn is one atomic step: what it changed in state(), how
// far it has read, and what it has asked to be written are made durable
// together, on as many nodes as the topics of the cluster have replicas; only
// then do its messages and records leave. So nobody ever sees an effect of a
// state that is lost afterwards, and every record that it reads is part of its
// state exactly once. docs/extend.md says all that is promised.

#include "schema/capnp_bytes.hpp"
#include "schema/custom_message.hpp"
#include "schema/types.hpp"

#include <capnp/schema.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace millrace {

/// A record of a topic that the actor reads.
struct topic_record {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

/// A record for a topic. Without a partition the key says which one, as with
/// every client of Kafka; without a key, some partition.
struct new_record {
  std::string topic;
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;
  int32_t partition = -1;
};

/// A message of another actor.
class actor_message {
public:
  explicit actor_message(actor_letter letter) : letter_(std::move(letter)) {}

  /// Who has sent it, and where an answer goes.
  [[nodiscard]] const actor_address& from() const {
    return letter_.from;
  }
  template <class T>
  [[nodiscard]] bool is() const {
    return letter_.type == capnp::typeId<T>();
  }
  /// If it is a T, calls `read` with its reader, which lasts for the call, and
  /// returns true. A message that cannot be read is none.
  template <class T, class Read>
  bool as(Read&& read) const {
    if (!is<T>())
      return false;
    return read_capnp<T>(letter_.body, "message of an actor",
      [&](typename T::Reader root) -> result<void> {
        read(root);
        return {};
      })
      .ok();
  }
  [[nodiscard]] const actor_letter& letter() const {
    return letter_;
  }

private:
  actor_letter letter_;
};

/// A node that the cluster counts on from now on, or does not any more.
struct node_change {
  node_id node;
  bool is_up = false;
};

/// The pairs that an actor keeps; in memory, and in the log of its state. See
/// above for when a change is durable.
class actor_state {
public:
  virtual ~actor_state() = default;

  [[nodiscard]] virtual std::optional<std::string> get(
    std::string_view key) const
    = 0;
  virtual void put(std::string_view key, std::string value) = 0;
  virtual void erase(std::string_view key) = 0;
  /// Every pair whose key begins with `prefix`, by key. `visit` changes
  /// nothing.
  virtual void for_each(std::string_view prefix,
    const std::function<void(std::string_view, const std::string&)>& visit)
    const
    = 0;
};

/// Where an actor begins with a partition that it has not read before.
enum class read_from : uint8_t { earliest, latest };

/// What an actor may do. To be used in its calls only; it ends with them.
class actor_context {
public:
  virtual ~actor_context() = default;

  /// Its own name and instance.
  [[nodiscard]] virtual const actor_address& self() const = 0;
  /// The node that it runs on.
  [[nodiscard]] virtual node_id node() const = 0;
  /// The nodes that the cluster counts on, as on_node() has told.
  [[nodiscard]] virtual const std::set<node_id>& nodes() const = 0;

  /// Throws std::logic_error in an actor that runs on every node: it has no
  /// state that outlives it.
  [[nodiscard]] virtual actor_state& state() = 0;

  /// Reads a topic from here on: the records come to on_record(), in the
  /// order of their offsets in each partition. An actor that the cluster
  /// places goes on behind the last record that its state includes; of several
  /// instances each reads a share of the partitions. On every node: from
  /// `where`, all of them. Only what is committed is read. A topic that is not
  /// there is made if the cluster makes topics on first use, else waited for.
  virtual void read(std::string topic, read_from where = read_from::earliest)
    = 0;

  /// Writes a record with acks=all, wherever its partition is led, again and
  /// again until it is taken; in order for each partition. A record that can
  /// never be taken (too large, a topic's name that is none) is dropped, and
  /// the log of the node says why.
  virtual void write(new_record record) = 0;

  /// Sends a message: `fill` gets a builder of T, a struct of your own
  /// Cap'n Proto schema. It arrives at most once, after what was sent to the
  /// same instance before, or not at all: who needs an answer asks again. To
  /// an instance that nobody runs right now it is lost.
  template <class T, class Fill>
  void send(const actor_address& to, Fill&& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<T>());
    send_letter(to, capnp::typeId<T>(), to_shared_bytes(builder));
  }

  /// Calls `what` once, not before `wait` has passed, if this instance still
  /// runs then.
  virtual void after(std::chrono::milliseconds wait, std::function<void()> what)
    = 0;
  /// Monotonic milliseconds: for spans of time, on this node, in this life.
  [[nodiscard]] virtual int64_t now_ms() const = 0;
  /// Milliseconds since 1970, UTC. May jump.
  [[nodiscard]] virtual int64_t wall_clock_ms() = 0;
  /// 64 random bits.
  [[nodiscard]] virtual uint64_t random() = 0;
  /// A line in the log of the node, with the actor's name.
  virtual void log(std::string_view line) = 0;

protected:
  virtual void send_letter(
    const actor_address& to, uint64_t type, shared_bytes body)
    = 0;
};

/// Derive from this. All calls are optional to handle.
class custom_actor {
public:
  explicit custom_actor(actor_context& context) : context_(&context) {}
  virtual ~custom_actor() = default;
  custom_actor(const custom_actor&) = delete;
  custom_actor& operator=(const custom_actor&) = delete;

  /// The state is there. The only call at the end of a life is the
  /// destructor's, and it may not come: a node can be killed at any time.
  virtual void on_start() {}
  virtual void on_record(const topic_record&) {}
  virtual void on_message(const actor_message&) {}
  /// Comes for every node that is up after on_start(), then for every change.
  virtual void on_node(const node_change&) {}

protected:
  [[nodiscard]] actor_context& context() const {
    return *context_;
  }

private:
  actor_context* context_;
};

} // namespace millrace
