#include "storage/posix_file.hpp"

#include "storage/posix_file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace millrace {

posix_file::posix_file(int descriptor, std::string path, uint64_t device)
    : descriptor_(descriptor), path_(std::move(path)), device_(device) {}

posix_file::~posix_file() {
  ::close(descriptor_);
}

result<void> posix_file::write_at(
  uint64_t position, std::span<const std::span<const std::byte>> parts) {
  std::array<iovec, std::min(IOV_MAX, 256)> vectors;
  size_t part = 0;
  size_t begin = 0; // what is written of parts[part]
  for (;;) {
    size_t count = 0;
    size_t skip = begin;
    for (size_t i = part; i < parts.size() && count < vectors.size(); ++i) {
      const auto rest = parts[i].subspan(skip);
      skip = 0;
      if (!rest.empty())
        vectors[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
    }
    if (count == 0)
      return {};
    const auto written = ::pwritev(descriptor_, vectors.data(),
      static_cast<int>(count), static_cast<off_t>(position));
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return posix_error(errno, path_, "write");
    }
    if (written == 0)
      return posix_error(EIO, path_, "write wrote nothing");
    position += static_cast<uint64_t>(written);
    auto left = static_cast<size_t>(written);
    while (part < parts.size() && left >= parts[part].size() - begin) {
      left -= parts[part].size() - begin;
      begin = 0;
      ++part;
    }
    begin += left;
  }
}

result<void> posix_file::sync() {
  // Not repeated after an error, EINTR included: the pages are clean then
  // and a second call would report a success that never was (R6).
  if (::fdatasync(descriptor_) != 0)
    return posix_error(errno, path_, "fdatasync");
  return {};
}

result<void> posix_file::drop_cache(uint64_t from) {
  // Pages that are dirty would stay.
  MILLRACE_TRY(sync());
  if (const int failed = ::posix_fadvise(
        descriptor_, static_cast<off_t>(from), 0, POSIX_FADV_DONTNEED);
    failed != 0)
    return posix_error(failed, path_, "drop what is cached");
  return {};
}

uint64_t posix_file::device() const {
  return device_;
}

result<void> posix_file::truncate(uint64_t size) {
  while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
    if (errno != EINTR)
      return posix_error(errno, path_, "truncate");
  return {};
}

result<void> posix_file::reserve(uint64_t position, uint64_t size) {
  if (size == 0)
    return {};
  while (::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE,
           static_cast<off_t>(position), static_cast<off_t>(size))
         != 0) {
    if (errno == EOPNOTSUPP || errno == ENOSYS)
      return {}; // a hint that this file system does not take
    if (errno != EINTR)
      return posix_error(errno, path_, "reserve space");
  }
  return {};
}

result<uint64_t> posix_file::size() const {
  struct stat about = {};
  if (::fstat(descriptor_, &about) != 0)
    return posix_error(errno, path_, "stat");
  return static_cast<uint64_t>(about.st_size);
}

bool posix_file::resident(uint64_t position, uint64_t size) const {
  constexpr uint64_t stride = uint64_t{128} * 1024;
  const auto probe = [this](uint64_t at) {
    std::byte byte{};
    iovec vector{&byte, 1};
    return ::preadv2(
             descriptor_, &vector, 1, static_cast<off_t>(at), RWF_NOWAIT)
           >= 0;
  };
  if (size == 0)
    return true;
  for (uint64_t at = position; at < position + size; at += stride)
    if (!probe(at))
      return false;
  return probe(position + size - 1);
}

int posix_file::descriptor() const {
  return descriptor_;
}

result<size_t> posix_file::read_at(
  uint64_t position, std::span<std::byte> into) const {
  size_t total = 0;
  while (total < into.size()) {
    const auto got = ::pread(descriptor_, into.data() + total,
      into.size() - total, static_cast<off_t>(position + total));
    if (got < 0) {
      if (errno == EINTR)
        continue;
      return posix_error(errno, path_, "read");
    }
    if (got == 0)
      break;
    total += static_cast<size_t>(got);
  }
  return total;
}

} // namespace millrace
