#include "simulation/sim_file_names.hpp"

#include <unordered_map>
#include <unordered_set>

namespace millrace {

namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".")
      parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

sim_inode::pointer make_directory_node() {
  auto made = std::make_shared<sim_inode>();
  made->is_directory = true;
  return made;
}

// Copies nodes, each once.
class copier {
public:
  sim_inode::pointer copy(const sim_inode::pointer& node) {
    if (!node)
      return node;
    auto& made = copies_[node.get()];
    if (made)
      return made;
    made = std::make_shared<sim_inode>();
    const auto result = made;
    result->is_directory = node->is_directory;
    result->content = node->content;
    result->reserved = node->reserved;
    for (const auto& [name, child] : node->names)
      result->names[name] = copy(child);
    for (const auto& [name, child] : node->durable_names)
      result->durable_names[name] = copy(child);
    return result;
  }

private:
  std::unordered_map<const sim_inode*, sim_inode::pointer> copies_;
};

} // namespace

sim_file_names::sim_file_names() : root_(make_directory_node()) {}

sim_inode::pointer sim_file_names::find(const std::string& path) const {
  auto node = root_;
  for (const auto& part : split(path)) {
    const auto found = node->names.find(part);
    if (found == node->names.end())
      return nullptr;
    node = found->second;
  }
  return node;
}

sim_file_names::place sim_file_names::locate(const std::string& path) const {
  auto parts = split(path);
  if (parts.empty())
    return {};
  auto name = std::move(parts.back());
  parts.pop_back();
  auto node = root_;
  for (const auto& part : parts) {
    const auto found = node->names.find(part);
    if (found == node->names.end())
      return {};
    node = found->second;
  }
  if (!node->is_directory)
    return {};
  return {std::move(node), std::move(name)};
}

void sim_file_names::link(const place& at, const sim_inode::pointer& what) {
  at.directory->names[at.name] = what;
  unsynced_.push_back({what, {}, at});
}

void sim_file_names::unlink(const place& at) {
  auto found = at.directory->names.find(at.name);
  unsynced_.push_back({found->second, at, {}});
  at.directory->names.erase(found);
}

void sim_file_names::move(const place& from, const place& to) {
  const auto what = from.directory->names.at(from.name);
  from.directory->names.erase(from.name);
  to.directory->names[to.name] = what;
  unsynced_.push_back({what, from, to});
}

void sim_file_names::make_durable(const change& c) {
  if (c.from.directory) {
    auto& names = c.from.directory->durable_names;
    const auto found = names.find(c.from.name);
    if (found != names.end() && found->second == c.what)
      names.erase(found);
  }
  if (c.to.directory)
    c.to.directory->durable_names[c.to.name] = c.what;
}

void sim_file_names::sync(const sim_inode::pointer& directory) {
  // Walked from the back, so that the earlier changes of a node go along.
  std::unordered_set<const sim_inode*> along;
  std::vector<bool> kept(unsynced_.size());
  for (size_t i = unsynced_.size(); i-- > 0;) {
    const auto& c = unsynced_[i];
    kept[i] = c.from.directory == directory || c.to.directory == directory
              || along.count(c.what.get()) != 0;
    if (kept[i])
      along.insert(c.what.get());
  }
  std::vector<change> rest;
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    if (kept[i])
      make_durable(unsynced_[i]);
    else
      rest.push_back(std::move(unsynced_[i]));
  }
  unsynced_ = std::move(rest);
}

void sim_file_names::sync_all() {
  for (const auto& c : unsynced_)
    make_durable(c);
  unsynced_.clear();
}

void sim_file_names::crash(crash_policy policy, std::mt19937_64& rng) {
  if (policy != crash_policy::lose_unsynced) {
    const bool all = policy == crash_policy::keep_unsynced;
    const uint64_t kept_of_8 = all ? 8 : rng() % 9;
    std::unordered_set<const sim_inode*> along;
    std::vector<bool> kept(unsynced_.size());
    for (size_t i = unsynced_.size(); i-- > 0;) {
      kept[i]
        = rng() % 8 < kept_of_8 || along.count(unsynced_[i].what.get()) != 0;
      if (kept[i])
        along.insert(unsynced_[i].what.get());
    }
    for (size_t i = 0; i < unsynced_.size(); ++i)
      if (kept[i])
        make_durable(unsynced_[i]);
  }
  unsynced_.clear();
  settle(*root_, policy, rng);
}

void sim_file_names::settle(
  sim_inode& directory, crash_policy policy, std::mt19937_64& rng) {
  directory.names = directory.durable_names;
  for (const auto& [name, node] : directory.names) {
    if (node->is_directory)
      settle(*node, policy, rng);
    else
      node->content.crash(policy, rng);
  }
}

sim_file_names sim_file_names::clone() const {
  sim_file_names made;
  copier nodes;
  made.root_ = nodes.copy(root_);
  for (const auto& c : unsynced_)
    made.unsynced_.push_back(
      {nodes.copy(c.what), {nodes.copy(c.from.directory), c.from.name},
        {nodes.copy(c.to.directory), c.to.name}});
  return made;
}

} // namespace millrace
