// Runs the real server under the recorder, and checks the record: every
// answer after the sync of its bytes, and nothing promised is missing or
// doubled after a power loss at any place of it.
//
// usage: preload_check [--seed S] [--trials N] [--keep FOLDER]
//        preload_check --repeat FOLDER --seed S [--trials N] [--fault NAME]
//        preload_check --repeat FOLDER --seed S --place P --variant V
//
// The second form checks a record again that was kept, the third one power
// loss of it. A fault takes syncs out of the record, to see that it is
// noticed: `directories:ENDING` or `files:ENDING`, by the ends of their paths.
//
// MILLRACE_BINARY names the server, MILLRACE_RECORDER the library to preload;
// with MILLRACE_LONG=1 there is more load and there are many more trials.
#include "tests/preload/served_node.hpp"
#include "tests/preload/verification.hpp"
#include "tests/preload/workload.hpp"

#include <sys/statvfs.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

namespace millrace::preload {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_long() {
  return variable("MILLRACE_LONG") == "1";
}

struct command {
  uint64_t seed = std::random_device{}();
  size_t trials = is_long() ? 15'000 : 400;
  std::string repeat;
  std::string keep;
  planted_fault fault;
  std::optional<trial> which;

  static command parse(int count, char** words) {
    command c;
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = words[i];
      const std::string value = words[i + 1];
      if (name == "--seed")
        c.seed = std::stoull(value);
      else if (name == "--trials")
        c.trials = std::stoull(value);
      else if (name == "--repeat")
        c.repeat = value;
      else if (name == "--keep")
        c.keep = value;
      else if (name == "--fault")
        c.fault = planted_fault::parse(value).value();
      else if (name == "--place")
        c.which = trial{std::stoull(value), 0};
      else if (name == "--variant" && c.which)
        c.which->variant = static_cast<uint32_t>(std::stoul(value));
      else
        MILLRACE_ASSERT(false, "the usage is in the head of the source");
    }
    return c;
  }
};

/// In memory where there is room: the rebuilt directories need no disk.
std::string scratch_directory() {
  struct statvfs about = {};
  constexpr uint64_t wanted_bytes = 48u << 20;
  const bool room = ::statvfs("/dev/shm", &about) == 0
                    && about.f_bavail * about.f_frsize > wanted_bytes;
  std::string name
    = (room ? std::string{"/dev/shm"} : fs::temp_directory_path().string())
      + "/millrace-preload-XXXXXX";
  MILLRACE_ASSERT(::mkdtemp(name.data()) != nullptr, "there is room for files");
  return name;
}

/// One process of the recorded run.
result<void> run_process(
  const std::string& folder, int number, workload& load, bool killed) {
  auto node = served_node::start({.binary = variable("MILLRACE_BINARY"),
    .data = folder + "/data",
    .log = folder + "/log",
    .environment = recorder_environment(
      variable("MILLRACE_RECORDER"), folder + "/record", folder + "/data")});
  if (!node)
    return node.error();
  MILLRACE_TRY(load.begin(node->kafka()));
  const int rounds = is_long() ? 40 : 12;
  for (int i = 0; i < rounds; ++i)
    MILLRACE_TRY(load.run_round());
  if (killed) {
    MILLRACE_TRY(load.run_cut_round());
    node->kill();
  } else if (node->stop() != 0) {
    return error{errc::io_error, "the server did not stop cleanly"};
  }
  fs::copy(folder + "/data", folder + "/after-" + std::to_string(number),
    fs::copy_options::recursive);
  return {};
}

result<void> record_run(const std::string& folder, uint64_t seed) {
  workload load{seed};
  const int processes = is_long() ? 8 : 4;
  for (int number = 1; number <= processes; ++number)
    MILLRACE_TRY(
      run_process(folder, number, load, number % 4 == 2 || number % 4 == 3));
  std::ofstream out{folder + "/history"};
  out << to_text(load.done());
  out.close();
  return out.good() ? result<void>{}
                    : error{errc::io_error, "the history was not written"};
}

/// How much of what the test is for has happened.
struct run_measure {
  size_t acknowledged = 0;
  size_t topics_removed = 0;
  size_t segments_made = 0;
  size_t segments_removed = 0;
  size_t volume_syncs = 0;

  explicit run_measure(const recorded_run& run) {
    for (const auto& o : run.done) {
      acknowledged += o.acknowledged ? 1 : 0;
      topics_removed
        += o.acknowledged && o.kind == operation_kind::remove ? 1 : 0;
    }
    std::set<std::string_view> segments;
    for (const auto& e : run.record.entries()) {
      if (e.head.kind == call_kind::open && e.path.ends_with(".log"))
        segments.insert(e.path);
      if (e.head.kind == call_kind::unlink && e.path.ends_with(".log.deleted"))
        ++segments_removed;
      if (e.head.kind == call_kind::sync_all && e.begins())
        ++volume_syncs;
    }
    segments_made = segments.size();
  }
};

