#include "simulation/sim_file_system.hpp"

#include "simulation/sim_file_handle.hpp"
#include "simulation/sim_file_state.hpp"

namespace millrace {

namespace {

error no_such(const std::string& path, const char* what) {
  return {errc::not_found, path + ": " + what + ": no such file or directory"};
}

error wrong_kind(const std::string& path, const char* what) {
  return {errc::invalid_argument, path + ": " + what};
}

class held_lock : public directory_lock {
public:
  held_lock(std::shared_ptr<sim_file_state> s, std::string path)
      : state_(std::move(s)), path_(std::move(path)), life_(state_->life) {}
  ~held_lock() override {
    if (life_ == state_->life)
      state_->locked.erase(path_);
  }
  held_lock(const held_lock&) = delete;
  held_lock& operator=(const held_lock&) = delete;

private:
  std::shared_ptr<sim_file_state> state_;
  std::string path_;
  uint64_t life_;
};

/// Where the next sync of a file is to fail, that of the volume tells first,
/// and the file's own tells again, as the real system does.
class sim_volume_sync : public volume_sync {
public:
  sim_volume_sync(std::shared_ptr<sim_file_state> s, std::string path)
      : state_(std::move(s)), path_(std::move(path)), life_(state_->life) {}

  [[nodiscard]] uint64_t device() const override {
    return sim_device;
  }

  result<void> run() override {
    if (life_ != state_->life)
      return sim_machine_off(path_);
    const auto verdict = state_->begin('v', path_);
    if (verdict.failure.code != errc::none)
      return verdict.failure;
    if (state_->next_sync_fails)
      return error{errc::io_error, path_ + ": syncfs: a simulated failure"};
    state_->names.sync_all();
    state_->names.walk([](const std::string&, sim_inode& node) {
      if (!node.is_directory)
        node.content.sync();
    });
    return {};
  }

private:
  std::shared_ptr<sim_file_state> state_;
  std::string path_;
  uint64_t life_;
};

} // namespace

sim_file_system::sim_file_system(std::mt19937_64 rng)
    : state_(std::make_shared<sim_file_state>(rng)) {}

sim_file_system::~sim_file_system() = default;

result<std::shared_ptr<file>> sim_file_system::open(
  const std::string& path, open_mode mode) {
  if (state_->off)
    return sim_machine_off(path);
  auto node = state_->names.find(path);
  if (node && node->is_directory)
    return wrong_kind(path, "open: is a directory");
  if (state_->handle_count >= state_->handles_max)
    return error{errc::out_of_handles,
      path + ": open: the simulated process has no handles left"};
  const bool may_create
    = mode == open_mode::create || mode == open_mode::create_fresh;
  if (!node && !may_create)
    return no_such(path, "open");
  if (!node || mode == open_mode::create_fresh) {
    const auto place = state_->names.locate(path);
    if (!place.directory)
      return no_such(path, "open");
    const auto verdict = state_->begin('o', path);
    if (verdict.apply && !node) {
      node = std::make_shared<sim_inode>();
      state_->names.link(place, node);
    } else if (verdict.apply) {
      node->content.truncate(0);
      node->reserved = 0;
    }
    if (verdict.failure.code != errc::none)
      return verdict.failure;
  } else {
    state_->mix('O', path);
  }
  std::shared_ptr<file> opened = std::make_shared<sim_file_handle>(
    state_, std::move(node), path, mode != open_mode::read);
  return opened;
}

result<void> sim_file_system::make_directory(const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  if (const auto there = state_->names.find(path)) {
    if (!there->is_directory)
      return wrong_kind(path, "make directory: is a file");
    return {};
  }
  auto place = state_->names.locate(path);
  if (!place.directory) {
    const auto parent = parent_directory(path);
    if (const auto there = state_->names.find(parent))
      return wrong_kind(parent, "make directory: is a file");
    MILLRACE_TRY(make_directory(parent));
    place = state_->names.locate(path);
  }
  const auto verdict = state_->begin('m', path);
  if (verdict.apply) {
    auto made = std::make_shared<sim_inode>();
    made->is_directory = true;
    state_->names.link(place, made);
  }
  return verdict.failure;
}

result<void> sim_file_system::rename(
  const std::string& from, const std::string& to) {
  if (state_->off)
    return sim_machine_off(from);
  const auto what = state_->names.find(from);
  const auto target = state_->names.locate(to);
  if (!what || !target.directory)
    return no_such(from, "rename");
  if (const auto there = state_->names.find(to)) {
    if (there == what)
      return {};
    if (there->is_directory != what->is_directory)
      return wrong_kind(to, "rename: of another kind");
    if (!there->names.empty())
      return error{errc::already_exists, to + ": rename: not empty"};
  }
  const auto verdict = state_->begin('n', from);
  state_->mix('N', to);
  if (verdict.apply)
    state_->names.move(state_->names.locate(from), target);
  return verdict.failure;
}

result<void> sim_file_system::remove(const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  const auto what = state_->names.find(path);
  if (!what)
    return no_such(path, "remove");
  if (!what->names.empty())
    return error{errc::already_exists, path + ": remove: not empty"};
  const auto verdict = state_->begin('u', path);
  if (verdict.apply)
    state_->names.unlink(state_->names.locate(path));
  return verdict.failure;
}

result<void> sim_file_system::sync_directory(const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  const auto directory = state_->names.find(path);
  if (!directory)
    return no_such(path, "sync directory");
  if (!directory->is_directory)
    return wrong_kind(path, "sync directory: is a file");
  const auto verdict = state_->begin('d', path);
  if (verdict.failure.code != errc::none)
    return verdict.failure;
  state_->names.sync(directory);
  return {};
}

result<std::unique_ptr<volume_sync>> sim_file_system::open_volume(
  const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  if (!state_->names.find(path))
    return no_such(path, "open directory");
  return std::unique_ptr<volume_sync>{
    std::make_unique<sim_volume_sync>(state_, path)};
}

result<std::vector<directory_entry>> sim_file_system::list(
  const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  const auto directory = state_->names.find(path);
  if (!directory)
    return no_such(path, "list");
  if (!directory->is_directory)
    return wrong_kind(path, "list: is a file");
  state_->mix('l', path);
  std::vector<directory_entry> entries;
  for (const auto& [name, node] : directory->names)
    entries.push_back({name, node->is_directory,
      node->is_directory ? 0 : node->content.size()});
  return entries;
}

bool sim_file_system::exists(const std::string& path) {
  return !state_->off && state_->names.find(path) != nullptr;
}

result<space_info> sim_file_system::space(const std::string& path) {
  if (state_->off)
    return sim_machine_off(path);
  if (!state_->names.find(path))
    return no_such(path, "space");
  const uint64_t total = std::min(state_->space_max, uint64_t{1} << 50);
  return space_info{total, total - std::min(total, state_->used())};
}

result<std::unique_ptr<directory_lock>> sim_file_system::lock(
  const std::string& path) {
  const auto name = path + "/.lock";
  if (state_->off)
    return sim_machine_off(name);
  const auto place = state_->names.locate(name);
  if (!place.directory)
    return no_such(name, "open");
  const auto verdict = state_->begin('k', name);
  if (verdict.failure.code != errc::none)
    return verdict.failure;
  if (!state_->names.find(name))
    state_->names.link(place, std::make_shared<sim_inode>());
  if (!state_->locked.insert(path).second)
    return error{errc::locked, name + ": held by process 1"};
  std::unique_ptr<directory_lock> held
    = std::make_unique<held_lock>(state_, path);
  return held;
}

} // namespace millrace
