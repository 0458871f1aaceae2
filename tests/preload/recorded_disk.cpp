#include "tests/preload/recorded_disk.hpp"

#include <fcntl.h>

namespace millrace::preload {

namespace {

error unknown(size_t place, const std::string& what) {
  return {errc::unsupported,
    "entry " + std::to_string(place) + " of the record: " + what};
}

} // namespace

std::optional<planted_fault> planted_fault::parse(std::string_view name) {
  const auto colon = name.find(':');
  const auto kind = name.substr(0, colon);
  if (colon == std::string_view::npos
      || (kind != "files" && kind != "directories"))
    return std::nullopt;
  planted_fault fault;
  (kind == "files" ? fault.files : fault.directories)
    = std::string{name.substr(colon + 1)};
  return fault;
}

bool planted_fault::hits(std::string_view path, bool is_directory) const {
  const auto& ending = is_directory ? directories : files;
  return ending && path.ends_with(*ending);
}

recorded_disk::recorded_disk(
  const recording& record, std::string root, planted_fault fault)
    : record_(record), root_path_(std::move(root)), fault_(std::move(fault)),
      root_(make_directory()) {}

void recorded_disk::begin_with(directory_content content) {
  settled_.push_back(std::move(content));
  // As if all of it had been written and synced before time began.
  for (const auto& [path, bytes] : settled_.back()) {
    const auto at = locate(path);
    const auto node = bytes ? make_file() : make_directory();
    at.directory->names->put(0, at.name, node);
    at.directory->names->finish(0, 0);
    at.directory->names->sync(1);
    if (!bytes)
      continue;
    node->content.write(0, 0, *bytes);
    node->content.finish(0, 0);
    node->content.sync(1);
  }
}

std::string recorded_disk::below_root(std::string_view path) const {
  return std::string{path.substr(std::min(root_path_.size(), path.size()))};
}

node_pointer recorded_disk::find(const std::string& path) const {
  auto node = root_;
  for (size_t at = 0; node != nullptr && at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) {
      if (node->names == nullptr)
        return nullptr;
      const auto& names = node->names->cached();
      const auto next = names.find(path.substr(at, end - at));
      node = next == names.end() ? nullptr : next->second;
    }
    at = end + 1;
  }
  return node;
}

recorded_disk::place_of_name recorded_disk::locate(
  const std::string& path) const {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size())
    return {nullptr, {}};
  auto directory = find(path.substr(0, slash));
  if (directory != nullptr && directory->names == nullptr)
    directory = nullptr;
  return {directory, path.substr(slash + 1)};
}

void recorded_disk::touch(size_t begun, const node_pointer& node) {
  touched_[begun].push_back(node);
}

result<void> recorded_disk::replay(size_t place) {
  const auto& e = record_.entries()[place];
  if (e.head.kind == call_kind::process) {
    handles_.clear();
    touched_.clear();
    running_.clear();
    return {};
  }
  if (e.begins())
    return begin(place, e);
  return e.partner == never ? result<void>{} : end(e, place);
}

result<void> recorded_disk::begin(size_t place, const recorded_entry& e) {
  const auto returned = e.partner != never;
  if (returned && record_.result_of(place) < 0)
    return {}; // it has changed nothing
  const auto path = below_root(e.path);
  if (const auto on = handles_.find(e.head.descriptor); on != handles_.end())
    running_[place] = on->second;
  const auto on = running_.find(place);
  switch (e.head.kind) {
  case call_kind::open:
    begin_open(place, e);
    return {};
  case call_kind::close:
    handles_.erase(e.head.descriptor);
    return {};
  case call_kind::write: {
    if (on == running_.end())
      return unknown(place, "a write to a file that was never opened");
    auto bytes = e.data;
    if (returned)
      bytes = bytes.substr(0, static_cast<size_t>(record_.result_of(place)));
    on->second.node->content.write(
      place, static_cast<uint64_t>(e.head.position), bytes);
    touch(place, on->second.node);
    return {};
  }
  case call_kind::truncate:
    if (on == running_.end())
      return unknown(place, "a truncation of a file that was never opened");
    on->second.node->content.truncate(
      place, static_cast<uint64_t>(e.head.position));
    touch(place, on->second.node);
    return {};
  case call_kind::allocate:
    if ((e.head.flags & FALLOC_FL_KEEP_SIZE) == 0)
      return unknown(place, "fallocate() that changes a file");
    return {};
  case call_kind::rename:
    return rename(place, e);
  case call_kind::link:
    return unknown(place, "link()");
  case call_kind::unlink:
    if (const auto at = locate(path); at.directory != nullptr) {
      at.directory->names->remove(place, at.name);
      touch(place, at.directory);
    }
    return {};
  case call_kind::mkdir:
    if (const auto at = locate(path); at.directory != nullptr) {
      at.directory->names->put(place, at.name, make_directory());
      touch(place, at.directory);
    }
    return {};
  case call_kind::map_shared:
    if (on == running_.end() || !on->second.path.ends_with(lock_file_name))
      return unknown(place, "a file is mapped for writing");
    return {};
  default:
    return {};
  }
}

void recorded_disk::begin_open(size_t place, const recorded_entry& e) {
  const auto path = below_root(e.path);
  auto node = find(path);
  if (node == nullptr && (e.head.flags & O_CREAT) != 0) {
    const auto at = locate(path);
    if (at.directory == nullptr)
      return;
    node = make_file();
    at.directory->names->put(place, at.name, node);
    touch(place, at.directory);
  } else if (node != nullptr && (e.head.flags & O_TRUNC) != 0) {
    node->content.truncate(place, 0);
    touch(place, node);
  }
  running_[place] = {node, path, (e.head.flags & O_DSYNC) != 0};
}

