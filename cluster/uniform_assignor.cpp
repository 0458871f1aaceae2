#include "cluster/assignor.hpp"
#include "schema/assert.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace millrace {

namespace {

struct partition_ref {
  uuid topic;
  int32_t partition = 0;
};

/// What is left of what everybody owned: partitions that exist, of topics
/// that their owner subscribes to, each once.
class holdings {
public:
  explicit holdings(const assignor_input& input) {
    for (const auto& [topic, count] : input.topics)
      taken_[topic].resize(static_cast<size_t>(std::max(count, 0)));
    for (const auto& [id, member] : input.members) {
      auto& kept = of_[id];
      for (const auto& topic : member.topics) {
        const auto owned = member.owned.find(topic);
        if (subscribe(topic) && owned != member.owned.end())
          keep(topic, owned->second, kept);
      }
    }
  }

  group_assignment& of() {
    return of_;
  }
  void release(partition_set& from, const uuid& topic) {
    auto& list = from.at(topic);
    taken_.at(topic).at(static_cast<size_t>(list.back())) = false;
    list.pop_back();
    if (list.empty())
      from.erase(topic);
  }
  /// The partitions of subscribed topics that nobody has, in order.
  std::deque<partition_ref> free() const {
    std::deque<partition_ref> list;
    for (const auto& topic : subscribed_) {
      const auto& taken = taken_.at(topic);
      for (size_t i = 0; i < taken.size(); ++i)
        if (!taken[i])
          list.push_back({topic, static_cast<int32_t>(i)});
    }
    return list;
  }
  /// How many partitions the subscribed topics have.
  size_t total() const {
    size_t count = 0;
    for (const auto& topic : subscribed_)
      count += taken_.at(topic).size();
    return count;
  }

private:
  bool subscribe(const uuid& topic) {
    if (!taken_.contains(topic))
      return false;
    subscribed_.insert(topic);
    return true;
  }
  void keep(const uuid& topic, const std::vector<int32_t>& partitions,
    partition_set& kept) {
    auto& taken = taken_.at(topic);
    for (const auto partition : partitions) {
      const auto i = static_cast<size_t>(partition);
      if (partition < 0 || i >= taken.size() || taken[i])
        continue;
      taken[i] = true;
      kept[topic].push_back(partition);
    }
  }

  std::map<uuid, std::vector<bool>> taken_;
  std::set<uuid> subscribed_;
  group_assignment of_;
};

/// Takes from a member what is more than `count`, each time from the topic of
/// which it has most.
void trim(holdings& all, partition_set& own, size_t count) {
  std::set<std::pair<size_t, uuid>> topics;
  auto size = size_t{0};
  for (const auto& [topic, list] : own) {
    topics.emplace(list.size(), topic);
    size += list.size();
  }
  for (; size > count; --size) {
    const auto [most, topic] = *topics.rbegin();
    topics.erase(std::prev(topics.end()));
    all.release(own, topic);
    if (most > 1)
      topics.emplace(most - 1, topic);
  }
}

/// All subscribe to the same topics: everyone gets the same number, and some
/// one more.
group_assignment assign_alike(const assignor_input& input) {
  holdings all{input};
  const auto members = input.members.size();
  const auto least = all.total() / members;
  auto extra = all.total() % members;
  struct wish {
    partition_set* own;
    size_t quota;
    size_t count;
  };
  std::vector<wish> wishes;
  for (auto& [id, own] : all.of()) {
    const auto count = count_of(own);
    // Whoever has one more may keep it: one partition less moves.
    const bool more = count > least && extra > 0;
    extra -= more ? 1 : 0;
    const auto quota = least + (more ? 1 : 0);
    trim(all, own, quota);
    wishes.push_back({&own, quota, std::min(count, quota)});
  }
  for (auto& w : wishes)
    if (extra > 0 && w.quota == least) {
      ++w.quota;
      --extra;
    }
  std::erase_if(wishes, [](const wish& w) {
    return w.count == w.quota;
  });
  // In turns, so that each topic is spread over the members.
  auto at = size_t{0};
  for (const auto& [topic, partition] : all.free()) {
    MILLRACE_ASSERT(!wishes.empty(), "the quotas are all partitions");
    auto& w = wishes[at];
    insert(*w.own, topic, partition);
    if (++w.count == w.quota)
      wishes.erase(wishes.begin() + static_cast<ptrdiff_t>(at));
    else
      ++at;
    at = at < wishes.size() ? at : 0;
  }
  return std::move(all.of());
}

/// Members with subscriptions of their own: every free partition goes to the
/// subscriber that has least, then partitions move from those that have more.
class balancer {
public:
  explicit balancer(const assignor_input& input) : all_(input) {
    for (auto& [id, own] : all_.of()) {
      const auto at = members_.size();
      members_.push_back({&own, count_of(own)});
      for (const auto& topic : input.members.at(id).topics)
        if (input.topics.contains(topic))
          subscribers_[topic].push_back(at);
    }
  }

  group_assignment run() {
    give_free();
    while (level())
      ;
    return std::move(all_.of());
  }

private:
  struct owner {
    partition_set* own;
    size_t count;
  };

  size_t least_loaded(const uuid& topic) const {
    return *std::ranges::min_element(
      subscribers_.at(topic), {}, [this](size_t i) {
        return members_[i].count;
      });
  }

  /// The subscriber with most that has a partition of `topic`.
  std::optional<size_t> most_loaded_owner(const uuid& topic) const {
    std::optional<size_t> most;
    for (const auto i : subscribers_.at(topic))
      if ((!most || members_[i].count > members_[*most].count)
          && members_[i].own->contains(topic))
        most = i;
    return most;
  }

  /// First what few can take: the others can still even it out.
  void give_free() {
    std::map<uuid, std::vector<int32_t>> free;
    for (const auto& [topic, partition] : all_.free())
      free[topic].push_back(partition);
    std::vector<uuid> topics;
    for (const auto& [topic, partitions] : free)
      topics.push_back(topic);
    std::ranges::stable_sort(topics, {}, [this](const uuid& topic) {
      return subscribers_.at(topic).size();
    });
    for (const auto& topic : topics)
      for (const auto partition : free.at(topic)) {
        auto& member = members_[least_loaded(topic)];
        insert(*member.own, topic, partition);
        ++member.count;
      }
  }

  /// One round over the topics; whether anything has moved. Each move makes
  /// the sum of the squares of the counts smaller, so the rounds end.
  bool level() {
    bool moved = false;
    for (const auto& [topic, members] : subscribers_)
      for (;;) {
        const auto from = most_loaded_owner(topic);
        const auto to = least_loaded(topic);
        if (!from || members_[*from].count < members_[to].count + 2)
          break;
        move(topic, members_[*from], members_[to]);
        moved = true;
      }
    return moved;
  }

  static void move(const uuid& topic, owner& from, owner& to) {
    auto& list = from.own->at(topic);
    insert(*to.own, topic, list.back());
    list.pop_back();
    if (list.empty())
      from.own->erase(topic);
    --from.count;
    ++to.count;
  }

  holdings all_;
  std::vector<owner> members_;
  std::map<uuid, std::vector<size_t>> subscribers_;
};

bool all_subscribe_alike(const assignor_input& input) {
  const auto& first = input.members.begin()->second.topics;
  return std::ranges::all_of(input.members, [&](const auto& entry) {
    return entry.second.topics == first;
  });
}

} // namespace

group_assignment assign_uniform(const assignor_input& input) {
  if (input.members.empty())
    return {};
  if (all_subscribe_alike(input))
    return assign_alike(input);
  return balancer{input}.run();
}

} // namespace millrace
