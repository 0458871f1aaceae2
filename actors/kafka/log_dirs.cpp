// What the log directories of the node that is asked hold, and moving replicas
// between them.

#include "actors/kafka/sinks.hpp"
#include "schema/kafka/alter_replica_log_dirs.hpp"
#include "schema/kafka/describe_log_dirs.hpp"

namespace millrace {

namespace {

using log_dirs_sink = gather_sink<log_dirs_answer>;
using sizes_sink = gather_sink<log_answer>;

std::vector<topic_partition> asked_for(
  const gateway_core& hub, const kafka::describe_log_dirs_request& body) {
  std::vector<topic_partition> asked;
  const auto add = [&](const std::string& topic, int32_t partition) {
    if (hub.partition(topic, partition) != nullptr)
      asked.push_back({topic, partition});
  };
  if (body.topics) {
    for (const auto& topic : *body.topics)
      for (const auto partition : topic.partitions)
        add(topic.topic, partition);
  } else {
    for (const auto& [name, topic] : hub.image().topics())
      for (const auto& p : topic->partitions)
        add(name, p.index);
  }
  return asked;
}

/// Of which the partitions of one topic stand together.
void add_partition(
  kafka::describe_log_dirs_response::describe_log_dirs_result& to,
  const topic_partition& name, int64_t size, int64_t lag, bool future) {
  auto& topics = to.topics;
  auto at = std::ranges::find_if(topics, [&](const auto& topic) {
    return topic.name == name.topic;
  });
  if (at == topics.end())
    at = topics.insert(topics.end(), {name.topic, {}});
  at->partitions.push_back({name.partition, size, lag, future});
}

/// A question about log directories: first where everything is, then how
/// large.
struct description {
  std::vector<topic_partition> asked;
  log_dirs_answer dirs;
  std::vector<int64_t> sizes; ///< -1: not known
  std::vector<offset> ends;
  kafka::describe_log_dirs_response response;

  void add_directories(gateway_core& hub) {
    for (const auto& told : dirs.dirs) {
      auto& out = response.results.emplace_back();
      out.log_dir = told.path;
      const auto space = hub.env().files().space(told.path);
      if (told.failed || !space) {
        out.error_code = code(kafka_error::kafka_storage_error);
        continue;
      }
      out.total_bytes = static_cast<int64_t>(space->total_bytes);
      out.usable_bytes = static_cast<int64_t>(space->free_bytes);
    }
  }

  void add_partitions() {
    std::map<topic_partition, offset> end_of;
    for (size_t i = 0; i < asked.size(); ++i) {
      if (sizes[i] < 0 || dirs.homes[i] < 0)
        continue;
      end_of[asked[i]] = ends[i];
      add_partition(response.results[static_cast<size_t>(dirs.homes[i])],
        asked[i], sizes[i], 0, false);
    }
    for (const auto& copy : dirs.future)
      if (const auto at = end_of.find(copy.name); at != end_of.end())
        add_partition(response.results[copy.log_dir], copy.name,
          copy.size_bytes,
          std::max<int64_t>(at->second.value - copy.end.value, 0), true);
  }
};

void ask_sizes(gateway_core& hub, const reply_slot& slot,
  const std::shared_ptr<description>& all) {
  auto sink = std::make_shared<sizes_sink>(
    [all](uint32_t part, log_answer* answer) {
      if (answer == nullptr || answer->error != kafka_error::none)
        return;
      all->sizes[part] = answer->size_bytes;
      all->ends[part] = answer->log_end;
    },
    [&hub, slot, all] {
      all->add_partitions();
      reply(hub, slot, all->response);
    });
  for (uint32_t i = 0; i < all->asked.size(); ++i) {
    const auto& partition
      = hub.partition(all->asked[i].topic, all->asked[i].partition);
    if (partition == nullptr)
      continue; // it has gone since
    sink->expect();
    hub.ask_log(partition, sink, i, ask_size{});
  }
  sink->asked_all();
}

} // namespace

result<void> handle_describe_log_dirs(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_log_dirs_request body;
  MILLRACE_TRY(read_body(request, body));
  auto all = std::make_shared<description>();
  all->asked = asked_for(hub, body);
  all->sizes.assign(all->asked.size(), -1);
  all->ends.resize(all->asked.size());
  auto sink = std::make_shared<log_dirs_sink>(
    [&hub, slot = request.slot, all](uint32_t, log_dirs_answer* answer) {
      if (answer == nullptr) {
        all->response.error_code = code(kafka_error::broker_not_available);
        reply(hub, slot, all->response);
        return;
      }
      all->dirs = std::move(*answer);
      all->add_directories(hub);
      ask_sizes(hub, slot, all);
    },
    [] {});
  sink->expect();
  hub.ask_log_dirs(sink, 0, {.question = describe_log_dirs{all->asked}});
  return {};
}

result<void> handle_alter_replica_log_dirs(
  gateway_core& hub, kafka_request& request) {
  kafka::alter_replica_log_dirs_request body;
  MILLRACE_TRY(read_body(request, body));
  auto moves = std::make_shared<alter_replica_log_dirs>();
  for (const auto& dir : body.dirs)
    for (const auto& topic : dir.topics)
      for (const auto partition : topic.partitions)
        moves->moves.push_back({{topic.name, partition}, dir.path});
  auto sink = std::make_shared<log_dirs_sink>(
    [&hub, slot = request.slot, moves](uint32_t, log_dirs_answer* answer) {
      kafka::alter_replica_log_dirs_response response;
      for (size_t i = 0; i < moves->moves.size(); ++i) {
        const auto& name = moves->moves[i].name;
        auto& topics = response.results;
        auto at = std::ranges::find_if(topics, [&](const auto& topic) {
          return topic.topic_name == name.topic;
        });
        if (at == topics.end())
          at = topics.insert(topics.end(), {name.topic, {}});
        at->partitions.push_back({name.partition,
          code(answer == nullptr ? kafka_error::broker_not_available
                                 : answer->outcomes[i])});
      }
      reply(hub, slot, response);
    },
    [] {});
  sink->expect();
  hub.ask_log_dirs(sink, 0, {.question = *moves});
  return {};
}

} // namespace millrace
