#include "storage/log_dirs.hpp"

#include <algorithm>

namespace millrace {

namespace {

result<void> first_error(result<void> first, result<void> then) {
  return first ? std::move(then) : std::move(first);
}

} // namespace

result<std::unique_ptr<log_dirs>> log_dirs::open(file_system& files,
  std::unique_ptr<data_directory> primary,
  const std::vector<std::string>& paths, const std::vector<uuid>& ids) {
  MILLRACE_ASSERT(!paths.empty() && ids.size() == paths.size(),
    "each directory may be new, and needs an id then");
  std::unique_ptr<log_dirs> dirs{new log_dirs{files}};
  auto places = log_places::open(files, std::move(primary));
  if (!places)
    return places.error();
  dirs->directories_.push_back({paths.front(), std::move(*places), ""});
  MILLRACE_TRY(dirs->read_register());
  MILLRACE_TRY(dirs->open_others(paths, ids));
  MILLRACE_TRY(dirs->drop_copies());
  for (size_t i = 0; i < dirs->directories_.size(); ++i)
    if (auto taken = dirs->take_in(i); !taken)
      dirs->fail(i, taken.error().context);
  auto next = dirs->register_;
  for (size_t i = 0; i < dirs->directories_.size(); ++i)
    if (dirs->directories_[i].places != nullptr)
      next.directories.insert(dirs->id_of(i));
  // Before anything is in a new one.
  MILLRACE_TRY(dirs->write_register(std::move(next)));
  return dirs;
}

result<void> log_dirs::open_others(
  const std::vector<std::string>& paths, const std::vector<uuid>& ids) {
  for (size_t i = 1; i < paths.size(); ++i) {
    auto opened = open_one(paths[i], ids[i]);
    if (opened && find(opened.value()->directory().identity().directory))
      opened = error{errc::invalid_argument,
        "log directory " + paths[i] + " is a copy of another one"};
    directories_.push_back({paths[i], nullptr, ""});
    if (opened)
      directories_.back().places = std::move(*opened);
    else
      fail(i, opened.error().context);
  }
  return {};
}

result<std::unique_ptr<log_places>> log_dirs::open_one(
  const std::string& path, const uuid& fresh_id) {
  const auto& own = primary().identity();
  auto directory = data_directory::open(files_, path,
    {.node = own.node,
      .fresh_cluster = own.cluster,
      .fresh_directory = fresh_id,
      .cluster = own.cluster});
  if (!directory)
    return directory.error();
  return log_places::open(files_, std::move(*directory));
}

void log_dirs::fail(size_t index, std::string why) {
  notes_.push_back(directories_[index].path + " is not used: " + why);
  directories_[index].failure = std::move(why);
  directories_[index].places.reset();
}

uuid log_dirs::id_of(size_t index) const {
  return directories_[index].places->directory().identity().directory;
}

std::optional<size_t> log_dirs::find(const uuid& id) const {
  for (size_t i = 0; i < directories_.size(); ++i)
    if (directories_[i].places != nullptr && id_of(i) == id)
      return i;
  return std::nullopt;
}

std::optional<size_t> log_dirs::find(const std::string& path) const {
  for (size_t i = 0; i < directories_.size(); ++i)
    if (directories_[i].path == path)
      return i;
  return std::nullopt;
}

bool log_dirs::stopped_cleanly() const {
  return std::ranges::all_of(directories_, [](const auto& directory) {
    return directory.places == nullptr
           || directory.places->directory().stopped_cleanly();
  });
}

const log_dirs::directory* log_dirs::first_failed() const {
  const auto failed = std::ranges::find_if(directories_, [](const auto& d) {
    return d.places == nullptr;
  });
  return failed == directories_.end() ? nullptr : &*failed;
}

/// Whether no other directory's log counts.
bool log_dirs::counts_here(const topic_partition& name, size_t index) const {
  const auto at = register_.counts.find(name);
  return at == register_.counts.end() || at->second == id_of(index);
}

/// A log may be there twice: after a crash in its move, or as it was made anew
/// while a directory was away. The register says which one counts. If that
/// one's directory cannot be used, none does.
result<void> log_dirs::drop_copies() {
  auto next = register_;
  for (const auto& [name, id] : register_.counts) {
    const auto which = find(id);
    if (!which)
      continue;
    const bool there = directories_[*which].places->unprepared().contains(name);
    // Another may come back.
    if (!there || first_failed() == nullptr)
      next.counts.erase(name);
    for (size_t i = 0; there && i < directories_.size(); ++i)
      if (i != *which && directories_[i].places != nullptr
          && directories_[i].places->unprepared().contains(name)) {
        auto left = directories_[i].places->mark_deleted(name);
        if (!left)
          return left.error();
        futures_.push_back(*left);
      }
  }
  return write_register(std::move(next));
}

/// A directory that is away may have a log of that name, too.
result<void> log_dirs::note_made(const topic_partition& name, size_t index) {
  if (first_failed() == nullptr)
    return {};
  auto next = register_;
  next.counts[name] = id_of(index);
  return write_register(std::move(next));
}

result<void> log_dirs::take_in(size_t index) {
  const auto* places = directories_[index].places.get();
  if (places == nullptr)
    return {};
  for (const auto& [name, topic] : places->unprepared())
    if (const auto at = homes_.find(name); at != homes_.end())
      return error{errc::invalid_argument,
        "it has a log " + to_string(name) + ", and so has "
          + directories_[at->second].path
          + ", and nobody knows which one counts; remove one of the two"};
  for (const auto& [name, topic] : places->unprepared())
    homes_.emplace(name, index);
  note_futures(index);
  return {};
}

void log_dirs::note_futures(size_t index) {
  for (const auto& future : directories_[index].places->future()) {
    futures_.push_back(directories_[index].path + "/" + future);
    if (auto name = parse_future_directory_name(future))
      unfinished_.push_back({std::move(*name), index});
  }
}

size_t log_dirs::emptiest() const {
  std::vector<size_t> logs(directories_.size(), 0);
  for (const auto& [name, index] : homes_)
    ++logs[index];
  size_t best = 0;
  for (size_t i = 1; i < logs.size(); ++i)
    if (directories_[i].places != nullptr && logs[i] < logs[best])
      best = i;
  return best;
}

/// Whether the log that is not here may be made anew.
result<void> log_dirs::check_missing(
  const topic_partition& name, const replica_history& history) const {
  const auto at = register_.counts.find(name);
  if (at != register_.counts.end() && !find(at->second))
    return error{
      errc::offline, "it was being moved to a directory that cannot be used"};
  if (!history.known)
    return {};
  if (const auto* failed = first_failed())
    return error{
      errc::offline, "it may be in " + failed->path
                       + ", which cannot be used: " + failed->failure};
  for (const auto& id : register_.directories)
    if (!find(id) && !history.replaceable)
      return error{errc::offline,
        "it may have been in a directory that is gone (" + to_string(id)
          + "), and no other node has it. Bring the directory back, or delete "
            "the topic; with unclean.leader.election.enable=true it begins "
            "anew, empty"};
  return {};
}

/// Whether the topic's log is in a directory, and counts.
bool log_dirs::is_there(const topic_partition& name, const uuid& topic) const {
  const auto home = homes_.find(name);
  if (home == homes_.end() || !counts_here(name, home->second))
    return false;
  const auto& unprepared = directories_[home->second].places->unprepared();
  const auto at = unprepared.find(name);
  return at == unprepared.end() || !at->second || *at->second == topic;
}

/// Whether it stands in the register that it was lost and made anew.
bool log_dirs::is_noted(const wanted& log) const {
  const auto at = register_.anew.find(log.name);
  return at != register_.anew.end() && at->second == log.topic;
}

bool log_dirs::is_lost(const wanted& log) const {
  return is_noted(log)
         || (log.history.known && !is_there(log.name, log.topic)
             && !std::ranges::all_of(
               register_.directories, [&](const uuid& id) {
                 return find(id).has_value();
               }));
}

result<void> log_dirs::note_losses(const std::vector<wanted>& logs) {
  auto next = register_;
  for (const auto& log : logs)
    if (is_lost(log) && check_missing(log.name, log.history))
      next.anew.insert_or_assign(log.name, log.topic);
  return write_register(std::move(next));
}

result<void> log_dirs::losses_told(bool all_made) {
  auto next = register_;
  next.anew.clear();
  if (all_made && first_failed() == nullptr)
    std::erase_if(next.directories, [&](const uuid& id) {
      return !find(id);
    });
  return write_register(std::move(next));
}

result<log_dirs::place> log_dirs::prepare(const topic_partition& name,
  const uuid& topic, const replica_history& history) {
  place found;
  const bool there = is_there(name, topic);
  if (!there)
    MILLRACE_TRY(check_missing(name, history));
  const wanted log{name, topic, history};
  found.lost = is_lost(log);
  // Before it is there: a crash may come before anybody is told.
  if (found.lost && !is_noted(log))
    MILLRACE_TRY(note_losses({log}));
  const auto home = homes_.find(name);
  const auto preferred = preferred_.find(name);
  found.directory = home != homes_.end()            ? home->second
                    : preferred != preferred_.end() ? preferred->second
                                                    : emptiest();
  if (!there)
    MILLRACE_TRY(note_made(name, found.directory));
  homes_[name] = found.directory;
  auto path = directories_[found.directory].places->prepare(name, topic);
  if (!path)
    return path.error();
  preferred_.erase(name);
  found.path = std::move(*path);
  return found;
}

void log_dirs::release(const topic_partition& name, const uuid& topic) {
  if (auto* places = places_of(name))
    places->adopt(name, topic);
}

void log_dirs::prefer(const topic_partition& name, size_t directory) {
  MILLRACE_ASSERT(directories_[directory].places != nullptr,
    "nothing is made where nothing can be");
  preferred_[name] = directory;
}

std::optional<size_t> log_dirs::home_of(const topic_partition& name) const {
  const auto at = homes_.find(name);
  return at == homes_.end() ? std::nullopt : std::optional{at->second};
}

log_places* log_dirs::places_of(const topic_partition& name) const {
  const auto at = homes_.find(name);
  return at == homes_.end() ? nullptr : directories_[at->second].places.get();
}

log_hints log_dirs::hints(const topic_partition& name) const {
  const auto* places = places_of(name);
  return places == nullptr ? log_hints{} : places->hints(name);
}

void log_dirs::set_hints(
  const topic_partition& name, offset log_start, offset durable) {
  if (auto* places = places_of(name))
    places->set_hints(name, log_start, durable);
}

void log_dirs::set_log_start(const topic_partition& name, offset log_start) {
  if (auto* places = places_of(name))
    places->set_log_start(name, log_start);
}

void log_dirs::set_high_watermark(
  const topic_partition& name, offset high_watermark) {
  if (auto* places = places_of(name))
    places->set_high_watermark(name, high_watermark);
}

void log_dirs::set_clean_until(
  const topic_partition& name, offset clean_until) {
  if (auto* places = places_of(name))
    places->set_clean_until(name, clean_until);
}

void log_dirs::limit_clean_until(const topic_partition& name, offset end) {
  if (auto* places = places_of(name))
    places->limit_clean_until(name, end);
}

result<void> log_dirs::set_offline(const topic_partition& name) {
  auto* places = places_of(name);
  return places == nullptr ? result<void>{}
                           : places->directory().set_offline(to_string(name));
}

result<void> log_dirs::save() {
  result<void> outcome;
  for (const auto& directory : directories_)
    if (directory.places != nullptr)
      outcome = first_error(std::move(outcome), directory.places->save());
  return outcome;
}

result<void> log_dirs::mark_clean_stop() {
  result<void> outcome;
  for (const auto& directory : directories_)
    if (directory.places != nullptr)
      outcome = first_error(
        std::move(outcome), directory.places->directory().mark_clean_stop());
  return outcome;
}

result<std::string> log_dirs::mark_deleted(const topic_partition& name) {
  auto* places = places_of(name);
  if (places == nullptr)
    return error{errc::not_found, to_string(name) + " has no log here"};
  auto path = places->mark_deleted(name);
  if (path)
    homes_.erase(name);
  return path;
}

std::vector<std::string> log_dirs::notes() const {
  auto all = notes_;
  for (const auto& directory : directories_)
    if (directory.places != nullptr)
      all.insert(all.end(), directory.places->notes().begin(),
        directory.places->notes().end());
  return all;
}

std::vector<std::string> log_dirs::unclaimed() const {
  std::vector<std::string> all;
  for (const auto& directory : directories_)
    if (directory.places != nullptr)
      for (const auto& name : directory.places->unclaimed())
        all.push_back(directory.path + "/" + name);
  return all;
}

std::vector<std::string> log_dirs::leftovers() const {
  auto all = futures_;
  for (const auto& directory : directories_)
    if (directory.places != nullptr)
      std::ranges::move(directory.places->leftovers(), std::back_inserter(all));
  return all;
}

result<std::string> log_dirs::begin_move(
  const topic_partition& name, const uuid& topic, size_t to) {
  MILLRACE_ASSERT(
    directories_[to].places != nullptr && home_of(name) && *home_of(name) != to,
    "a log moves from one directory to another");
  const auto& parent = directories_[to].path;
  for (uint64_t n = 0;; ++n) {
    auto path
      = parent + "/" + future_directory_name(to_string(name), uuid{n, 0});
    if (files_.exists(path))
      continue;
    MILLRACE_TRY(files_.make_directory(path));
    MILLRACE_TRY(write_topic_id(files_, path, topic));
    MILLRACE_TRY(files_.sync_directory(parent));
    return path;
  }
}

result<std::string> log_dirs::finish_move(const topic_partition& name,
  size_t to, const std::string& future, offset log_start, offset end) {
  auto next = register_;
  next.counts[name] = id_of(to);
  MILLRACE_TRY(write_register(next));
  const auto& parent = directories_[to].path;
  auto renamed = files_.rename(future, parent + "/" + to_string(name));
  if (renamed)
    renamed = files_.sync_directory(parent);
  if (!renamed) {
    // Whether it has been renamed is known after the next start only.
    homes_.erase(name);
    return renamed.error();
  }
  const auto high_watermark = hints(name).high_watermark;
  auto left = places_of(name)->mark_deleted(name);
  homes_[name] = to;
  set_hints(name, log_start, end);
  if (high_watermark)
    set_high_watermark(name, *high_watermark);
  if (!left)
    return left.error();
  MILLRACE_TRY(save());
  if (first_failed() == nullptr)
    next.counts.erase(name);
  MILLRACE_TRY(write_register(std::move(next)));
  return left;
}

} // namespace millrace
