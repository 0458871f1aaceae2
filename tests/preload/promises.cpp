#include "tests/preload/promises.hpp"

namespace millrace::preload {

promises::promises(const history& done, size_t place) : place_(place) {
  for (const auto& o : done)
    if (o.begun(place))
      take(o, place);
}

void promises::take(const operation& o, size_t place) {
  const bool promised = o.promised(place);
  switch (o.kind) {
  case operation_kind::create:
    topics_[o.at.topic]
      = {promised ? presence::present : presence::unknown, {}};
    break;
  case operation_kind::remove:
    // Until it is certain, what was promised of its records still holds.
    topics_[o.at.topic].there = promised ? presence::absent : presence::unknown;
    break;
  case operation_kind::produce:
    topics_[o.at.topic].produces[o.at.partition].push_back(o);
    break;
  case operation_kind::trim:
    topics_[o.at.topic].starts[o.at.partition].take(o.value, promised);
    break;
  case operation_kind::commit:
    commits_[{o.group, o.at}].take(o.value, promised);
    break;
  case operation_kind::producer_id:
    if (promised)
      producer_ids_.insert(o.value);
    break;
  }
}

std::string promises::check_topics(const std::set<std::string>& found) const {
  for (const auto& [name, topic] : topics_) {
    if (topic.there == presence::present && !found.contains(name))
      return "topic " + name + " was created and is not there";
    if (topic.there == presence::absent && found.contains(name))
      return "topic " + name + " was deleted and is there";
  }
  for (const auto& name : found)
    if (!topics_.contains(name))
      return "topic " + name + " was never asked for";
  return {};
}

std::string promises::check_records(const topic_partition& at,
  int64_t log_start, const std::vector<found_record>& found) const {
  const auto where = to_string(at) + ": ";
  topic known;
  if (const auto t = topics_.find(at.topic); t != topics_.end())
    known = t->second;
  const auto& starts = known.starts[at.partition];
  if (log_start < std::max<int64_t>(starts.least, 0)
      || (log_start > 0 && !starts.possible.contains(log_start)))
    return where + "starts at " + std::to_string(log_start)
           + ", and was deleted up to " + std::to_string(starts.least);
  const auto problem
    = check_sequence(known.produces[at.partition], log_start, found);
  return problem.empty() ? problem : where + problem;
}

std::string promises::check_sequence(const std::vector<operation>& sent,
  int64_t log_start, const std::vector<found_record>& found) const {
  // A batch that was sent again has the same numbers.
  std::set<int64_t> numbers;
  bool whole = true; // nothing may be missing before what is there
  for (const auto& o : sent) {
    whole = whole && o.acks == -1;
    for (int32_t i = 0; i < o.count; ++i)
      numbers.insert(o.value + i);
  }
  auto next = numbers.begin();
  std::advance(
    next, std::min(numbers.size(), static_cast<size_t>(whole ? log_start : 0)));
  for (size_t i = 0; i < found.size(); ++i) {
    const auto expected = log_start + static_cast<int64_t>(i);
    if (found[i].at != expected)
      return "offset " + std::to_string(expected) + " is missing";
    while (!whole && next != numbers.end() && *next < found[i].number)
      ++next;
    if (next == numbers.end() || *next != found[i].number)
      return "record " + std::to_string(found[i].number) + " at offset "
             + std::to_string(expected)
             + " is doubled, out of order or was never sent"
             + (next == numbers.end() ? std::string{}
                                      : "; expected " + std::to_string(*next));
    ++next;
  }
  for (const auto& o : sent) {
    if (o.acks != -1 || !o.promised(place_))
      continue;
    for (int32_t i = 0; i < o.count; ++i) {
      const auto offset = o.base_offset + i;
      if (offset < log_start)
        continue; // deleted since
      const auto index = static_cast<size_t>(offset - log_start);
      if (index >= found.size() || found[index].number != o.value + i)
        return "record " + std::to_string(o.value + i)
               + " was acknowledged at offset " + std::to_string(offset)
               + " and is not there";
    }
  }
  return {};
}

std::string promises::check_commit(
  const std::string& group, const topic_partition& at, int64_t found) const {
  const auto c = commits_.find({group, at});
  const auto where = group + " at " + to_string(at) + ": ";
  const int64_t least = c == commits_.end() ? -1 : c->second.least;
  if (found < least)
    return where + "committed was " + std::to_string(least) + " and it is "
           + std::to_string(found);
  if (found >= 0
      && (c == commits_.end() || !c->second.possible.contains(found)))
    return where + std::to_string(found) + " was never committed";
  return {};
}

std::string promises::check_producer_id(int64_t fresh) const {
  if (producer_ids_.contains(fresh))
    return "producer id " + std::to_string(fresh) + " is given twice";
  return {};
}

std::vector<promises::commit_name> promises::commits() const {
  std::vector<commit_name> names;
  for (const auto& [name, c] : commits_)
    names.push_back(name);
  return names;
}

std::vector<operation> promises::last_produces() const {
  std::vector<operation> last;
  for (const auto& [name, topic] : topics_) {
    if (topic.there != presence::present)
      continue;
    for (const auto& [partition, produces] : topic.produces)
      for (auto o = produces.rbegin(); o != produces.rend(); ++o)
        if (o->producer >= 0 && o->promised(place_)) {
          last.push_back(*o);
          break;
        }
  }
  return last;
}

} // namespace millrace::preload
