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
  case operation_kind::commit: {
    auto& c = commits_[{o.group, o.at}];
    c.possible.insert(o.value);
    if (promised)
      c.least = std::max(c.least, o.value);
    break;
  }
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

std::string promises::check_records(
  const topic_partition& at, const std::vector<found_record>& found) const {
  const auto where = to_string(at) + ": ";
  const auto topic = topics_.find(at.topic);
  const std::vector<operation> none;
  const auto* sent = &none;
  if (topic != topics_.end())
    if (const auto p = topic->second.produces.find(at.partition);
      p != topic->second.produces.end())
      sent = &p->second;
  // A batch that was sent again has the same numbers.
  std::set<int64_t> numbers;
  bool whole = true; // nothing may be missing before what is there
  for (const auto& o : *sent) {
    whole = whole && o.acks == -1;
    for (int32_t i = 0; i < o.count; ++i)
      numbers.insert(o.value + i);
  }
  auto next = numbers.begin();
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].at != static_cast<int64_t>(i))
      return where + "offset " + std::to_string(i) + " is missing";
    while (!whole && next != numbers.end() && *next < found[i].number)
      ++next;
    if (next == numbers.end() || *next != found[i].number)
      return where + "record " + std::to_string(found[i].number) + " at offset "
             + std::to_string(i) + " is doubled, out of order or was never sent"
             + (next == numbers.end() ? std::string{}
                                      : "; expected " + std::to_string(*next));
    ++next;
  }
  for (const auto& o : *sent) {
    if (o.acks != -1 || !o.promised(place_))
      continue;
    for (int32_t i = 0; i < o.count; ++i) {
      const auto offset = static_cast<size_t>(o.base_offset + i);
      if (offset >= found.size() || found[offset].number != o.value + i)
        return where + "record " + std::to_string(o.value + i)
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
