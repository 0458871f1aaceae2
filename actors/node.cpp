#include "actors/node.hpp"

#include "actors/custom_front.hpp"
#include "actors/gateway.hpp"
#include "actors/http_routes.hpp"
#include "actors/http_session.hpp"
#include "actors/log.hpp"
#include "actors/metrics_page.hpp"
#include "actors/node_core.hpp"
#include "actors/real_environment.hpp"
#include "actors/tcp_link.hpp"
#include "actors/tell.hpp"
#include "cluster/config_cluster_tls.hpp"

#include <sys/resource.h>

#include <csignal>

namespace millrace {

namespace {

struct system_config : caf::actor_system_config {
  explicit system_config(size_t threads) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", threads);
    set("scheduler.max-throughput", size_t{300});
  }
};

/// What the other nodes are told: what was set, or where this node listens,
/// or, if that is every address, where the controllers' list has it.
endpoint cluster_address_of(const node_config& config) {
  if (const auto& set = config.cluster_advertised)
    return {set->host, set->port};
  const auto& listener = *config.cluster_listener;
  const bool is_every_address = listener.host.empty()
                                || listener.host == "0.0.0.0"
                                || listener.host == "::";
  if (!is_every_address)
    return {listener.host, listener.port};
  for (const auto& controller : config.controllers)
    if (controller.id == config.id)
      return {controller.host, controller.port};
  return {{}, listener.port}; // where they see it
}

/// As many descriptors as the hard limit allows: connections and segments
/// need them, and no one should have to set a kernel parameter.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log::warn("the limit of open files stays at its soft limit: {}",
      std::strerror(errno));
}

/// Null: the nodes talk in plain text.
result<std::shared_ptr<const tls_context>> load_cluster_tls(
  const node_config& config) {
  const auto files = read_cluster_tls(config);
  if (!files)
    return files.error();
  if (!files.value())
    return std::shared_ptr<const tls_context>{};
  const auto& [ca, certificate, key] = *files.value();
  auto identity = load_tls_files({ca, certificate, key});
  if (!identity)
    return identity.error();
  return tls_context::create(*identity);
}

} // namespace

class node::impl {
public:
  ~impl() {
    stop();
  }

  result<void> start(node_config config, std::function<void()> on_failure,
    std::shared_ptr<const custom_deployments> actors) {
    raise_descriptor_limit();
    // A file that may not grow is an error of that file, not the end of all.
    std::signal(SIGXFSZ, SIG_IGN);
    env_ = make_real_environment();
    system_config_
      = std::make_unique<system_config>(std::max<size_t>(processor_count(), 2));
    system_ = std::make_unique<caf::actor_system>(*system_config_);
    // The ports first: an address in use is the commonest reason to fail,
    // and nothing has been touched yet.
    const int count
      = config.gateways > 0
          ? config.gateways
          : std::clamp(static_cast<int>(processor_count()) / 4, 1, 16);
    for (int i = 0; i < count; ++i) {
      auto loop = event_loop::create(
        {.connections_max = static_cast<size_t>(config.connections_max),
          .on_trouble = [](const std::string& what) {
            log::warn("{}", what);
          }});
      if (!loop)
        return loop.error();
      loops_.push_back(std::move(*loop));
    }
    MILLRACE_TRY(listen(config));
    std::vector<broker_endpoint> endpoints;
    if (config.advertised_listeners.empty())
      endpoints = bound_;
    for (const auto& a : config.advertised_listeners)
      endpoints.push_back({a.name, a.host, a.port, 0});
    const auto make_link
      = [this](const node_config& node, const directory_identity& identity) {
          return start_link(node, identity);
        };
    auto core = start_node_core(*system_, *env_, make_link, std::move(config),
      std::move(endpoints), std::move(on_failure));
    if (!core)
      return core.error();
    core_ = std::move(*core);
    started_ = true;
    start_gateways();
    if (actors != nullptr && !actors->all().empty())
      gateways_.push_back(env_->spawn_blocking(
        *system_, custom_front, env_.get(), wiring(), std::move(actors)));
    return {};
  }

  bool stop() {
    if (!started_) {
      loops_.clear();
      return false;
    }
    started_ = false;
    caf::anon_send_exit(core_.watcher, caf::exit_reason::user_shutdown);
    core_.watcher = nullptr;
    leave();
    const bool clean = stop_actors();
    if (link_ != nullptr)
      link_->stop();
    end_node_core(core_);
    core_.broker = nullptr;
    core_.controller = nullptr;
    core_.consensus = nullptr;
    core_.consensus_disk = nullptr;
    core_.keeper = nullptr;
    core_.disks.clear();
    system_->await_all_actors_done();
    core_.dirs.reset();
    core_.link.reset();
    link_.reset();
    return clean;
  }

  std::vector<std::string> kafka_addresses_;
  std::vector<std::string> http_addresses_;
  std::string cluster_address_;
  node_core core_;

private:
  /// Clients are still served, and sent to whoever leads then.
  void leave() {
    caf::scoped_actor self{*system_};
    self->monitor(core_.controller);
    tell(self.ptr(), core_.controller, leave_cluster{});
    self->receive([](left_cluster) {}, [](const caf::down_msg&) {});
  }

  /// Gateways first, then what they ask; whether the broker ended cleanly.
  bool stop_actors() {
    // Counts as a running actor as long as it lives.
    caf::scoped_actor self{*system_};
    for (const auto& g : gateways_)
      self->send_exit(g, caf::exit_reason::user_shutdown);
    self->wait_for(gateways_);
    gateways_.clear();
    loops_.clear(); // with all sessions, which know the cores
    parts_.clear();
    bool clean = false;
    self->monitor(core_.broker);
    tell(self.ptr(), core_.broker, stop_broker{});
    self->receive(
      [&](const broker_stopped& done) {
        clean = done.clean;
      },
      [](const caf::down_msg&) {
        // It has died before: nothing was closed.
      });
    return clean;
  }

