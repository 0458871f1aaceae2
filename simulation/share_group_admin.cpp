#include "simulation/share_group_admin.hpp"

#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka_error.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int8_t group_key = 0;
constexpr int8_t group_resource = 32;
constexpr int8_t set = 0;

} // namespace

share_group_admin::share_group_admin(share_group_run& group)
    : group_(group), client_(group.all) {}

void share_group_admin::configure(std::function<void()> done) {
  kafka::incremental_alter_configs_request request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = group_resource;
  resource.resource_name = group_.name;
  resource.configs.push_back({"share.auto.offset.reset", set, "earliest"});
  client_.request<kafka::incremental_alter_configs_response>(client_.any_node(),
    api_key::incremental_alter_configs, 1, request,
    [this, done = std::move(done)](
      const kafka::incremental_alter_configs_response* response) {
      if (response != nullptr && !response->responses.empty()
          && response->responses.front().error_code == 0) {
        done();
        return;
      }
      last_answer_ = "the group's configuration is refused";
      group_.all.later(300, [this, done] {
        configure(done);
      });
    });
}

void share_group_admin::await_end(std::function<void()> done) {
  if (coordinator_ >= 0) {
    ask(std::move(done));
    return;
  }
  client_.find_coordinator(group_key, group_.name,
    [this, done = std::move(done)](int32_t node, const std::string& why) {
      coordinator_ = node;
      if (!why.empty())
        last_answer_ = why;
      group_.all.later(200, [this, done] {
        await_end(done);
      });
    });
}

void share_group_admin::ask(std::function<void()> done) {
  kafka::describe_share_group_offsets_request request;
  auto& group = request.groups.emplace_back();
  group.group_id = group_.name;
  auto& topic = group.topics.emplace().emplace_back();
  topic.topic_name = group_.all.topic;
  for (int32_t p = 0; p < group_.all.partitions; ++p)
    topic.partitions.push_back(p);
  client_.request<kafka::describe_share_group_offsets_response>(coordinator_,
    api_key::describe_share_group_offsets, 1, request,
    [this, done = std::move(done)](
      const kafka::describe_share_group_offsets_response* response) {
      if (take(response)) {
        done();
        return;
      }
      group_.all.later(500, [this, done] {
        await_end(done);
      });
    });
}

bool share_group_admin::take(
  const kafka::describe_share_group_offsets_response* response) {
  if (response == nullptr || response->groups.empty()
      || response->groups.front().error_code != 0
      || response->groups.front().topics.empty()) {
    last_answer_ = response == nullptr || response->groups.empty()
                     ? "nobody describes its offsets"
                     : std::string{"DescribeShareGroupOffsets: "}
                         + to_string(static_cast<kafka_error>(
                           response->groups.front().error_code));
    coordinator_ = -1;
    return false;
  }
  const auto& partitions = response->groups.front().topics.front().partitions;
  for (const auto& p : partitions)
    // A new leader may have yet to learn what is committed.
    if (p.error_code != 0 || p.lag != 0
        || p.start_offset
             < group_.all.history.acknowledged_end(p.partition_index)) {
      last_answer_ = "partition " + std::to_string(p.partition_index)
                     + " begins at " + std::to_string(p.start_offset) + ", lag "
                     + std::to_string(p.lag) + ", acknowledged up to "
                     + std::to_string(
                       group_.all.history.acknowledged_end(p.partition_index))
                     + " " + to_string(static_cast<kafka_error>(p.error_code));
      return false;
    }
  for (const auto& p : partitions)
    group_.book.judge(p.partition_index, p.start_offset);
  return partitions.size() == static_cast<size_t>(group_.all.partitions);
}

} // namespace millrace