result<void> recorded_disk::rename(size_t place, const recorded_entry& e) {
  const auto from = locate(below_root(e.path));
  const auto to = locate(below_root(e.other_path));
  if (e.path.empty() || e.other_path.empty() || from.directory != to.directory
      || from.directory == nullptr)
    return unknown(place, "a rename from one directory to another");
  from.directory->names->move(place, from.name, to.name);
  touch(place, from.directory);
  return {};
}

result<void> recorded_disk::end(const recorded_entry& e, size_t place) {
  const size_t begun = e.partner;
  for (const auto& node : touched_[begun]) {
    node->content.finish(begun, place);
    if (node->names != nullptr)
      node->names->finish(begun, place);
  }
  touched_.erase(begun);
  const auto on = running_.find(begun);
  if (e.head.result >= 0 && on != running_.end()) {
    const auto& what = on->second;
    if (what.node == nullptr)
      return unknown(place, "a file was opened that is not there");
    if (e.head.kind == call_kind::open)
      handles_[static_cast<int>(e.head.result)] = what;
    else if (e.head.kind == call_kind::duplicate)
      handles_[static_cast<int>(e.head.result)] = what;
    else if (e.head.kind == call_kind::write && what.synchronous
             && !fault_.hits(what.path, false))
      what.node->content.sync_one(begun);
    else if (e.head.kind == call_kind::sync)
      sync(begun, what);
  }
  if (e.head.kind == call_kind::sync_all && e.head.result >= 0)
    sync_below(begun, root_, "");
  running_.erase(begun);
  return {};
}

void recorded_disk::sync(size_t begun, const handle& what) {
  const bool is_directory = what.node->names != nullptr;
  if (fault_.hits(what.path, is_directory))
    return;
  if (is_directory)
    what.node->names->sync(begun);
  else
    what.node->content.sync(begun);
}

void recorded_disk::sync_below(
  size_t begun, const node_pointer& directory, const std::string& path) {
  if (!fault_.hits(path, true))
    directory->names->sync(begun);
  for (const auto& [name, node] : directory->names->cached()) {
    const auto below = path + "/" + name;
    if (node->names != nullptr)
      sync_below(begun, node, below);
    else if (!fault_.hits(below, false))
      node->content.sync(begun);
  }
}

const recorded_file* recorded_disk::open_file(int descriptor) const {
  const auto at = handles_.find(descriptor);
  return at == handles_.end() ? nullptr : &at->second.node->content;
}

std::vector<std::string_view> recorded_disk::durable_files(
  std::string_view name, std::string_view ending) const {
  std::vector<std::string_view> found;
  const auto& top = root_->names->durable();
  const auto at = top.find(name);
  if (at == top.end() || at->second->names == nullptr)
    return found;
  for (const auto& [file, node] : at->second->names->durable())
    if (node->names == nullptr && file.ends_with(ending))
      found.emplace_back(node->content.durable());
  return found;
}

namespace {

void crash_below(const std::string& path, const recorded_names& names,
  crash_policy policy, std::mt19937_64& rng, directory_content& into) {
  for (const auto& [name, node] : names.crash(policy, rng)) {
    const auto below = path + "/" + name;
    if (node->names != nullptr) {
      into[below] = std::nullopt;
      crash_below(below, *node->names, policy, rng, into);
    } else if (name != lock_file_name) {
      into[below] = node->content.crash(policy, rng);
    }
  }
}

/// The names that `content` has directly in directory `path`.
std::set<std::string> names_in(
  const directory_content& content, const std::string& path) {
  std::set<std::string> names;
  for (auto at = content.upper_bound(path + "/");
    at != content.end() && at->first.starts_with(path + "/"); ++at)
    if (const auto rest = at->first.substr(path.size() + 1);
      rest.find('/') == std::string::npos)
      names.insert(rest);
  return names;
}

/// Settles all that is in directory `path`; the path of the first thing that
/// is not as recorded, or nothing.
std::string settle_below(size_t place, const std::string& path,
  recorded_names& names, const directory_content& actual) {
  auto there = names_in(actual, path);
  for (const auto& [name, node] : names.cached())
    if (name == lock_file_name)
      there.insert(name);
  names.settle(place, there);
  for (const auto& [name, node] : names.cached()) {
    const auto below = path + "/" + name;
    if (name == lock_file_name)
      continue;
    const auto at = actual.find(below);
    if (at == actual.end()
        || at->second.has_value() != (node->names == nullptr))
      return below;
    if (node->names != nullptr) {
      auto wrong = settle_below(place, below, *node->names, actual);
      if (!wrong.empty())
        return wrong;
      continue;
    }
    node->content.settle(place, *at->second);
    if (node->content.cached() != *at->second)
      return below;
  }
  for (const auto& name : there)
    if (!names.cached().contains(name))
      return path + "/" + name;
  return {};
}

} // namespace

directory_content recorded_disk::crash(
  crash_policy policy, std::mt19937_64& rng) const {
  directory_content content;
  crash_below("", *root_->names, policy, rng, content);
  return content;
}

result<void> recorded_disk::settle(size_t place, directory_content actual) {
  settled_.push_back(std::move(actual));
  const auto wrong = settle_below(place, "", *root_->names, settled_.back());
  if (!wrong.empty())
    return error{errc::corrupt,
      "before entry " + std::to_string(place) + ": " + wrong
        + " is not as the record tells: the recorder has missed a call"};
  return {};
}

} // namespace millrace::preload
