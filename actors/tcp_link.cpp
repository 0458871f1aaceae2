#include "actors/tcp_link.hpp"

#include "actors/log.hpp"
#include "actors/loop_unit.hpp"
#include "actors/tcp_link_hub.hpp"

#include <algorithm>
#include <mutex>

namespace millrace {

namespace {

/// Who gets a message of up to so many bytes may run on the link's thread:
/// handing it on would cost more than most of them do. Bulk goes elsewhere.
constexpr size_t small_message_bytes = 16u << 10;
/// Of a burst, for many or for one, the scheduler's threads take the rest, and
/// whoever is busy anyway stays with them.
constexpr loop_unit::limits unit_limits{
  .ready = 8, .messages = 16, .goes_on = false};

/// Of the link whose loop this thread turns.
thread_local caf::execution_unit* own_unit = nullptr;

struct tcp_link_parts {
  std::shared_ptr<event_loop> loop;
  std::shared_ptr<tcp_link_inbox> inbox;
  /// Goes before the loop, whose sessions know it, does not matter: they are
  /// closed by then.
  std::shared_ptr<tcp_link_hub> hub;
};

/// The link's thread; ends on an exit message.
class tcp_link_turner : public caf::blocking_actor {
public:
  tcp_link_turner(caf::actor_config& config, tcp_link_parts parts)
      : caf::blocking_actor(config), parts_(std::move(parts)) {}

  const char* name() const override {
    return "tcp_link";
  }

  void enqueue(
    caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    blocking_actor::enqueue(std::move(element), unit);
    parts_.loop->wake();
  }

  void act() override {
    auto& [loop, inbox, hub] = parts_;
    loop_unit unit{&system(), unit_limits};
    own_unit = &unit;
    hub->use_clock([this] {
      return monotonic_ms(*this);
    });
    while (!is_told_to_end()) {
      hub->take_inbox();
      while (unit.run())
        hub->take_inbox(); // what it has to say
      const auto due_ms = hub->advance();
      loop->flush();
      const auto wait_ms
        = std::clamp<int64_t>(due_ms - hub->clock_ms(), 0, 60'000);
      loop->poll(static_cast<int>(wait_ms));
      loop->acknowledge_wake();
    }
    // What was woken here has to run here, or it would never run again.
    while (unit.run()) {
    }
    own_unit = nullptr;
    loop->stop_listening();
    hub->close_all();
    loop->flush();
  }

private:
  bool is_told_to_end() {
    while (has_next_message())
      if (dequeue()->content().match_elements<caf::exit_msg>())
        return true;
    return false;
  }

  tcp_link_parts parts_;
};

bool is_any_address(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

void fill_advertised(tcp_link_options& options) {
  if (options.advertised.port == 0)
    options.advertised.port = options.listen.port;
  if (options.advertised.host.empty() && !is_any_address(options.listen.host))
    options.advertised.host = options.listen.host;
}

} // namespace

class tcp_link::impl {
public:
  result<void> open(environment& env, tcp_link_options options) {
    auto made = event_loop::create({.connections_max = options.connections_max,
      .on_trouble = [](const std::string& what) {
        log::warn("cluster port: {}", what);
      }});
    if (!made)
      return made.error();
    parts_.loop = std::move(*made);
    const auto port = parts_.loop->listen(options.listen,
      [this](connection& peer) {
        return parts_.hub->accept(peer);
      },
      {.tls = options.tls});
    if (!port)
      return port.error();
    options.listen.port = *port;
    fill_advertised(options);
    bound_ = options.listen;
    advertised_ = options.advertised;
    parts_.inbox = std::make_shared<tcp_link_inbox>(options, parts_.loop);
    random_ = [&env] {
      return env.random();
    };
    options_ = std::move(options);
    return {};
  }

  void begin(caf::actor_system& system,
    std::function<void(node_id, envelope)> deliver,
    std::function<void(node_id, link_state)> tell_state) {
    system_ = &system;
    parts_.hub = std::make_shared<tcp_link_hub>(
      options_, tcp_link_wiring{std::move(deliver), std::move(tell_state),
                  random_, parts_.loop, parts_.inbox});
    turner_ = system.spawn<tcp_link_turner, caf::detached>(parts_);
  }

  void stop() {
    const std::lock_guard guard{stopping_};
    if (turner_ == nullptr)
      return;
    caf::scoped_actor self{*system_};
    self->send_exit(turner_, caf::exit_reason::user_shutdown);
    self->wait_for(turner_);
    turner_ = nullptr;
  }

  endpoint bound_;
  endpoint advertised_;
  tcp_link_parts parts_;

private:
  tcp_link_options options_;
  std::function<uint64_t()> random_;
  caf::actor_system* system_ = nullptr;
  std::mutex stopping_;
  caf::actor turner_;
};

result<std::shared_ptr<tcp_link>> tcp_link::start(
  caf::actor_system& system, environment& env, tcp_link_options options) {
  const auto self = options.self;
  auto i = std::make_unique<impl>();
  MILLRACE_TRY(i->open(env, std::move(options)));
  std::shared_ptr<tcp_link> link{new tcp_link{self, std::move(i)}};
  // The thread has ended before the link goes, see stop().
  auto* raw = link.get();
  link->impl_->begin(
    system,
    [raw](node_id from, envelope message) {
      const bool is_small = frame_size(message) <= small_message_bytes;
      raw->deliver(from, std::move(message), is_small ? own_unit : nullptr);
    },
    [raw](node_id node, link_state state) {
      raw->tell_state(node, state);
    });
  return link;
}

tcp_link::tcp_link(node_id self, std::unique_ptr<impl> i)
    : node_link(self), impl_(std::move(i)) {}

tcp_link::~tcp_link() {
  stop();
}

const endpoint& tcp_link::bound() const {
  return impl_->bound_;
}

const endpoint& tcp_link::advertised() const {
  return impl_->advertised_;
}

void tcp_link::introduce(node_id node, const endpoint& address) {
  impl_->parts_.inbox->introduce(node, address);
}

void tcp_link::ship(node_id to, envelope message) {
  impl_->parts_.inbox->ship(to, message);
}

void tcp_link::stop() {
  impl_->stop();
}

const tcp_link_counters& tcp_link::counters() const {
  return impl_->parts_.inbox->counters();
}

} // namespace millrace