/// Prints what the run was; a sentence if it was too little to prove much.
std::string too_little(const recorded_run& run, const verification& found) {
  const run_measure was{run};
  std::cout << run.record.entries().size() << " entries, " << was.acknowledged
            << " operations acknowledged, " << was.topics_removed
            << " topics deleted, " << was.segments_made << " segments made, "
            << was.segments_removed << " removed, " << was.volume_syncs
            << " syncs of the volume, " << found.answer_count
            << " answers after their sync, " << found.consumed_bytes
            << " bytes to consumers, " << found.trial_count << " power losses"
            << std::endl;
  if (was.acknowledged < 150 || was.topics_removed < 2 || was.segments_made < 15
      || was.segments_removed < 3 || found.answer_count < 80
      || found.consumed_bytes == 0)
    return "the workload was too small for a test";
  return {};
}

bool report(const result<verification>& found) {
  if (!found) {
    std::cout << "FAILED: " << found.error().context << std::endl;
    return false;
  }
  for (const auto& problem : found->problems)
    std::cout << "FAILED: " << problem << std::endl;
  return found->problems.empty();
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// The checks themselves are checked: with syncs taken out of the record,
/// they must fail.
bool notices_faults(const recorded_run& run, verification_options options) {
  options.stops = true;
  bool all = true;
  const auto losses = [&](size_t place_count) {
    auto trials = choose_trials(
      run.record, run.done, 3 * place_count, options.trials.seed);
    std::erase_if(trials, [](const trial& t) {
      return t.variant != 0;
    });
    return trials;
  };
  for (const char* name : {"files:.log", "directories:", "files:.entries"}) {
    options.fault = *planted_fault::parse(name);
    const bool of_metadata = std::string_view{name} == "files:.entries";
    for (const bool by_answers : {true, false}) {
      if (by_answers && of_metadata)
        continue; // that check is of records only
      options.checks_answers = by_answers;
      const auto found
        = verify(run, by_answers ? std::vector<trial>{} : losses(40), options);
      const bool noticed = found.ok() && !found->problems.empty();
      std::cout << "without the syncs of " << name << ", the check of "
                << (by_answers ? "answers" : "recovery")
                << (noticed ? " fails, as it should: "
                                + first_line(found->problems.front())
                            : std::string{" PASSES: it proves nothing"})
                << std::endl;
      all = all && noticed;
    }
  }
  return all;
}

int check_run(const command& c, const std::string& folder) {
  auto run = recorded_run::load(folder);
  if (!run) {
    std::cout << "FAILED: " << run.error().context << std::endl;
    return 1;
  }
  const auto scratch = scratch_directory();
  verification_options options{.trials = {.binary = variable("MILLRACE_BINARY"),
                                 .recorder = variable("MILLRACE_RECORDER"),
                                 .scratch = scratch,
                                 .seed = c.seed,
                                 .at_once = 2},
    .fault = c.fault};
  bool good = false;
  if (c.which) {
    options.checks_answers = false;
    good = report(verify(*run, {*c.which}, options));
  } else {
    const auto found = verify(
      *run, choose_trials(run->record, run->done, c.trials, c.seed), options);
    good = report(found);
    if (good) {
      const auto lack = too_little(*run, *found);
      std::cout << (lack.empty() ? "" : "FAILED: " + lack + "\n");
      good
        = lack.empty() && (!c.repeat.empty() || notices_faults(*run, options));
    }
  }
  fs::remove_all(scratch);
  return good ? 0 : 1;
}

int main_of(const command& c) {
  std::cout << "seed " << c.seed << std::endl;
  if (!c.repeat.empty())
    return check_run(c, c.repeat);
  std::string folder = c.keep;
  if (folder.empty()) {
    folder = fs::temp_directory_path() / "millrace-record-XXXXXX";
    MILLRACE_ASSERT(::mkdtemp(folder.data()) != nullptr, "there is room");
  }
  fs::create_directories(folder);
  int code = 1;
  if (auto done = record_run(folder, c.seed); !done)
    std::cout << "FAILED: " << done.error().context << "\n  the record is in "
              << folder << std::endl;
  else
    code = check_run(c, folder);
  if (code == 0 && c.keep.empty())
    fs::remove_all(folder);
  return code;
}

} // namespace

} // namespace millrace::preload

int main(int count, char** words) {
  using namespace millrace::preload;
  return main_of(command::parse(count, words));
}
