#include "actors/node_core.hpp"

#include "actors/broker.hpp"
#include "actors/consensus.hpp"
#include "actors/consensus_disk.hpp"
#include "actors/controller.hpp"
#include "actors/disk.hpp"
#include "actors/log.hpp"
#include "actors/metadata_recovery.hpp"
#include "actors/sync_planner.hpp"

namespace millrace {

namespace {

raft_options raft_options_of(const node_config& config) {
  raft_options options;
  options.election_ms = config.election_timeout_ms;
  options.heartbeat_ms = std::max<int64_t>(options.election_ms / 5, 1);
  options.tick_gap_ms_max = options.election_ms * 2 / 5;
  return options;
}

std::vector<node_id> voters_of(const node_config& config) {
  std::vector<node_id> voters;
  if (config.is_clustered())
    for (const auto& controller : config.controllers)
      voters.push_back(controller.id);
  return voters;
}

result<std::unique_ptr<log_dirs>> open_log_dirs(environment& env,
  std::unique_ptr<data_directory> primary,
  const std::vector<std::string>& paths, const uuid& primary_id) {
  std::vector<uuid> ids{primary_id};
  while (ids.size() < paths.size())
    ids.push_back(env.random_uuid());
  return log_dirs::open(env.files(), std::move(primary), paths, ids);
}

/// What waits for the disk that `path` is on.
result<void> start_disks(caf::actor_system& system, environment& env,
  const std::string& path, int32_t threads, disk_team& team) {
  // Several, as one sync after the other is slow with many dirty logs; four
  // bring most of what eight would.
  constexpr int32_t some = 4;
  auto volume = env.files().open_volume(path);
  if (!volume)
    return volume.error();
  const std::shared_ptr<volume_sync> shared_volume = std::move(*volume);
  for (int32_t i = 0; i < (threads > 0 ? threads : some); ++i)
    team.disks.push_back(
      env.spawn_blocking(system, disk, &env, i == 0 ? shared_volume : nullptr));
  team.syncs = system.spawn(sync_planner, team.disks, shared_volume);
  return {};
}

/// Before anybody hears of it: an older copy of the directory is told by not
/// knowing the last start. A directory of a release that did not keep its
/// starts begins to when it is let in.
result<void> note_start(data_directory& directory, const uuid& incarnation) {
  if (!directory.fresh() && directory.starts().empty())
    return {};
  return directory.note_start(incarnation);
}

/// Tells once when an actor has died that cannot be replaced alone: each of
/// them holds what the others were told.
caf::behavior watch(caf::event_based_actor* self, const node_core& core,
  std::function<void()> on_failure) {
  const auto look_after = [self](const auto& actor) {
    self->monitor(actor);
  };
  look_after(core.controller);
  look_after(core.consensus);
  look_after(core.consensus_disk);
  look_after(core.broker);
  for (const auto& team : core.disks) {
    if (team.syncs != nullptr)
      look_after(team.syncs);
    for (const auto& disk : team.disks)
      look_after(disk);
  }
  self->set_down_handler([=](const caf::down_msg& down) {
    log::error("a part of the node has ended ({}): the node cannot go on "
               "without a start from its disk",
      caf::to_string(down.reason));
    self->quit();
    if (on_failure)
      on_failure();
  });
  return {[](caf::unit_t) {}};
}

} // namespace

result<node_core> start_node_core(caf::actor_system& system, environment& env,
  const link_factory& make_link, node_config config,
  std::vector<broker_endpoint> endpoints, std::function<void()> on_failure) {
  node_core core;
  data_directory_options options{.node = config.id,
    .fresh_cluster = env.random_uuid(),
    .fresh_directory = env.random_uuid(),
    .cluster = std::nullopt};
  if (uuid wanted; parse_uuid(config.cluster_id, wanted))
    options.cluster = wanted;
  else if (!config.cluster_id.empty())
    return error{errc::invalid_argument,
      "cluster.id is " + config.cluster_id
        + ", which is no id of 22 characters (URL-safe base64)"};
  // The same controllers, the same cluster.
  else if (config.is_clustered() && !config.controllers.empty())
    options.cluster = cluster_id_of(config.controllers);
  auto directory
    = data_directory::open(env.files(), config.log_dirs.front(), options);
  if (!directory)
    return directory.error();
  core.cluster = (*directory)->identity().cluster;
  config.cluster_id = to_string(core.cluster);
  auto recovered = recover_metadata(env, **directory, config);
  if (!recovered)
    return recovered.error();
  auto link = make_link(config, (*directory)->identity());
  if (!link)
    return link.error();
  core.link = std::move(*link);
  for (const auto& controller : config.controllers)
    if (controller.id != config.id)
      core.link->introduce(controller.id, {controller.host, controller.port});
  if (const auto& at = core.link->advertised(); at.port != 0)
    endpoints.push_back({cluster_listener_name, at.host, at.port, 0});
  const auto log_id = (*directory)->identity().directory;
  auto dirs = open_log_dirs(
    env, std::move(*directory), config.log_dirs, options.fresh_directory);
  if (!dirs)
    return dirs.error();
  core.dirs = std::move(*dirs);
  const auto incarnation = env.random_uuid();
  if (config.is_clustered())
    MILLRACE_TRY(note_start(core.dirs->primary(), incarnation));
  core.config = std::make_shared<const node_config>(std::move(config));
  core.counters = std::make_shared<node_counters>();
  core.status = std::make_shared<node_status>();
  int64_t failed_log_dirs = 0;
  for (const auto& log_dir : core.dirs->all()) {
    disk_team team;
    if (log_dir.places == nullptr)
      ++failed_log_dirs;
    else
      MILLRACE_TRY(start_disks(
        system, env, log_dir.path, core.config->disk_threads, team));
    core.disks.push_back(std::move(team));
  }
  core.status->set_failed_log_dirs(failed_log_dirs);
  core.keeper = env.spawn_blocking(system, image_keeper,
    std::make_shared<std::unique_ptr<image_store>>(
      std::move(recovered->store)));
  core.consensus_disk = env.spawn_blocking(system, consensus_disk,
    std::make_shared<std::unique_ptr<consensus_files>>(
      std::move(recovered->files)));
  core.consensus = env.spawn_blocking(system, consensus,
    consensus_options{.group = "metadata",
      .self = {core.config->id, log_id},
      .raft = raft_options_of(*core.config),
      .restart = std::move(recovered->restart),
      .seed = env.random(),
      .controllers = voters_of(*core.config),
      .disk = core.consensus_disk,
      .link = core.link});
  core.controller = env.spawn_blocking(system, controller, &env,
    controller_options{.config = core.config,
      .image = std::move(recovered->image),
      .log_id = log_id,
      .incarnation = incarnation,
      .consensus = core.consensus,
      .keeper = core.keeper,
      .link = core.link,
      .status = core.status});
  core.broker = system.spawn(broker, &env,
    broker_options{.config = core.config,
      .dirs = core.dirs,
      .incarnation = incarnation,
      .endpoints = endpoints,
      .controller = core.controller,
      .disks = core.disks,
      .handles = std::make_shared<file_cache>(env.files()),
      .budget = std::make_shared<write_budget>(core.config->dirty_bytes_max),
      .status = core.status,
      .counters = core.counters,
      .cluster = core.cluster,
      .keeper = core.keeper,
      .link = core.link});
  core.watcher = system.spawn(watch, core, std::move(on_failure));
  return core;
}

void end_node_core(const node_core& core) {
  const auto end = [](const auto& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  };
  end(core.watcher);
  end(core.broker);
  end(core.controller);
  end(core.consensus);
  end(core.consensus_disk);
  end(core.keeper);
  for (const auto& team : core.disks) {
    if (team.syncs != nullptr)
      end(team.syncs);
    for (const auto& disk : team.disks)
      end(disk);
  }
}

} // namespace millrace
