#pragma once

// What a client knows of the cluster, and its connections to it: which node
// leads a partition, coordinates a group, is the controller.

#include "apps/client/broker_connection.hpp"
#include "apps/client/clock.hpp"
#include "schema/types.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::client {

struct cluster_options {
  std::vector<endpoint> bootstrap{{"localhost", 9092}};
  std::string client_id = "millrace";
  /// For one operation, with all its retries.
  int timeout_ms = 30000;
};

struct partition_info {
  int32_t index = 0;
  int32_t leader = -1; ///< -1 = none
  int32_t leader_epoch = -1;
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
};

struct topic_info {
  std::string name;
  uuid id;
  bool internal = false;
  std::vector<partition_info> partitions; ///< ordered by index
};

/// Bounds the retries of one operation and waits between them.
class retry_loop {
public:
  explicit retry_loop(int64_t timeout_ms)
      : deadline_ms_(steady_ms() + timeout_ms) {}
  [[nodiscard]] int remaining_ms() const;
  /// Waits before the next attempt: 50 ms, doubling to 1 s. False when the
  /// time is over.
  [[nodiscard]] bool wait();

private:
  int64_t deadline_ms_;
  int64_t backoff_ms_ = 50;
};

/// Calls `attempt` until it works, fails for good, or the time is over; an
/// error is retried when its code is `offline`. `attempt` takes the
/// milliseconds that remain.
template <class Attempt>
auto with_retries(int64_t timeout_ms, Attempt&& attempt)
  -> decltype(attempt(0)) {
  for (retry_loop loop{timeout_ms};;) {
    auto done = attempt(loop.remaining_ms());
    if (done.ok() || done.error().code != errc::offline || !loop.wait())
      return done;
  }
}

/// Connections are opened when first used and dropped by their users after
/// an error. Not for several threads.
class cluster {
public:
  explicit cluster(cluster_options options);

  [[nodiscard]] const cluster_options& options() const {
    return options_;
  }

  /// Any connection that is open, else a new one to a bootstrap address.
  /// Errors: offline. The pointer is valid until drop() or drop_all().
  [[nodiscard]] result<broker_connection*> any();
  /// The connection to node `id`. Errors: offline; the node may be unknown.
  [[nodiscard]] result<broker_connection*> node(int32_t id);
  [[nodiscard]] result<broker_connection*> controller();
  /// The connection to the coordinator of `group`. Errors: offline, others
  /// as the server says.
  [[nodiscard]] result<broker_connection*> coordinator(
    const std::string& group);

  /// Forgets one connection, or all and every coordinator.
  void drop(broker_connection* connection);
  void drop_all();

  /// Asks for these topics (none = all). Topics with errors are left out
  /// unless all were named: then the first error is returned.
  /// @param create let the server create what does not exist
  [[nodiscard]] result<std::vector<topic_info>> fetch_topics(
    const std::optional<std::vector<std::string>>& names, bool create = false);
  /// One topic, retried while it is being created.
  /// Errors: not_found, offline.
  [[nodiscard]] result<topic_info> fetch_topic(
    const std::string& name, bool create = false);

  /// One request to the controller, sent again when a connection is lost:
  /// for requests that may come twice. Errors: offline.
  template <class Request>
  [[nodiscard]] result<typename exchange<Request>::response> ask_controller(
    const Request& request) {
    return with_retries(options_.timeout_ms,
      [&](int ms) -> result<typename exchange<Request>::response> {
        auto to = controller();
        if (!to)
          return to.error();
        auto answer = (*to)->call(request, ms);
        if (!answer)
          drop_all();
        return answer;
      });
  }

  struct broker {
    int32_t id = 0;
    endpoint at;
    std::string rack;
  };
  [[nodiscard]] const std::map<int32_t, broker>& brokers() const {
    return brokers_;
  }
  [[nodiscard]] const std::string& cluster_id() const {
    return cluster_id_;
  }
  [[nodiscard]] int32_t controller_id() const {
    return controller_id_;
  }

private:
  [[nodiscard]] result<kafka::metadata_response> ask_metadata(
    const kafka::metadata_request& request);

  cluster_options options_;
  std::map<int32_t, broker> brokers_;
  std::map<int32_t, std::unique_ptr<broker_connection>> nodes_;
  std::unique_ptr<broker_connection> bootstrap_;
  std::map<std::string, int32_t> coordinators_;
  std::string cluster_id_;
  int32_t controller_id_ = -1;
};

} // namespace millrace::client
