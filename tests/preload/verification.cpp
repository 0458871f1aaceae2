#include "tests/preload/verification.hpp"

#include <fstream>
#include <iterator>

namespace millrace::preload {

result<recorded_run> recorded_run::load(const std::string& folder) {
  auto record = recording::read(folder + "/record");
  if (!record)
    return record.error();
  std::ifstream in{folder + "/history"};
  auto done = parse_history({std::istreambuf_iterator<char>{in}, {}});
  if (!done)
    return done.error();
  MILLRACE_TRY(place_in_time(*done, *record));
  return recorded_run{folder, std::move(*record), std::move(*done)};
}

result<verification> verify(const recorded_run& run,
  const std::vector<trial>& trials, const verification_options& options) {
  verification found;
  recorded_disk disk{run.record, run.folder + "/data", options.fault};
  answer_check answers{run.record, run.done, disk};
  trial_runner runner{options.trials, run.done, disk};
  auto next = trials.begin();
  const auto& entries = run.record.entries();
  int processes = 0;
  const auto settle = [&](size_t place) -> result<void> {
    return disk.settle(place,
      read_directory(run.folder + "/after-" + std::to_string(processes)));
  };
  // A few tell as much as all, and one that fails may take its time.
  const size_t problems_max = options.stops ? 1 : 8;
  const auto enough = [&] {
    return found.problems.size() + runner.failures().size() >= problems_max;
  };
  for (size_t place = 0; place < entries.size() && !enough(); ++place) {
    if (entries[place].head.kind == call_kind::process && processes++ > 0) {
      --processes;
      MILLRACE_TRY(settle(place));
      ++processes;
    }
    if (options.checks_answers)
      if (auto problem = answers.check(place); !problem.empty())
        found.problems.push_back(std::move(problem));
    MILLRACE_TRY(disk.replay(place));
    for (; next != trials.end() && next->place == place + 1; ++next)
      runner.start(*next);
  }
  runner.finish();
  if (!enough())
    MILLRACE_TRY(settle(entries.size()));
  for (const auto& [which, problem] : runner.failures())
    found.problems.push_back(
      "power lost before entry " + std::to_string(which.place) + ": " + problem
      + "\n  repeat it with: preload_check --repeat " + run.folder + " --seed "
      + std::to_string(options.trials.seed) + " --place "
      + std::to_string(which.place) + " --variant "
      + std::to_string(which.variant));
  found.answer_count = answers.answer_count();
  found.consumed_bytes = answers.consumed_bytes();
  found.trial_count = runner.count();
  return found;
}

} // namespace millrace::preload
