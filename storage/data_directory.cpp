#include "storage/data_directory.hpp"

namespace millrace {

namespace {

constexpr std::string_view identity_name = "meta.properties";
constexpr std::string_view stop_mark_name = ".kafka_cleanshutdown";
constexpr std::string_view offline_name = "millrace.offline";

std::string_view file_name(checkpoint_kind kind) {
  switch (kind) {
  case checkpoint_kind::recovery_point:
    return "recovery-point-offset-checkpoint";
  case checkpoint_kind::log_start:
    return "log-start-offset-checkpoint";
  case checkpoint_kind::high_watermark:
    return "replication-offset-checkpoint";
  case checkpoint_kind::clean_until:
    return "cleaner-offset-checkpoint";
  case checkpoint_kind::durable_offsets:
    break;
  }
  return "millrace.durable-offsets";
}

// Adds what to do about it to what the system said.
error with_cure(const std::string& path, const error& why) {
  switch (why.code) {
  case errc::locked:
    return {why.code,
      "data directory " + path + " is in use: " + why.context
        + "; stop that one, or choose another directory (--data-dir)"};
  case errc::permission:
    return {why.code,
      "data directory " + path + " cannot be written: " + why.context
        + "; give this user write permission (or mount the file system for "
          "writing), or choose another directory (--data-dir)"};
  case errc::out_of_space:
    return {why.code, "data directory " + path + ": " + why.context
                        + "; free some space on its file system"};
  default:
    return {why.code, "data directory " + path + ": " + why.context};
  }
}

// A run that was killed may have left names on the way that only the page
// cache knows. Others' directories that do not let us in are not ours to sync.
result<void> make_way(file_system& files, const std::string& path) {
  MILLRACE_TRY(files.make_directory(path));
  for (auto below = path; below != "." && below != "/";) {
    auto above = parent_directory(below);
    auto synced = files.sync_directory(above);
    if (!synced && synced.error().code != errc::permission)
      return synced;
    below = std::move(above);
  }
  return {};
}

} // namespace

std::string data_directory::at(std::string_view name) const {
  return path_ + "/" + std::string{name};
}

result<std::unique_ptr<data_directory>> data_directory::open(file_system& files,
  const std::string& path, const data_directory_options& options) {
  std::unique_ptr<data_directory> opened{new data_directory{files, path}};
  const auto steps = [&]() -> result<void> {
    MILLRACE_TRY(make_way(files, path));
    MILLRACE_TRY(opened->take_lock());
    MILLRACE_TRY(opened->take_identity(options));
    MILLRACE_TRY(opened->read_starts());
    MILLRACE_TRY(opened->read_offline());
    return opened->take_stop_mark();
  };
  if (auto done = steps(); !done)
    return with_cure(path, done.error());
  return opened;
}

result<void> data_directory::take_lock() {
  auto lock = files_.lock(path_);
  if (!lock)
    return lock.error();
  lock_ = std::move(lock).value();
  return {};
}

result<void> data_directory::take_identity(
  const data_directory_options& options) {
  auto text = read_file(files_, at(identity_name), 1u << 20);
  if (!text && text.error().code == errc::not_found)
    return make_identity(options);
  if (!text)
    return text.error();
  auto parsed = parse_identity(*text, at(identity_name));
  if (!parsed)
    return parsed.error();
  identity_ = *parsed;
  if (identity_.node != options.node)
    return error{errc::invalid_argument,
      "belongs to node " + std::to_string(identity_.node.value)
        + ", and this is node " + std::to_string(options.node.value)
        + "; start it with --node-id " + std::to_string(identity_.node.value)
        + ", or choose another directory (--data-dir)"};
  if (options.cluster && identity_.cluster != *options.cluster)
    return error{errc::invalid_argument,
      "belongs to cluster " + to_string(identity_.cluster)
        + ", and this node is of cluster " + to_string(*options.cluster)
        + "; choose another directory (--data-dir)"};
  // The name may have come from the page cache of a run that was cut short.
  return files_.sync_directory(path_);
}

result<void> data_directory::make_identity(
  const data_directory_options& options) {
  auto there = list_log_directories(files_, path_);
  if (!there)
    return there.error();
  if (!there->logs.empty())
    return error{errc::corrupt,
      "holds logs (" + there->logs.front().name + ") but no "
        + std::string{identity_name}
        + ", so it is unknown whose they are; restore that file, or choose "
          "another directory (--data-dir)"};
  identity_ = {options.cluster.value_or(options.fresh_cluster), options.node,
    options.fresh_directory};
  fresh_ = true;
  return replace_file(files_, at(identity_name), format_identity(identity_));
}

result<void> data_directory::take_stop_mark() {
  stopped_cleanly_ = files_.exists(at(stop_mark_name));
  if (!stopped_cleanly_)
    return {};
  MILLRACE_TRY(files_.remove(at(stop_mark_name)));
  return files_.sync_directory(path_);
}

result<void> data_directory::mark_clean_stop() {
  return replace_file(files_, at(stop_mark_name), "{\"version\":0}\n");
}

result<void> data_directory::read_offline() {
  auto text = read_file(files_, at(offline_name));
  if (!text && text.error().code == errc::not_found)
    return {};
  if (!text)
    return text.error();
  std::string_view rest = *text;
  for (size_t line = 0; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    const auto word = rest.substr(0, end);
    if (line == 0 && word != "0")
      return error{errc::unsupported,
        at(offline_name) + ": version " + std::string{word}
          + " is unknown to this version of Millrace, which knows 0"};
    if (end == std::string_view::npos || word.empty())
      return error{errc::corrupt, at(offline_name) + ": line "
                                    + std::to_string(line + 1)
                                    + " is no name of a directory"};
    if (line > 0)
      offline_.emplace(word);
    rest.remove_prefix(end + 1);
  }
  return {};
}

result<void> data_directory::write_offline(std::set<std::string> names) {
  std::string text = "0\n";
  for (const auto& name : names)
    text += name + "\n";
  MILLRACE_TRY(replace_file(files_, at(offline_name), text));
  offline_ = std::move(names);
  return {};
}

result<void> data_directory::set_offline(const std::string& name) {
  MILLRACE_ASSERT(
    !name.empty() && name.find_first_of("/\n") == std::string::npos,
    "a log directory's name stands on one line");
  auto names = offline_;
  if (!names.insert(name).second)
    return {};
  return write_offline(std::move(names));
}

result<void> data_directory::clear_offline(const std::string& name) {
  auto names = offline_;
  if (names.erase(name) == 0)
    return {};
  return write_offline(std::move(names));
}

result<log_listing> data_directory::list_logs() {
  return list_log_directories(files_, path_);
}

result<checkpoint> data_directory::read(checkpoint_kind kind) {
  return read_checkpoint(files_, at(file_name(kind)));
}

result<void> data_directory::write(
  checkpoint_kind kind, const checkpoint& entries) {
  return write_checkpoint(files_, at(file_name(kind)), entries);
}

} // namespace millrace
