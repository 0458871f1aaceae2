#include "actors/custom_deployments.hpp"

#include "cluster/metadata_image.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr size_t name_size_max = 100;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_size_max
         && std::all_of(name.begin(), name.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                     || (c >= '0' && c <= '9') || c == '_' || c == '-';
            });
}

} // namespace

std::string custom_deployment::state_topic() const {
  return actor_topic_prefix + name;
}

void custom_deployments::place(
  std::string name, actor_factory make, int32_t instances) {
  MILLRACE_ASSERT(instances > 0, "an actor that is placed has an instance");
  add({std::move(name), std::move(make), instances});
}

void custom_deployments::on_every_node(std::string name, actor_factory make) {
  add({std::move(name), std::move(make), 0});
}

void custom_deployments::add(custom_deployment deployment) {
  MILLRACE_ASSERT(is_name(deployment.name),
    "an actor's name is 1 to 100 letters, digits, '_' and '-'");
  MILLRACE_ASSERT(find(deployment.name) == nullptr, "a name is deployed once");
  all_.push_back(std::move(deployment));
}

const custom_deployment* custom_deployments::find(std::string_view name) const {
  for (const auto& deployment : all_)
    if (deployment.name == name)
      return &deployment;
  return nullptr;
}

} // namespace millrace
