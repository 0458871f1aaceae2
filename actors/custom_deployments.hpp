#pragma once

// Which custom actors a program runs, by name. All nodes of a cluster are to
// deploy the same ones under the same names:
//
//   millrace::custom_deployments actors;
//   actors.place<limiter>("limiter");
//   actors.on_every_node<door>("door");

#include "actors/custom_actor.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

using actor_factory
  = std::function<std::unique_ptr<custom_actor>(actor_context&)>;

struct custom_deployment {
  std::string name;
  actor_factory make;
  /// 0: one on every node.
  int32_t instances = 0;

  [[nodiscard]] bool is_placed() const {
    return instances > 0;
  }
  /// Of an actor that is placed: each partition is the log of one instance's
  /// state, and the instance runs where its partition is led.
  [[nodiscard]] std::string state_topic() const;
};

class custom_deployments {
public:
  /// The cluster runs `instances` of it: each on one node, and on another one
  /// when that node is gone.
  /// @param instances is chosen at the first deployment and then stays
  /// Precondition: 1 to 100 letters, digits, '_' and '-', not in use yet.
  void place(std::string name, actor_factory make, int32_t instances = 1);
  /// Each node runs one.
  void on_every_node(std::string name, actor_factory make);

  /// The same for a class with a constructor that takes an actor_context&.
  template <class Actor>
  void place(std::string name, int32_t instances = 1) {
    place(std::move(name), make_actor<Actor>, instances);
  }
  template <class Actor>
  void on_every_node(std::string name) {
    on_every_node(std::move(name), make_actor<Actor>);
  }

  [[nodiscard]] const std::vector<custom_deployment>& all() const {
    return all_;
  }
  /// Null: nothing of this name.
  [[nodiscard]] const custom_deployment* find(std::string_view name) const;

private:
  template <class Actor>
  static std::unique_ptr<custom_actor> make_actor(actor_context& context) {
    return std::make_unique<Actor>(context);
  }
  void add(custom_deployment deployment);

  std::vector<custom_deployment> all_;
};

} // namespace millrace
