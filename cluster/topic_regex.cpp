#include "cluster/topic_regex.hpp"

#include <re2/re2.h>

namespace millrace {

namespace {

/// Faults go to the client, not to a log; no pattern takes more memory than
/// this, in bytes.
RE2::Options options() {
  constexpr int64_t memory_max = 1 << 20;
  RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(memory_max);
  return o;
}

} // namespace

std::string fault_of_regex(const std::string& pattern) {
  const RE2 regex{pattern, options()};
  return regex.ok() ? std::string{} : regex.error();
}

std::vector<std::string> topics_matching(
  const std::string& pattern, const topic_view& topics) {
  const RE2 regex{pattern, options()};
  std::vector<std::string> names;
  if (!regex.ok())
    return names;
  for (const auto& topic : topics.topics())
    if (RE2::FullMatch(topic.name, regex))
      names.push_back(topic.name);
  return names;
}

} // namespace millrace
