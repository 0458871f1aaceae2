#include "apps/cli/progress.hpp"

#include "apps/client/clock.hpp"

#include <unistd.h>

#include <cstdio>

namespace millrace::cli {

progress::progress(std::string verb, bool enabled)
    : verb_(std::move(verb)), enabled_(enabled && ::isatty(STDERR_FILENO) == 1),
      began_ms_(client::steady_ms()), due_ms_(began_ms_ + 500) {}

progress::~progress() {
  if (!shown_)
    return;
  write(client::steady_ms());
  std::fputc('\n', stderr);
}

void progress::show(int64_t records, int64_t bytes) {
  records_ = records;
  bytes_ = bytes;
  if (!enabled_)
    return;
  if (const auto now = client::steady_ms(); now >= due_ms_) {
    due_ms_ = now + 250;
    write(now);
  }
}

void progress::write(int64_t now_ms) {
  shown_ = true;
  std::fprintf(stderr, "\r%s\033[K",
    progress_text(verb_, records_, bytes_, now_ms - began_ms_).c_str());
  std::fflush(stderr);
}

std::string progress_text(
  const std::string& verb, int64_t records, int64_t bytes, int64_t elapsed_ms) {
  const double megabytes = static_cast<double>(bytes) / 1e6;
  const double seconds
    = static_cast<double>(std::max<int64_t>(elapsed_ms, 1)) / 1e3;
  char text[160];
  std::snprintf(text, sizeof text, "%s %lld records, %.1f MB, %.1f MB/s",
    verb.c_str(), static_cast<long long>(records), megabytes,
    megabytes / seconds);
  return text;
}

} // namespace millrace::cli
