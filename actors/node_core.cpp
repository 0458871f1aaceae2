#include "actors/node_core.hpp"

#include "actors/broker.hpp"
#include "actors/consensus.hpp"
#include "actors/controller.hpp"
#include "actors/disk.hpp"
#include "actors/log.hpp"
#include "actors/sync_planner.hpp"
#include "storage/consensus_log.hpp"
#include "storage/vote_file.hpp"

namespace millrace {

namespace {

/// The metadata as the last start left it.
struct recovered_metadata {
  std::unique_ptr<consensus_log> log;
  std::unique_ptr<image_store> store;
  metadata_image image;
  metadata_image_changes unsaved; ///< what the store lacks of the image
  uint64_t term = 0;
};

/// Empties the store of an image that is not of this log.
result<void> discard_image(image_store& store) {
  MILLRACE_TRY(store.begin());
  if (auto done = store.erase_prefix(metadata_image_prefix); !done) {
    store.abort();
    return done;
  }
  return store.commit();
}

/// The image as it was last committed, if it belongs to this log (R21).
result<metadata_image> load_image(
  image_store& store, const uuid& log_id, uint64_t log_end) {
  metadata_image_loader loader;
  result<void> added;
  MILLRACE_TRY(store.scan(
    metadata_image_prefix, [&](std::string_view key, std::string_view value) {
      added = loader.add(key, value);
      return added.ok();
    }));
  if (!added)
    return added.error();
  auto loaded = loader.finish();
  if (!loaded)
    return loaded.error();
  if (!*loaded)
    return metadata_image{};
  const bool usable
    = (*loaded)->log_id == log_id
      && (*loaded)->image.applied_index() <= static_cast<int64_t>(log_end);
  if (!usable) {
    log::warn("the metadata image is not of this log and is built again");
    MILLRACE_TRY(discard_image(store));
    return metadata_image{};
  }
  return std::move((*loaded)->image);
}

result<void> replay_log(
  consensus_log& log, metadata_image& image, metadata_image_changes& unsaved) {
  constexpr size_t bytes_at_once = 1u << 20;
  auto next = static_cast<uint64_t>(std::max<int64_t>(
    image.applied_index() + 1, static_cast<int64_t>(log.first_index())));
  while (next <= log.last_index()) {
    auto entries = log.read(next, bytes_at_once);
    if (!entries)
      return entries.error();
    for (const auto& entry : *entries) {
      auto command = decode_metadata_command(entry.payload);
      if (!command)
        return error{command.error().code,
          "entry " + std::to_string(entry.index)
            + " of the metadata log: " + command.error().context};
      image.apply(*command, static_cast<int64_t>(entry.index),
        static_cast<int64_t>(entry.term));
      unsaved.note(*command, image);
      next = entry.index + 1;
    }
  }
  return {};
}

result<recovered_metadata> recover_metadata(
  environment& env, data_directory& directory, node_id self) {
  recovered_metadata r;
  const auto where = directory.path() + "/millrace.metadata";
  MILLRACE_TRY(env.files().make_directory(where));
  auto log = consensus_log::open(env.files(), where, {});
  if (!log)
    return log.error();
  r.log = std::move(*log);
  auto store = env.open_images(directory.path() + "/millrace.images");
  if (!store)
    return store.error();
  r.store = std::move(*store);
  auto image
    = load_image(*r.store, directory.identity().directory, r.log->last_index());
  if (!image)
    return image.error();
  r.image = std::move(*image);
  MILLRACE_TRY(replay_log(*r.log, r.image, r.unsaved));
  // A new term, durable before anything is written in it (R23).
  auto votes = vote_file::open(env.files(), where + "/vote");
  if (!votes)
    return votes.error();
  r.term = votes->current().term + 1;
  MILLRACE_TRY(votes->store({r.term, self, directory.identity().directory}));
  return r;
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
  look_after(core.broker);
  look_after(core.syncs);
  for (const auto& disk : core.disks)
    look_after(disk);
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
  std::shared_ptr<node_link> link, node_config config,
  const std::vector<broker_endpoint>& endpoints,
  std::function<void()> on_failure) {
  node_core core;
  core.link = std::move(link);
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
  auto directory
    = data_directory::open(env.files(), config.log_dirs.front(), options);
  if (!directory)
    return directory.error();
  core.cluster = (*directory)->identity().cluster;
  config.cluster_id = to_string(core.cluster);
  auto recovered = recover_metadata(env, **directory, config.id);
  if (!recovered)
    return recovered.error();
  const auto log_id = (*directory)->identity().directory;
  auto places = log_places::open(env.files(), std::move(*directory));
  if (!places)
    return places.error();
  core.places = std::move(*places);
  core.config = std::make_shared<const node_config>(std::move(config));
  core.counters = std::make_shared<node_counters>();
  core.status = std::make_shared<node_status>();
  // Several, as one sync after the other is slow with many dirty logs; four
  // bring most of what eight would.
  const int disk_count
    = core.config->disk_threads > 0 ? core.config->disk_threads : 4;
  auto volume = env.files().open_volume(core.config->log_dirs.front());
  if (!volume)
    return volume.error();
  const std::shared_ptr<volume_sync> shared_volume = std::move(*volume);
  for (int i = 0; i < disk_count; ++i)
    core.disks.push_back(
      env.spawn_blocking(system, disk, &env, i == 0 ? shared_volume : nullptr));
  core.syncs = system.spawn(sync_planner, core.disks, shared_volume);
  core.keeper = env.spawn_blocking(system, image_keeper,
    std::make_shared<std::unique_ptr<image_store>>(
      std::move(recovered->store)));
  core.consensus = env.spawn_blocking(system, consensus,
    std::make_shared<std::unique_ptr<consensus_log>>(std::move(recovered->log)),
    recovered->term);
  core.controller = system.spawn(controller, &env,
    controller_options{.config = core.config,
      .image = std::move(recovered->image),
      .unsaved = std::move(recovered->unsaved),
      .log_id = log_id,
      .term = recovered->term,
      .consensus = core.consensus,
      .keeper = core.keeper});
  core.broker = system.spawn(broker, &env,
    broker_options{.config = core.config,
      .places = core.places,
      .incarnation = env.random_uuid(),
      .endpoints = endpoints,
      .controller = core.controller,
      .disk = core.disks.back(),
      .syncs = core.syncs,
      .handles = std::make_shared<file_cache>(env.files()),
      .budget = std::make_shared<write_budget>(core.config->dirty_bytes_max),
      .status = core.status,
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
  end(core.keeper);
  end(core.syncs);
  for (const auto& disk : core.disks)
    end(disk);
}

} // namespace millrace
