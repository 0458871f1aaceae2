// Judges what clients of real processes were told, by the same judge as the
// simulation's runs. The file has a line for each operation:
//
//   send PARTITION VALUE CLIENT BEGIN END acknowledged|refused|unknown OFFSET
//                         OFFSET is -1 where nobody has told it
//   read PARTITION OFFSET VALUE RUN
//   final RUN             the run that read everything at the end
//   unordered             clients do not keep the order of what they send; else
//                         it is that of BEGIN
//
// The exit code is 0 for a history without anomalies, 1 for one with, 2 for a
// file that is none.

#include "simulation/history.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using namespace millrace;

std::optional<send_outcome> outcome_of(const std::string& word) {
  if (word == "acknowledged")
    return send_outcome::acknowledged;
  if (word == "refused")
    return send_outcome::refused;
  if (word == "unknown")
    return send_outcome::unknown;
  return std::nullopt;
}

bool add_send(history& all, std::istream& words) {
  sent_record r;
  std::string outcome;
  words >> r.partition >> r.value >> r.client >> r.begin >> r.end >> outcome
    >> r.offset;
  const auto known = outcome_of(outcome);
  if (words.fail() || !known)
    return false;
  r.outcome = *known;
  all.sends.push_back(r);
  return true;
}

bool add_read(history& all, std::istream& words) {
  read_record r;
  words >> r.partition >> r.offset >> r.value >> r.run;
  if (words.fail())
    return false;
  all.reads.push_back(r);
  return true;
}

bool add_line(history& all, const std::string& line) {
  std::istringstream words{line};
  std::string kind;
  words >> kind;
  if (kind == "send")
    return add_send(all, words);
  if (kind == "read")
    return add_read(all, words);
  if (kind == "final") {
    uint32_t run = 0;
    words >> run;
    all.final_run = run;
    return !words.fail();
  }
  if (kind == "unordered")
    all.clients_are_ordered = false;
  return kind == "unordered";
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: judge_history FILE\n";
    return 2;
  }
  std::ifstream file{argv[1]};
  history all;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!add_line(all, line)) {
      std::cerr << argv[1] << ", line " << number << ": " << line << "\n";
      return 2;
    }
  }
  if (number == 0) {
    std::cerr << argv[1] << " is empty or cannot be read\n";
    return 2;
  }
  // They were written when they were answered.
  std::stable_sort(
    all.sends.begin(), all.sends.end(), [](const auto& a, const auto& b) {
      return a.begin < b.begin;
    });
  size_t acknowledged = 0;
  for (const auto& send : all.sends)
    if (send.outcome == send_outcome::acknowledged)
      ++acknowledged;
  std::cout << all.sends.size() << " sends, " << acknowledged
            << " acknowledged, " << all.reads.size() << " reads\n";
  const auto verdict = judge(std::move(all));
  for (size_t i = 0; i < anomaly_count; ++i)
    if (verdict.counts[i] > 0)
      std::cout << to_string(static_cast<anomaly>(i)) << ": "
                << verdict.counts[i] << "\n";
  for (const auto& example : verdict.examples)
    std::cout << "  " << example << "\n";
  return verdict.ok() ? 0 : 1;
}
