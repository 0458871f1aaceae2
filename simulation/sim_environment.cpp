#include "simulation/sim_environment.hpp"

namespace millrace {

void sim_disks::crash(crash_policy policy) {
  files.crash(policy);
  for (const auto& [path, image] : images)
    image->crash();
}

void sim_disks::kill() {
  files.kill();
  for (auto& [directory, disk] : images)
    disk->crash();
}

void sim_disks::wipe() {
  files.wipe();
  images.clear();
}

uint64_t sim_disks::trace_hash() const {
  auto hash = files.trace_hash();
  for (const auto& [path, image] : images)
    hash = hash * 0x9e3779b97f4a7c15ull ^ image->trace_hash();
  return hash;
}

result<std::unique_ptr<image_store>> sim_environment::open_images(
  const std::string& directory) {
  auto& disk = disks_.images[directory];
  if (disk == nullptr)
    disk = std::make_shared<sim_image_disk>();
  return std::unique_ptr<image_store>{std::make_unique<sim_image_store>(disk)};
}

} // namespace millrace
