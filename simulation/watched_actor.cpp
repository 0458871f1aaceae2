#include "simulation/watched_actor.hpp"

namespace millrace::testing {

namespace {

class watched_actor final : public custom_actor {
public:
  watched_actor(actor_context& context, std::unique_ptr<custom_actor> inner,
    const actor_watcher& watcher)
      : custom_actor(context), inner_(std::move(inner)), watcher_(watcher) {
    watcher_.life(context, true);
  }
  ~watched_actor() override {
    watcher_.life(context(), false);
  }

  void on_start() override {
    inner_->on_start();
  }
  void on_record(const topic_record& record) override {
    watcher_.record(context(), record);
    inner_->on_record(record);
  }
  void on_message(const actor_message& message) override {
    watcher_.message(context(), message);
    inner_->on_message(message);
  }
  void on_node(const node_change& change) override {
    watcher_.node(context(), change);
    inner_->on_node(change);
  }

private:
  std::unique_ptr<custom_actor> inner_;
  const actor_watcher& watcher_;
};

} // namespace

custom_deployments watched(
  const custom_deployments& actors, const actor_watcher& watcher) {
  custom_deployments all;
  for (const auto& deployment : actors.all()) {
    const auto make
      = [make_inner = deployment.make, &watcher](
          actor_context& context) -> std::unique_ptr<custom_actor> {
      return std::make_unique<watched_actor>(
        context, make_inner(context), watcher);
    };
    if (deployment.is_placed())
      all.place(deployment.name, make, deployment.instances);
    else
      all.on_every_node(deployment.name, make);
  }
  return all;
}

} // namespace millrace::testing