  result<std::shared_ptr<node_link>> start_link(
    const node_config& config, const directory_identity& identity) {
    if (!config.is_clustered())
      return std::shared_ptr<node_link>{std::make_shared<lone_link>(config.id)};
    const auto& listener = *config.cluster_listener;
    auto tls = load_cluster_tls(config);
    if (!tls)
      return tls.error();
    auto link = tcp_link::start(*system_, *env_,
      {.self = config.id,
        .directory = identity.directory,
        .incarnation = static_cast<uint64_t>(env_->wall_clock_ms()),
        .cluster = identity.cluster,
        .listen = {listener.host, listener.port},
        .advertised = cluster_address_of(config),
        .tls = std::move(*tls)});
    if (!link)
      return link.error();
    link_ = *link;
    cluster_address_ = link_->bound().to_string();
    return std::shared_ptr<node_link>{std::move(*link)};
  }

  /// One port for all loops: the first accepts and deals connections out, one
  /// to each in turn.
  result<void> listen(const node_config& config) {
    auto& first = *loops_.front();
    listen_options options;
    options.choose_seat = [this] {
      const auto turn = next_seat_++ % loops_.size();
      return loop_seat{*loops_[turn], [this, turn](connection& peer) {
                         return accept_kafka(peer, turn);
                       }};
    };
    for (const auto& listener : config.listeners) {
      const endpoint at{listener.host, listener.port};
      auto port = first.listen(at, {}, options);
      if (!port)
        return port.error();
      kafka_addresses_.push_back(endpoint{at.host, *port}.to_string());
      note_bound(listener.name, *port);
    }
    for (const auto& listener : config.http_listeners) {
      const endpoint at{listener.host, listener.port};
      auto port = first.listen(at, serve_http(routes()));
      if (!port)
        return port.error();
      http_addresses_.push_back(endpoint{at.host, *port}.to_string());
    }
    return {};
  }

  /// What others are told of a listener when nothing is advertised: its port;
  /// the host is the one that they find this node at.
  void note_bound(const std::string& name, uint16_t port) {
    const auto known
      = std::any_of(bound_.begin(), bound_.end(), [&](const auto& b) {
          return b.listener == name;
        });
    if (!known)
      bound_.push_back({name, {}, port, 0});
  }

  /// What the HTTP port answers. Called in the first gateway's thread.
  http_routes routes() {
    http_routes all;
    all.add(
      "GET", "/livez", [](const http_request&, const http_respond& respond) {
        respond({.body = "ok\n"});
      });
    all.add("GET", "/readyz",
      [this](const http_request&, const http_respond& respond) {
        if (parts_.front().core->ready())
          respond({.body = "ok\n"});
        else
          respond({.status = 503, .body = "the node is starting\n"});
      });
    all.add("GET", "/metrics",
      [this](const http_request&, const http_respond& respond) {
        respond({.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = metrics_page(*core_.counters, *core_.status,
            parts_.front().core->image(), core_.config->id,
            telemetry_->clients(parts_.front().core->now_ms()))});
      });
    return all;
  }

  std::unique_ptr<connection_handler> accept_kafka(
    connection& peer, size_t loop) {
    return parts_[loop].core->accept(peer, loops_[loop]->chunks());
  }

  gateway_wiring wiring() const {
    return {env_.get(), core_.config, core_.counters,
      caf::actor_cast<caf::strong_actor_ptr>(core_.controller),
      caf::actor_cast<caf::strong_actor_ptr>(core_.broker), core_.cluster,
      core_.link, quotas_, telemetry_};
  }

  void start_gateways() {
    quotas_ = std::make_shared<quota_ledger>(core_.config->client_windows);
    for (size_t i = 0; i < loops_.size(); ++i)
      parts_.push_back({std::make_shared<gateway_core>(wiring()), loops_[i]});
    for (const auto& parts : parts_)
      gateways_.push_back(system_->spawn<gateway, caf::detached>(parts));
  }

  std::unique_ptr<environment> env_;
  std::unique_ptr<system_config> system_config_;
  std::vector<std::shared_ptr<event_loop>> loops_;
  std::vector<broker_endpoint> bound_;
  size_t next_seat_ = 0; // in the first gateway's thread
  std::vector<gateway_parts> parts_;
  std::shared_ptr<quota_ledger> quotas_; ///< of all gateways
  std::shared_ptr<client_telemetry> telemetry_
    = std::make_shared<client_telemetry>();
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<tcp_link> link_;   ///< null: the node is alone
  std::vector<caf::actor> gateways_; ///< and what knows the broker as they do
  bool started_ = false;
};

node::node(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

node::~node() = default;

result<std::unique_ptr<node>> node::start(node_config config,
  std::function<void()> on_failure,
  std::shared_ptr<const custom_deployments> actors) {
  auto i = std::make_unique<impl>();
  MILLRACE_TRY(
    i->start(std::move(config), std::move(on_failure), std::move(actors)));
  return std::unique_ptr<node>{new node{std::move(i)}};
}

const std::vector<std::string>& node::kafka_addresses() const {
  return impl_->kafka_addresses_;
}

const std::vector<std::string>& node::http_addresses() const {
  return impl_->http_addresses_;
}

const std::string& node::cluster_address() const {
  return impl_->cluster_address_;
}

const std::string& node::data_directory_path() const {
  return impl_->core_.config->log_dirs.front();
}

std::string node::cluster_id() const {
  return impl_->core_.config->cluster_id;
}

bool node::stop() {
  return impl_->stop();
}

} // namespace millrace
