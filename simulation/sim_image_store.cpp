#include "simulation/sim_image_store.hpp"

#include "schema/assert.hpp"

namespace millrace {

namespace {

constexpr size_t key_bytes_max = 500;

bool starts_with(std::string_view key, std::string_view prefix) {
  return key.substr(0, prefix.size()) == prefix;
}

} // namespace

void sim_image_disk::crash() {
  ++life_;
  off_ = false;
  stop_commit_ = UINT64_MAX;
}

void sim_image_disk::fail_next_commit(errc code) {
  failure_ = code;
}

void sim_image_disk::stop_at_commit(uint64_t commit, bool durable) {
  stop_commit_ = commit;
  stop_durable_ = durable;
}

void sim_image_disk::limit_space(uint64_t bytes) {
  space_max_ = bytes;
}

void sim_image_disk::mix(char kind, std::string_view a, std::string_view b) {
  const auto step = [this](uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15ull;
    hash_ ^= hash_ >> 29;
  };
  step(static_cast<uint64_t>(kind));
  step(a.size());
  for (const char c : a)
    step(static_cast<unsigned char>(c));
  step(b.size());
  for (const char c : b)
    step(static_cast<unsigned char>(c));
}

void sim_image_disk::apply(const changes& made, image& to) {
  for (const auto& [key, value] : made) {
    if (value)
      to[key] = *value;
    else
      to.erase(key);
  }
}

uint64_t sim_image_disk::bytes_with(const changes& made) const {
  auto next = committed_;
  apply(made, next);
  uint64_t bytes = 0;
  for (const auto& [key, value] : next)
    bytes += key.size() + value.size();
  return bytes;
}

result<void> sim_image_disk::commit(const changes& made) {
  ++commits_;
  if (failure_ != errc::none) {
    ++faults_;
    const auto code = failure_;
    failure_ = errc::none;
    return error{code, "simulated image store: commit: a simulated failure"};
  }
  if (space_max_ != UINT64_MAX && bytes_with(made) > space_max_)
    return error{
      errc::out_of_space, "simulated image store: commit: the disk is full"};
  const bool stops = commits_ >= stop_commit_;
  if (!stops || stop_durable_)
    apply(made, committed_);
  if (stops) {
    ++faults_;
    off_ = true;
    return error{
      errc::offline, "simulated image store: commit: the machine is off"};
  }
  return {};
}

sim_image_store::sim_image_store(std::shared_ptr<sim_image_disk> disk)
    : disk_(std::move(disk)), life_(disk_->life_) {}

result<void> sim_image_store::alive() const {
  if (disk_->off_ || life_ != disk_->life_)
    return error{errc::offline, "simulated image store: the machine is off"};
  return {};
}

result<void> sim_image_store::begin() {
  MILLRACE_ASSERT(!open_, "no write transaction is open");
  MILLRACE_TRY(alive());
  disk_->mix('b', {}, {});
  open_ = true;
  changes_.clear();
  return {};
}

result<void> sim_image_store::put(
  std::string_view key, std::string_view value) {
  MILLRACE_ASSERT(open_, "a write transaction is open");
  MILLRACE_TRY(alive());
  if (key.empty() || key.size() > key_bytes_max || key == "__format")
    return error{errc::invalid_argument,
      "simulated image store: a key of " + std::to_string(key.size())
        + " bytes; 1 to 500 are allowed, and not __format"};
  disk_->mix('p', key, value);
  changes_[std::string{key}] = std::string{value};
  return {};
}

result<void> sim_image_store::erase(std::string_view key) {
  MILLRACE_ASSERT(open_, "a write transaction is open");
  MILLRACE_TRY(alive());
  disk_->mix('e', key, {});
  changes_[std::string{key}] = std::nullopt;
  return {};
}

result<void> sim_image_store::erase_prefix(std::string_view prefix) {
  MILLRACE_ASSERT(open_, "a write transaction is open");
  MILLRACE_TRY(alive());
  disk_->mix('x', prefix, {});
  for (auto i = changes_.lower_bound(prefix);
    i != changes_.end() && starts_with(i->first, prefix); ++i)
    i->second = std::nullopt;
  for (auto i = disk_->committed_.lower_bound(prefix);
    i != disk_->committed_.end() && starts_with(i->first, prefix); ++i)
    changes_[i->first] = std::nullopt;
  return {};
}

result<void> sim_image_store::commit() {
  MILLRACE_ASSERT(open_, "a write transaction is open");
  open_ = false;
  MILLRACE_TRY(alive());
  disk_->mix('c', {}, {});
  return disk_->commit(changes_);
}

void sim_image_store::abort() {
  open_ = false;
  changes_.clear();
}

result<void> sim_image_store::scan(std::string_view prefix,
  const std::function<bool(std::string_view, std::string_view)>& visit) {
  MILLRACE_TRY(alive());
  const auto& all = disk_->committed_;
  for (auto i = all.lower_bound(prefix);
    i != all.end() && starts_with(i->first, prefix); ++i)
    if (!visit(i->first, i->second))
      break;
  return {};
}

} // namespace millrace
