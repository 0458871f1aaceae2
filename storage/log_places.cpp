#include "storage/log_places.hpp"

namespace millrace {

namespace {

/// `entries` gets its `at` set; whether that changed anything.
bool put(checkpoint& entries, const topic_partition& name, offset at) {
  const auto [entry, fresh] = entries.try_emplace(name, at);
  if (fresh)
    return true;
  if (entry->second == at)
    return false;
  entry->second = at;
  return true;
}

} // namespace

result<std::unique_ptr<log_places>> log_places::open(
  file_system& files, std::unique_ptr<data_directory> directory) {
  std::unique_ptr<log_places> places{
    new log_places{files, std::move(directory)}};
  auto listing = places->directory_->list_logs();
  if (!listing)
    return listing.error();
  for (auto& log : listing->logs)
    places->there_.emplace(log.partition, log.topic_id);
  places->deleted_ = std::move(listing->deleted);
  places->future_ = std::move(listing->future);
  for (const auto& stray : listing->strays)
    places->notes_.push_back("the directory " + stray
                             + " is none that Millrace made; it is left alone");
  for (const auto& broken : listing->broken)
    places->notes_.push_back(to_string(broken));
  const auto load = [&](checkpoint_kind kind, checkpoint& into) {
    auto read = places->directory_->read(kind);
    if (read)
      into = std::move(*read);
    else
      places->notes_.push_back(
        to_string(read.error())
        + "; it is done without, which costs time at this start");
    return read.ok();
  };
  places->log_start_known_
    = load(checkpoint_kind::log_start, places->log_start_);
  load(checkpoint_kind::durable_offsets, places->durable_);
  load(checkpoint_kind::high_watermark, places->high_watermark_);
  load(checkpoint_kind::clean_until, places->clean_until_);
  return places;
}

std::string log_places::path_of(const std::string& name) const {
  return directory_->path() + "/" + name;
}

std::vector<std::string> log_places::leftovers() const {
  std::vector<std::string> paths;
  for (const auto& name : deleted_)
    paths.push_back(path_of(name));
  return paths;
}

result<void> log_places::make(const std::string& path, const uuid& topic) {
  MILLRACE_TRY(files_.make_directory(path));
  MILLRACE_TRY(write_topic_id(files_, path, topic));
  return files_.sync_directory(directory_->path());
}

/// Whether a log file in `path` has any bytes.
result<bool> log_places::holds_records(const std::string& path) {
  auto entries = files_.list(path);
  if (!entries)
    return entries.error();
  return std::any_of(entries->begin(), entries->end(), [](const auto& e) {
    return e.name.ends_with(".log") && e.size > 0;
  });
}

/// Makes sure that what will be read of the log is what the disk has. Its
/// recovery then finds out how far that is.
result<void> log_places::reopen_offline(const std::string& name) {
  const auto path = path_of(name);
  auto entries = files_.list(path);
  if (!entries && entries.error().code != errc::not_found)
    return entries.error();
  for (const auto& entry :
    entries ? *entries : std::vector<directory_entry>{}) {
    if (entry.is_directory || entry.size == 0)
      continue;
    auto opened = files_.open(path + "/" + entry.name, open_mode::read);
    if (!opened)
      return opened.error();
    MILLRACE_TRY((*opened)->drop_cache(0));
    constexpr uint64_t page_bytes = 4096;
    for (uint64_t page = 0; page < entry.size; page += page_bytes)
      if ((*opened)->resident(page, 1))
        return error{errc::offline,
          path
            + " could not be made durable in an earlier run, and the system "
              "does not let go of what it has in memory of it, which may not "
              "be what is on the disk. Check the disk, and restart the "
              "machine"};
  }
  notes_.push_back(path
                   + " could not be made durable in an earlier run; what is "
                     "on the disk of it is recovered");
  return directory_->clear_offline(name);
}

result<std::string> log_places::prepare(
  const topic_partition& name, const uuid& topic) {
  const auto path = path_of(to_string(name));
  const bool was_offline = directory_->offline().contains(to_string(name));
  if (was_offline)
    MILLRACE_TRY(reopen_offline(to_string(name)));
  ++prepared_[name];
  const auto at = there_.find(name);
  if (at == there_.end()) {
    if (files_.exists(path))
      return path;
    // Durable before the first record, as the log's own name is, so that making
    // thousands of logs is cheap.
    auto made = files_.make_directory(path);
    if (made)
      made = write_topic_id_unsynced(files_, path, topic);
    if (!made) {
      // Half made: the next try does it all again.
      there_.emplace(name, std::nullopt);
      return made.error();
    }
    return path;
  }
  const auto found = at->second;
  if (!found) {
    // A crash came before the directory and its metadata were durable: it is
    // ours if nothing has been written.
    auto used = holds_records(path);
    if (!used)
      return used.error();
    if (*used)
      return error{errc::corrupt,
        path + " has records but no partition.metadata that tells whose"};
    MILLRACE_TRY(make(path, topic));
  } else if (*found != topic) {
    notes_.push_back(path + " belongs to a topic that is gone ("
                     + to_string(*found) + ") and is removed");
    auto renamed = mark_deleted(name);
    if (!renamed)
      return renamed.error();
    deleted_.push_back(renamed->substr(directory_->path().size() + 1));
    MILLRACE_TRY(make(path, topic));
  } else if (was_offline) {
    // What said whose it is may have been in memory only.
    MILLRACE_TRY(make(path, topic));
  }
  there_.erase(name);
  return path;
}

std::vector<std::string> log_places::unclaimed() const {
  std::vector<std::string> names;
  for (const auto& [name, topic] : there_)
    names.push_back(to_string(name));
  return names;
}

log_hints log_places::hints(const topic_partition& name) const {
  log_hints h;
  if (const auto at = log_start_.find(name); at != log_start_.end())
    h.log_start = at->second;
  else if (log_start_known_)
    h.log_start = offset{0};
  if (const auto at = durable_.find(name); at != durable_.end())
    h.durable = at->second;
  if (const auto at = high_watermark_.find(name); at != high_watermark_.end())
    h.high_watermark = at->second;
  if (const auto at = clean_until_.find(name); at != clean_until_.end())
    h.clean_until = at->second;
  const auto prepared = prepared_.find(name);
  h.clean = directory_->stopped_cleanly()
            && (prepared == prepared_.end() || prepared->second == 1);
  return h;
}

void log_places::set_hints(
  const topic_partition& name, offset log_start, offset durable) {
  set_log_start(name, log_start);
  if (put(durable_, name, durable))
    durable_changed_ = true;
}

void log_places::set_log_start(const topic_partition& name, offset log_start) {
  // Kafka writes down only what is not 0.
  if (log_start.value == 0 && !log_start_.contains(name))
    return;
  if (put(log_start_, name, log_start))
    log_start_changed_ = true;
}

void log_places::set_high_watermark(
  const topic_partition& name, offset high_watermark) {
  if (put(high_watermark_, name, high_watermark))
    high_watermark_changed_ = true;
}

void log_places::set_clean_until(
  const topic_partition& name, offset clean_until) {
  // Most logs are never compacted.
  if (clean_until.value == 0 && !clean_until_.contains(name))
    return;
  if (put(clean_until_, name, clean_until))
    clean_until_changed_ = true;
}

void log_places::limit_clean_until(const topic_partition& name, offset end) {
  const auto at = clean_until_.find(name);
  if (at != clean_until_.end() && at->second > end)
    set_clean_until(name, end);
}

result<void> log_places::save() {
  if (log_start_changed_) {
    MILLRACE_TRY(directory_->write(checkpoint_kind::log_start, log_start_));
    log_start_changed_ = false;
  }
  if (durable_changed_) {
    MILLRACE_TRY(directory_->write(checkpoint_kind::durable_offsets, durable_));
    durable_changed_ = false;
  }
  if (high_watermark_changed_) {
    MILLRACE_TRY(
      directory_->write(checkpoint_kind::high_watermark, high_watermark_));
    high_watermark_changed_ = false;
  }
  if (clean_until_changed_) {
    MILLRACE_TRY(directory_->write(checkpoint_kind::clean_until, clean_until_));
    clean_until_changed_ = false;
  }
  return {};
}

result<std::string> log_places::mark_deleted(const topic_partition& name) {
  const auto old = to_string(name);
  // The hints first: a new log of this name must not be measured by them.
  if (log_start_.erase(name) != 0)
    log_start_changed_ = true;
  if (durable_.erase(name) != 0)
    durable_changed_ = true;
  if (high_watermark_.erase(name) != 0)
    high_watermark_changed_ = true;
  if (clean_until_.erase(name) != 0)
    clean_until_changed_ = true;
  MILLRACE_TRY(save());
  // Two topics of one name may be deleted one after the other: the first
  // free name is taken.
  for (uint64_t n = 0;; ++n) {
    const auto path = path_of(deleted_directory_name(old, uuid{n, 0}));
    if (files_.exists(path))
      continue;
    MILLRACE_TRY(files_.rename(path_of(old), path));
    MILLRACE_TRY(files_.sync_directory(directory_->path()));
    there_.erase(name);
    return path;
  }
}

} // namespace millrace
