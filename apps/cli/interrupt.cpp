#include "apps/cli/interrupt.hpp"

#include <csignal>

namespace millrace::cli {
namespace {

volatile std::sig_atomic_t seen = 0;

} // namespace

void watch_for_interrupt() {
  struct sigaction action{};
  action.sa_handler = [](int) {
    seen = 1;
  };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return seen != 0;
}

} // namespace millrace::cli
