#include "actors/metadata_recovery.hpp"

#include "actors/log.hpp"
#include "cluster/metadata_image_store.hpp"

namespace millrace {

namespace {

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

/// Reads the log through once: its terms and members, and whether what is
/// going to be applied can be read at all.
result<void> read_through(const consensus_log& log, const metadata_image& image,
  raft_restart& restart) {
  constexpr size_t bytes_at_once = 1u << 20;
  for (auto next = log.first_index(); next <= log.last_index();) {
    auto entries = log.read(next, bytes_at_once);
    if (!entries)
      return entries.error();
    for (const auto& stored : *entries) {
      const auto entry = to_raft_entry(stored);
      result<void> readable = restart.add(entry);
      if (readable && entry.kind == raft_entry_kind::command
          && static_cast<int64_t>(entry.index) > image.applied_index())
        if (auto command = decode_metadata_command(entry.payload); !command)
          readable = command.error();
      if (!readable)
        return error{readable.error().code,
          "entry " + std::to_string(entry.index)
            + " of the metadata log: " + readable.error().context};
      next = entry.index + 1;
    }
  }
  return {};
}

/// The beginning of a group of one.
result<void> form_alone(consensus_files& files, const raft_member& self) {
  if (files.votes.current().term == 0)
    MILLRACE_TRY(files.votes.store(to_stored_vote({1, std::nullopt})));
  const auto first = to_consensus_entry(first_entry_of_group(self));
  MILLRACE_TRY(files.log->append(std::span{&first, 1}));
  return files.log->sync();
}

result<void> check_alone(const raft_restart& restart, const raft_member& self) {
  const auto& members = restart.configurations.empty()
                          ? restart.snapshot.configuration
                          : restart.configurations.back().second;
  if (members.voters == std::vector{self} && !members.is_joint())
    return {};
  return error{errc::invalid_argument,
    "the data directory is that of a member of a cluster, of the controllers "
      + to_string(members)
      + "; start the node with --cluster and --controllers, or choose another "
        "directory (--data-dir)"};
}

} // namespace

result<recovered_metadata> recover_metadata(
  environment& env, data_directory& directory, const node_config& config) {
  recovered_metadata r;
  const raft_member self{config.id, directory.identity().directory};
  const auto where = directory.path() + "/millrace.metadata";
  MILLRACE_TRY(env.files().make_directory(where));
  auto log = consensus_log::open(env.files(), where, {});
  if (!log)
    return log.error();
  auto votes = vote_file::open(env.files(), where + "/vote");
  if (!votes)
    return votes.error();
  r.files = std::make_unique<consensus_files>(
    consensus_files{std::move(*log), std::move(*votes)});
  auto store = env.open_images(directory.path() + "/millrace.images");
  if (!store)
    return store.error();
  r.store = std::move(*store);
  if (!config.is_clustered() && r.files->log->last_index() == 0)
    MILLRACE_TRY(form_alone(*r.files, self));
  const auto& opened = *r.files->log;
  auto image = load_image(*r.store, self.directory, opened.last_index());
  if (!image)
    return image.error();
  r.image = std::move(*image);
  r.restart.vote = to_raft_vote(r.files->votes.current());
  const auto before_first = opened.first_index() - 1;
  r.restart.log_start
    = {opened.term_at(before_first).value_or(0), before_first};
  if (r.image.applied_index() > 0) {
    r.restart.applied = static_cast<uint64_t>(r.image.applied_index());
    r.restart.snapshot
      = {{static_cast<uint64_t>(r.image.applied_term()), r.restart.applied},
        r.image.configuration()};
  }
  if (r.restart.applied < before_first)
    return error{errc::corrupt,
      "the metadata image is lost or older than the metadata log, which "
      "begins at entry "
        + std::to_string(opened.first_index())
        + "; empty the data directory to let the node join its cluster anew"};
  MILLRACE_TRY(read_through(opened, r.image, r.restart));
  if (!config.is_clustered())
    MILLRACE_TRY(check_alone(r.restart, self));
  return r;
}

} // namespace millrace
