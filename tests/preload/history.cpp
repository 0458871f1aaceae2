#include "tests/preload/history.hpp"

#include <sstream>

namespace millrace::preload {

std::string to_text(const history& all) {
  std::ostringstream out;
  for (const auto& o : all)
    out << static_cast<int>(o.kind) << ' ' << o.request.first << ' '
        << o.request.second << ' ' << o.acknowledged << ' ' << '/' << o.at.topic
        << ' ' << o.at.partition << " /" << o.group << ' ' << o.acks << ' '
        << o.producer << ' ' << o.sequence << ' ' << o.value << ' ' << o.count
        << ' ' << o.base_offset << '\n';
  return out.str();
}

result<history> parse_history(const std::string& text) {
  history all;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in{line};
    operation o;
    int kind = 0;
    in >> kind >> o.request.first >> o.request.second >> o.acknowledged
      >> o.at.topic >> o.at.partition >> o.group >> o.acks >> o.producer
      >> o.sequence >> o.value >> o.count >> o.base_offset;
    if (!in || o.at.topic.empty() || o.group.empty())
      return error{errc::corrupt, "no operation: " + line};
    o.kind = static_cast<operation_kind>(kind);
    o.at.topic.erase(0, 1); // the slash that keeps an empty name a word
    o.group.erase(0, 1);
    all.push_back(std::move(o));
  }
  return all;
}

result<void> place_in_time(history& all, const recording& record) {
  const auto requests = find_requests(record);
  for (auto& o : all) {
    if (const auto at = requests.find(o.request); at != requests.end())
      o.when = at->second;
    if (o.acknowledged && o.when.answered == never)
      return error{errc::corrupt, "the record knows no answer to request "
                                    + std::to_string(o.request.second) + " of "
                                    + o.request.first};
  }
  return {};
}

} // namespace millrace::preload
