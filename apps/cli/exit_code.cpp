#include "apps/cli/exit_code.hpp"

#include <cstdio>

namespace millrace::cli {

int exit_code_of(const error& why) {
  switch (why.code) {
  case errc::none:
    return exit_ok;
  case errc::not_found:
    return exit_not_found;
  case errc::offline:
    return exit_unreachable;
  case errc::invalid_argument:
    return exit_usage;
  default:
    return exit_failed;
  }
}

int report(const error& why) {
  // The context is a sentence; the code only helps where there is none.
  const std::string& text
    = why.context.empty() ? std::string{to_string(why.code)} : why.context;
  std::fprintf(stderr, "millrace: %s\n", text.c_str());
  return exit_code_of(why);
}

int report_usage(const std::string& sentence) {
  return report({errc::invalid_argument, sentence});
}

} // namespace millrace::cli
