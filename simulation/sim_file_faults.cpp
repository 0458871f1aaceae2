#include "simulation/sim_file_state.hpp"
#include "simulation/sim_file_system.hpp"

namespace millrace {

void sim_file_system::crash(crash_policy policy) {
  state_->mix('c', to_string(errc::offline));
  state_->mix(static_cast<uint64_t>(policy));
  state_->names.crash(policy, state_->rng);
  // Reservations are kept: losing one only makes a full disk less full.
  state_->end_life();
}

void sim_file_system::kill() {
  state_->mix('K', {});
  state_->end_life();
}

void sim_file_system::wipe() {
  state_->mix('W', {});
  state_->names = sim_file_names{};
  state_->end_life();
}

std::unique_ptr<sim_file_system> sim_file_system::clone() const {
  auto made = std::make_unique<sim_file_system>();
  *made->state_ = *state_;
  made->state_->names = state_->names.clone();
  made->state_->handle_count = 0;
  made->state_->locked.clear();
  return made;
}

void sim_file_system::reseed(std::mt19937_64 rng) {
  state_->rng = rng;
}

uint64_t sim_file_system::operation_count() const {
  return state_->operations;
}

uint64_t sim_file_system::faults_injected() const {
  return state_->faults;
}

void sim_file_system::fail_at(uint64_t operation, errc code) {
  state_->failures[operation] = code;
}

void sim_file_system::fail_next_sync() {
  state_->next_sync_fails = true;
}

void sim_file_system::stop_at(uint64_t operation) {
  state_->stop_operation = operation;
}

bool sim_file_system::stopped() const {
  return state_->off;
}

void sim_file_system::limit_space(uint64_t bytes) {
  state_->space_max = bytes;
}

void sim_file_system::heal() {
  state_->space_max = UINT64_MAX;
  state_->next_sync_fails = false;
  state_->failures.clear();
  if (!state_->off)
    state_->stop_operation = UINT64_MAX;
}

void sim_file_system::limit_handles(uint64_t count) {
  state_->handles_max = count;
}

void sim_file_system::pin_memory() {
  state_->pins_memory = true;
}

void sim_file_system::run_short_of_memory() {
  state_->short_of_memory = true;
}

void sim_file_system::flip_bit(
  const std::string& path, uint64_t byte, unsigned bit) {
  auto& node = state_->file_at(path);
  MILLRACE_ASSERT(byte < node.content.size(), "the flipped byte is there");
  node.content.flip_bit(byte, bit);
  ++state_->faults;
}

void sim_file_system::overwrite(
  const std::string& path, uint64_t position, std::string_view bytes) {
  state_->file_at(path).content.overwrite(position, bytes);
  ++state_->faults;
}

uint64_t sim_file_system::trace_hash() const {
  return state_->hash;
}

std::vector<std::string> sim_file_system::tree() const {
  std::vector<std::string> paths;
  state_->names.walk([&](const std::string& path, const sim_inode& node) {
    paths.push_back(node.is_directory ? path + "/" : path);
  });
  return paths;
}

std::string sim_file_system::content(const std::string& path) const {
  return state_->file_at(path).content.cached();
}

std::string sim_file_system::durable_content(const std::string& path) const {
  return state_->file_at(path).content.durable();
}

} // namespace millrace
