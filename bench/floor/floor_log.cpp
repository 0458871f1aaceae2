#include "bench/floor/floor_log.hpp"

#include "storage/record_batch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace millrace::bench {

void fall_through(const char* what) {
  std::perror(what);
  std::_Exit(2);
}

floor_log::floor_log(const std::string& path)
    : descriptor_(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0)
    fall_through(path.c_str());
}

floor_log::~floor_log() {
  ::close(descriptor_);
}

int64_t floor_log::append(std::span<std::byte> batch) {
  const batch_view view{batch};
  if (view.size() != static_cast<int64_t>(batch.size())
      || view.crc() != view.computed_crc())
    fall_through("a batch is not sound");
  patch_base_offset(batch, {end_});
  const auto written = ::write(descriptor_, batch.data(), batch.size());
  if (written != static_cast<ssize_t>(batch.size()))
    fall_through("write");
  positions_.emplace_back(end_, size_);
  size_ += written;
  dirty_ = true;
  return std::exchange(end_, end_ + view.record_count());
}

void floor_log::sync() {
  if (::fdatasync(descriptor_) != 0)
    fall_through("fdatasync");
  dirty_ = false;
}

floor_log::range floor_log::find(int64_t from, int64_t bytes_max) const {
  const auto found = std::lower_bound(
    positions_.begin(), positions_.end(), std::pair{from, int64_t{0}});
  const int64_t position = found == positions_.end() ? size_ : found->second;
  return {position, std::min(size_ - position, bytes_max)};
}

floor_log& floor_logs::at(std::string topic, int32_t partition) {
  std::pair name{std::move(topic), partition};
  const auto found = logs_.find(name);
  if (found != logs_.end())
    return found->second;
  const auto path
    = directory_ + "/" + name.first + "-" + std::to_string(partition);
  return logs_.try_emplace(std::move(name), path).first->second;
}

} // namespace millrace::bench
