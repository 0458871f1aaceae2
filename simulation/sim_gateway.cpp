#include "simulation/sim_gateway.hpp"

namespace millrace {

/// Bytes in memory instead of a socket.
class sim_connection : public connection {
public:
  sim_connection(uint64_t id, sim_output& output)
      : id_(id), output_(output), local_{"10.0.0.1", 9092},
        remote_{"10.0.1.1", static_cast<uint16_t>(1024 + id % 60000)} {}

  uint64_t id() const override {
    return id_;
  }
  const endpoint& local() const override {
    return local_;
  }
  const endpoint& remote() const override {
    return remote_;
  }
  void send(outgoing out) override {
    if (closing)
      return;
    auto bytes = flatten(out);
    // A slice that cannot be read any more: the length is already promised,
    // so the connection ends, as it does with a short sendfile (R18).
    if (!bytes)
      closing = true;
    else
      output_.bytes(id_, std::move(*bytes));
  }
  size_t queued_bytes() const override {
    return 0;
  }
  void pause_reading() override {
    paused = true;
  }
  void resume_reading() override {
    paused = false;
  }
  void close_after_flush() override {
    closing = true;
  }
  void close() override {
    closing = true;
  }

  bool closing = false;
  bool paused = false;
  std::string unread;

private:
  uint64_t id_;
  sim_output& output_;
  endpoint local_;
  endpoint remote_;
};

sim_gateway_state::sim_gateway_state() = default;
sim_gateway_state::~sim_gateway_state() = default;

namespace {

using self_pointer = caf::stateful_actor<sim_gateway_state>*;

void read(sim_gateway_state::peer& p) {
  auto& c = *p.connection;
  while (!c.unread.empty() && !c.paused && !c.closing) {
    const auto room = p.session->prepare_read();
    const auto size = std::min(room.size(), c.unread.size());
    std::memcpy(room.data(), c.unread.data(), size);
    c.unread.erase(0, size);
    p.session->on_read(size);
  }
}

/// The end of every step: what a loop does in flush().
void end_turn(self_pointer self) {
  auto& s = self->state;
  for (auto& [id, p] : s.peers)
    read(p);
  s.core->flush_asks();
  for (auto at = s.peers.begin(); at != s.peers.end();) {
    if (!at->second.connection->closing) {
      ++at;
      continue;
    }
    at->second.session->on_closed("closed by this node");
    s.output.closed(at->first);
    at = s.peers.erase(at);
  }
  const auto due = s.core->next_deadline();
  if (!due || (s.turn_at_ms >= 0 && s.turn_at_ms <= *due))
    return;
  s.turn_at_ms = *due;
  const auto wait = std::max<int64_t>(*due - monotonic_ms(*self), 0);
  self->delayed_send(self, std::chrono::milliseconds{wait}, sim_turn{++s.turn});
}

} // namespace

caf::behavior sim_gateway(
  self_pointer self, std::shared_ptr<gateway_core> core, sim_output output) {
  auto& state = self->state;
  state.core = std::move(core);
  state.output = std::move(output);
  state.core->advance(monotonic_ms(*self));
  state.core->bind(caf::strong_actor_ptr{self->ctrl()}, nullptr);
  const auto take = [self](auto& message) {
    auto& s = self->state;
    s.core->advance(monotonic_ms(*self));
    s.core->take(message);
    end_turn(self);
  };
  return {
    [=](produce_results& m) {
      take(m);
    },
    [=](fetch_answers& m) {
      take(m);
    },
    [=](const data_ready& m) {
      take(m);
    },
    [=](log_answer& m) {
      take(m);
    },
    [=](admin_answer& m) {
      take(m);
    },
    [=](group_answer& m) {
      take(m);
    },
    [=](transaction_result& m) {
      take(m);
    },
    [=](share_answer& m) {
      take(m);
    },
    [=](share_state_result& m) {
      take(m);
    },
    [=](log_dirs_answer& m) {
      take(m);
    },
    [=](directory_update& m) {
      take(m);
    },
    [=](const link_change& m) {
      take(m);
    },
    [=](const sim_connect& c) {
      auto& s = self->state;
      s.core->set_time(monotonic_ms(*self));
      auto connection = std::make_unique<sim_connection>(c.id, s.output);
      auto session = s.core->accept(*connection, s.chunks);
      s.peers[c.id] = {std::move(connection), std::move(session)};
    },
    [=](sim_input& input) {
      auto& s = self->state;
      s.core->advance(monotonic_ms(*self));
      if (const auto at = s.peers.find(input.id); at != s.peers.end())
        at->second.connection->unread += input.bytes;
      end_turn(self);
    },
    [=](const sim_disconnect& d) {
      auto& s = self->state;
      const auto at = s.peers.find(d.id);
      if (at == s.peers.end())
        return;
      at->second.session->on_closed("the client has gone");
      s.peers.erase(at);
      end_turn(self);
    },
    [=](const sim_turn& t) {
      auto& s = self->state;
      if (t.generation == s.turn)
        s.turn_at_ms = -1;
      s.core->advance(monotonic_ms(*self));
      end_turn(self);
    },
  };
}

} // namespace millrace
