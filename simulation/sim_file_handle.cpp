#include "simulation/sim_file_handle.hpp"

namespace millrace {

sim_file_handle::sim_file_handle(std::shared_ptr<sim_file_state> state,
  sim_inode::pointer node, std::string path, bool writable)
    : state_(std::move(state)), node_(std::move(node)), path_(std::move(path)),
      life_(state_->life), writable_(writable) {
  ++state_->handle_count;
}

sim_file_handle::~sim_file_handle() {
  if (!dead())
    --state_->handle_count;
}

result<void> sim_file_handle::write_at(
  uint64_t position, std::span<const std::span<const std::byte>> parts) {
  if (!writable_)
    return read_only("write");
  if (dead())
    return sim_machine_off(path_);
  auto verdict = state_->begin('w', path_);
  uint64_t size = 0;
  state_->mix(position);
  for (const auto& part : parts) {
    state_->mix(part);
    size += part.size();
  }
  if (size == 0 && verdict.failure.code == errc::none)
    return {};
  uint64_t left = size;
  if (!verdict.apply && verdict.fault)
    left = state_->rng() % (size + 1);
  else if (!verdict.apply)
    return verdict.failure;
  if (!state_->fits(*node_, position + left)) {
    if (verdict.failure.code == errc::none)
      verdict.failure = no_space();
    left = 0;
  }
  for (const auto& part : parts) {
    const auto n = std::min<uint64_t>(left, part.size());
    node_->content.write(position, part.first(n));
    position += n;
    left -= n;
  }
  return verdict.failure;
}

result<void> sim_file_handle::sync() {
  if (dead())
    return sim_machine_off(path_);
  const auto verdict = state_->begin('s', path_);
  if (verdict.fault && !verdict.apply)
    node_->content.sync_failed();
  if (verdict.failure.code != errc::none)
    return verdict.failure;
  if (state_->next_sync_fails) {
    state_->next_sync_fails = false;
    ++state_->faults;
    node_->content.sync_failed();
    return error{errc::io_error, path_ + ": fdatasync: a simulated failure"};
  }
  node_->content.sync();
  return {};
}

result<void> sim_file_handle::drop_cache(uint64_t from) {
  MILLRACE_TRY(sync());
  if (state_->pins_memory)
    return {};
  node_->content.drop_cache(from);
  node_->dropped = node_->dropped || from == 0;
  return {};
}

uint64_t sim_file_handle::device() const {
  return sim_device;
}

result<void> sim_file_handle::truncate(uint64_t size) {
  if (!writable_)
    return read_only("truncate");
  if (dead())
    return sim_machine_off(path_);
  const auto verdict = state_->begin('t', path_);
  state_->mix(size);
  if (verdict.apply && !state_->fits(*node_, size))
    return verdict.fault ? verdict.failure : no_space();
  if (verdict.apply) {
    node_->content.truncate(size);
    node_->reserved = std::min(node_->reserved, size);
  }
  return verdict.failure;
}

result<void> sim_file_handle::reserve(uint64_t position, uint64_t size) {
  if (!writable_)
    return read_only("reserve");
  if (dead())
    return sim_machine_off(path_);
  const auto verdict = state_->begin('a', path_);
  state_->mix(position);
  state_->mix(size);
  if (verdict.failure.code != errc::none)
    return verdict.failure;
  if (!state_->fits(*node_, position + size))
    return no_space();
  node_->reserved = std::max(node_->reserved, position + size);
  return {};
}

result<uint64_t> sim_file_handle::size() const {
  if (dead() || state_->off)
    return sim_machine_off(path_);
  return node_->content.size();
}

bool sim_file_handle::resident(uint64_t, uint64_t) const {
  return !dead() && !node_->dropped
         && !(state_->short_of_memory && state_->rng() % 8 == 0);
}

int sim_file_handle::descriptor() const {
  return -1;
}

result<size_t> sim_file_handle::read_at(
  uint64_t position, std::span<std::byte> into) const {
  if (dead() || state_->off)
    return sim_machine_off(path_);
  node_->dropped = false; // what is read ahead, all of it
  const auto got = node_->content.read(position, into);
  state_->mix('r', path_);
  state_->mix(position);
  state_->mix(got); // the bytes follow from what was written
  return got;
}

error sim_file_handle::no_space() const {
  return {errc::out_of_space, path_ + ": the simulated disk is full"};
}

error sim_file_handle::read_only(const char* what) const {
  return {
    errc::invalid_argument, path_ + ": " + what + ": opened for reading only"};
}

} // namespace millrace
