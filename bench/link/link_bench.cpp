// millrace_link_bench: what the link between nodes costs. Two links of one
// process on loopback: megabytes, small messages, and one small message there
// and back at a time. CPU is that of both sides together.
//
//   millrace_link_bench [SECONDS [tls]]    seconds for each load, 3 by default
#include "actors/real_environment.hpp"
#include "actors/tcp_link.hpp"
#include "net/tls_certificates.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

using namespace millrace;

namespace {

double now_s() {
  return std::chrono::duration<double>(
    std::chrono::steady_clock::now().time_since_epoch())
    .count();
}

double cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Counts down what has arrived, for a sender that waits.
struct window {
  std::mutex mutex;
  std::condition_variable changed;
  uint64_t arrived = 0;
  bool up = false;

  void wait_for(uint64_t count) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] {
      return arrived >= count;
    });
  }
};

caf::behavior count_arrivals(caf::event_based_actor*, window* seen) {
  return {
    [seen](from_node&) {
      const std::lock_guard guard{seen->mutex};
      ++seen->arrived;
      seen->changed.notify_one();
    },
    [seen](const link_change& change) {
      const std::lock_guard guard{seen->mutex};
      seen->up = change.state == link_state::up;
      seen->changed.notify_one();
    },
  };
}

caf::behavior echo(caf::event_based_actor*, node_link* link) {
  return {
    [link](from_node& got) {
      got.message.is_answer = true;
      link->send(got.node, std::move(got.message));
    },
  };
}

/// Of a node of an authority that lives as long as this program.
std::shared_ptr<const tls_context> tls_of(int32_t node) {
  constexpr tls_validity a_day{.ends_s = 86'400};
  static const auto authority = make_tls_authority("bench", a_day);
  MILLRACE_ASSERT(authority, "OpenSSL makes certificates");
  const auto made = make_tls_certificate(
    authority.value(), {"node-" + std::to_string(node)}, a_day);
  MILLRACE_ASSERT(made, "OpenSSL makes certificates");
  auto context = tls_context::create({authority.value().certificate,
    made.value().certificate, made.value().key});
  MILLRACE_ASSERT(context, "certificates just made are good");
  return *context;
}

std::shared_ptr<tcp_link> start(
  caf::actor_system& system, environment& env, int32_t node, bool tls) {
  tcp_link_options options;
  options.self = node_id{node};
  options.directory = uuid{1, static_cast<uint64_t>(node)};
  options.cluster = uuid{1, 1};
  options.listen = {"127.0.0.1", 0};
  if (tls)
    options.tls = tls_of(node);
  auto link = tcp_link::start(system, env, std::move(options));
  MILLRACE_ASSERT(link, "a port is free on loopback");
  return *link;
}

envelope message_of(size_t size) {
  envelope e;
  e.conversation = conversation::replica;
  if (size > 100'000) {
    e.message = shared_bytes::copy_of(std::string(200, 'm'));
    e.runs = {shared_bytes::copy_of(std::string(size, 'r'))};
  } else {
    e.message = shared_bytes::copy_of(std::string(size, 'm'));
  }
  return e;
}

struct figures {
  double seconds = 0;
  double cpu = 0;
  uint64_t count = 0;
};

/// As many as fit into `seconds`, `in_flight` at a time.
figures pour(node_link& from, window& seen, const envelope& message,
  uint64_t in_flight, double seconds) {
  const auto before = seen.arrived;
  const auto begun = now_s();
  const auto cpu = cpu_s();
  uint64_t sent = 0;
  const uint64_t step = std::max<uint64_t>(in_flight / 4, 1);
  while (now_s() - begun < seconds) {
    for (uint64_t i = 0; i < step; ++i, ++sent)
      from.send(node_id{2}, message);
    if (sent > in_flight)
      seen.wait_for(before + sent - in_flight);
  }
  seen.wait_for(before + sent);
  return {now_s() - begun, cpu_s() - cpu, sent};
}

void there_and_back(node_link& from, window& seen, const envelope& message,
  conversation about, double seconds) {
  auto asked = message;
  asked.conversation = about;
  std::vector<double> all;
  const auto begun = now_s();
  const auto cpu = cpu_s();
  for (auto count = seen.arrived; now_s() - begun < seconds;) {
    const auto at = now_s();
    from.send(node_id{2}, asked);
    seen.wait_for(++count);
    all.push_back(now_s() - at);
  }
  const auto used = cpu_s() - cpu;
  std::sort(all.begin(), all.end());
  std::printf("there and back, 200 B, %-7s p50 %.0f us, p99 %.0f us, "
              "CPU %.1f us each\n",
    to_string(about), all[all.size() / 2] * 1e6,
    all[all.size() * 99 / 100] * 1e6,
    used / static_cast<double>(all.size()) * 1e6);
}

} // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  spdlog::set_level(spdlog::level::warn);
  const auto env = make_real_environment();
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", size_t{2});
  caf::actor_system system{config};
  const bool tls = argc > 2 && std::string_view{argv[2]} == "tls";
  auto one = start(system, *env, 1, tls);
  auto two = start(system, *env, 2, tls);
  window seen;
  const auto counter = system.spawn(count_arrivals, &seen);
  const auto echoing = system.spawn(echo, static_cast<node_link*>(two.get()));
  const auto at = caf::actor_cast<caf::strong_actor_ptr>(counter);
  one->watch(at);
  one->bind(conversation::controller, at);
  one->bind(conversation::raft, at);
  two->bind(conversation::replica, at);
  two->bind(
    conversation::raft, caf::actor_cast<caf::strong_actor_ptr>(echoing));
  one->introduce(node_id{2}, two->bound());
  {
    std::unique_lock lock{seen.mutex};
    seen.changed.wait(lock, [&] {
      return seen.up;
    });
  }
  auto done = pour(*one, seen, message_of(1u << 20), 32, seconds);
  const auto gigabytes = static_cast<double>(done.count << 20) / 1e9;
  std::printf("1 MiB: %.0f MB/s, CPU %.2f s/GB\n",
    gigabytes * 1000 / done.seconds, done.cpu / gigabytes);
  done = pour(*one, seen, message_of(200), 10'000, seconds);
  const auto each = static_cast<double>(done.count);
  std::printf("200 B: %.0f k/s, CPU %.2f us each\n", each / done.seconds / 1000,
    done.cpu / each * 1e6);
  there_and_back(*one, seen, message_of(200), conversation::raft, seconds);
  one->stop();
  two->stop();
  caf::anon_send_exit(counter, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(echoing, caf::exit_reason::user_shutdown);
  return 0;
}
