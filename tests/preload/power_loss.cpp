#include "tests/preload/power_loss.hpp"

#include "tests/preload/served_node.hpp"

#include <filesystem>

namespace millrace::preload {

power_loss::power_loss(
  power_loss_options options, const promises& expected, uint64_t seed)
    : options_(std::move(options)), expected_(expected), rng_(seed) {}

std::string power_loss::run(
  const recorded_disk& disk, crash_policy policy, bool again) {
  const auto left = disk.crash(policy, rng_);
  auto seen = recover(left, again);
  auto done = seen ? result<void>{} : seen.error();
  if (done && again)
    done = run_again(left, *seen);
  std::filesystem::remove_all(options_.folder);
  return done ? std::string{} : done.error().context;
}

result<seen_state> power_loss::recover(
  const directory_content& left, bool recorded) {
  const auto data = options_.folder + "/data";
  std::filesystem::remove_all(data);
  write_directory(data, left);
  serve_options serve{.binary = options_.binary,
    .data = data,
    .log = options_.folder + "/log",
    .environment = {}};
  if (recorded)
    serve.environment = recorder_environment(
      options_.recorder, options_.folder + "/record", data);
  auto node = served_node::start(serve);
  if (!node)
    return node.error();
  return check_recovered(node->kafka(), expected_);
}

/// The record of the first recovery tells what the disk may have had during
/// it. After its end, everything that was shown must stay (R5).
result<void> power_loss::run_again(
  const directory_content& left, const seen_state& seen) {
  auto record = recording::read(options_.folder + "/record");
  if (!record)
    return record.error();
  const auto count = record->entries().size();
  const size_t place = std::uniform_int_distribution<size_t>{1, count}(rng_);
  recorded_disk disk{*record, options_.folder + "/data"};
  disk.begin_with(left);
  const crash_policy some{std::uniform_real_distribution<>{0.05, 0.95}(rng_)};
  directory_content during;
  for (size_t i = 0; i < count; ++i) {
    MILLRACE_TRY(disk.replay(i));
    if (i + 1 == place)
      during = disk.crash(some, rng_);
  }
  if (auto second = recover(during, false); !second)
    return error{
      errc::corrupt, "power lost again, before entry " + std::to_string(place)
                       + " of the recovery: " + second.error().context};
  auto last = recover(disk.crash({0}, rng_), false);
  const auto problem = last ? seen.missing_from(*last) : last.error().context;
  if (!problem.empty())
    return error{
      errc::corrupt, "power lost again, after the recovery: " + problem};
  return {};
}

} // namespace millrace::preload
