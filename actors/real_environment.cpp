#include "actors/real_environment.hpp"

#include "storage/lmdb_image_store.hpp"
#include "storage/posix_file_system.hpp"

#include <sys/random.h>

#include <ctime>
#include <thread>

namespace millrace {

namespace {

class real_environment : public environment {
public:
  file_system& files() override {
    return files_;
  }

  result<std::unique_ptr<image_store>> open_images(
    const std::string& directory) override {
    auto store = lmdb_image_store::open(directory);
    if (!store)
      return store.error();
    return std::unique_ptr<image_store>{std::move(*store)};
  }

  int64_t wall_clock_ms() override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch())
      .count();
  }

  uint64_t random() override {
    uint64_t bits = 0;
    const auto got = ::getrandom(&bits, sizeof bits, 0);
    MILLRACE_ASSERT(
      got == sizeof bits, "the system always has eight random bytes");
    return bits;
  }

  int64_t thread_time_ns() override {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }

  bool has_threads() const override {
    return true;
  }

private:
  posix_file_system files_;
};

} // namespace

std::unique_ptr<environment> make_real_environment() {
  return std::make_unique<real_environment>();
}

size_t processor_count() {
  return std::thread::hardware_concurrency();
}

} // namespace millrace
