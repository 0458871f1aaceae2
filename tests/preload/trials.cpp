#include "tests/preload/trials.hpp"

#include "tests/preload/power_loss.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace millrace::preload {

namespace {

std::mt19937_64 random_for(uint64_t seed, const trial& which) {
  std::seed_seq all{
    seed, seed >> 32, uint64_t{which.place}, uint64_t{which.variant}};
  return std::mt19937_64{all};
}

} // namespace

trial_runner::trial_runner(
  trial_options options, const history& done, const recorded_disk& disk)
    : options_(std::move(options)), done_(done), disk_(disk) {}

trial_runner::~trial_runner() {
  for (const auto& child : running_) {
    ::kill(child.process, SIGTERM);
    ::waitpid(child.process, nullptr, 0);
    ::close(child.output);
  }
}

std::string trial_runner::run(const trial& which) const {
  auto rng = random_for(options_.seed, which);
  crash_policy policy{0};
  if (which.variant == 1)
    policy.kept = 1;
  else if (which.variant > 1)
    policy.kept = std::uniform_real_distribution<>{0.05, 0.95}(rng);
  const bool again = rng() % 5 == 0;
  const promises expected{done_, which.place};
  power_loss loss{
    {.binary = options_.binary,
      .recorder = options_.recorder,
      .folder = options_.scratch + "/trial-" + std::to_string(::getpid())},
    expected, rng()};
  return loss.run(disk_, policy, again);
}

void trial_runner::start(const trial& which) {
  while (running_.size() >= options_.at_once)
    wait_for_oldest();
  ++count_;
  std::array<int, 2> pipe{};
  MILLRACE_ASSERT(::pipe(pipe.data()) == 0, "there is a pipe");
  const pid_t process = ::fork();
  MILLRACE_ASSERT(process >= 0, "there is room for a process");
  if (process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(pipe[0]);
    const auto problem = run(which).substr(0, 4000); // fits into the pipe
    const auto written = ::write(pipe[1], problem.data(), problem.size());
    ::_exit(written == static_cast<ssize_t>(problem.size()) ? 0 : 1);
  }
  ::close(pipe[1]);
  running_.push_back({which, process, pipe[0]});
}

void trial_runner::wait_for_oldest() {
  const auto child = running_.front();
  running_.pop_front();
  std::string problem;
  std::array<char, 4096> part{};
  for (ssize_t got; (got = ::read(child.output, part.data(), part.size())) > 0;)
    problem.append(part.data(), static_cast<size_t>(got));
  ::close(child.output);
  int status = 0;
  ::waitpid(child.process, &status, 0);
  if (status != 0 && problem.empty())
    problem = "the checker ended with status " + std::to_string(status);
  if (!problem.empty())
    failures_.push_back({child.which, std::move(problem)});
}

void trial_runner::finish() {
  while (!running_.empty())
    wait_for_oldest();
}

namespace {

bool changes_durability(const recorded_entry& e) {
  switch (e.head.kind) {
  case call_kind::sync:
  case call_kind::rename:
  case call_kind::unlink:
  case call_kind::mkdir:
  case call_kind::truncate:
  case call_kind::open:
    return true;
  default:
    return false;
  }
}

} // namespace

std::vector<trial> choose_trials(
  const recording& record, const history& done, size_t count, uint64_t seed) {
  std::mt19937_64 rng{seed};
  std::vector<size_t> answers;
  for (const auto& o : done)
    if (o.acknowledged)
      answers.push_back(o.when.answered + 1);
  std::vector<size_t> beside;
  for (size_t i = 0; i < record.entries().size(); ++i)
    if (changes_durability(record.entries()[i]))
      beside.push_back(i + 1);
  std::vector<trial> chosen;
  const auto choose = [&](const std::vector<size_t>& among, bool loses_all) {
    std::vector<size_t> places;
    std::sample(
      among.begin(), among.end(), std::back_inserter(places), count / 3, rng);
    for (const auto place : places) {
      const auto variant = static_cast<uint32_t>(rng());
      chosen.push_back({place, loses_all          ? 0
                               : variant % 8 == 0 ? 1
                                                  : std::max(variant, 2u)});
    }
  };
  choose(answers, true);
  choose(beside, false);
  std::vector<size_t> anywhere(record.entries().size());
  for (size_t i = 0; i < anywhere.size(); ++i)
    anywhere[i] = i + 1;
  choose(anywhere, false);
  std::stable_sort(
    chosen.begin(), chosen.end(), [](const trial& a, const trial& b) {
      return a.place < b.place;
    });
  return chosen;
}

} // namespace millrace::preload
