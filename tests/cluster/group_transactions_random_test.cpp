#include "cluster/group_records.hpp"
#include "tests/cluster/group_host.hpp"

#include <random>
#include <tuple>

// Seeded random walks of transactions through one registry, with appends that
// end late or fail, restarts from the log and from images of any moment, and
// a judge that knows only the rule: what is pending counts from the marker on,
// if its record is the newest of its key.

namespace millrace {

using test::group_host;
using test::logged;

namespace {

using place_of = std::map<offset_key, std::pair<int64_t, int64_t>>;

/// What is committed and what is pending, as offset and place in the log.
struct holdings {
  place_of committed;
  std::map<int64_t, place_of> pending;

  bool operator==(const holdings&) const = default;
};

holdings judge(const std::vector<logged>& log) {
  holdings now;
  for (size_t i = 0; i < log.size(); ++i) {
    const auto& entry = log[i];
    const auto at = static_cast<int64_t>(i);
    if (entry.commit) {
      for (const auto& [key, value] : now.pending[entry.producer.value])
        if (*entry.commit
            && (!now.committed.contains(key)
                || now.committed[key].second < value.second))
          now.committed[key] = value;
      now.pending.erase(entry.producer.value);
      continue;
    }
    const auto decoded = decode_offsets_record(
      entry.key, entry.value ? std::optional<std::string_view>{*entry.value}
                             : std::nullopt);
    REQUIRE(decoded.ok());
    const auto* record = std::get_if<decoded_offset>(&*decoded);
    if (!record)
      continue;
    if (!record->value) {
      now.committed.erase(record->key);
      for (auto& [producer, pending] : now.pending)
        pending.erase(record->key);
    } else if (entry.producer.value < 0) {
      now.committed[record->key] = {record->value->offset, at};
    } else {
      now.pending[entry.producer.value][record->key]
        = {record->value->offset, at};
    }
  }
  std::erase_if(now.pending, [](const auto& of) {
    return of.second.empty();
  });
  return now;
}

constexpr int64_t producers = 4;

holdings held_by(const group_registry& registry) {
  holdings now;
  for (const auto& group : registry.offsets().groups())
    registry.offsets().for_each_committed(
      group, [&](const std::string& topic, int32_t partition,
               const committed_offset& value) {
        const offset_key key{group, topic, partition};
        now.committed[key]
          = {value.offset, registry.offsets().committed_at(key)->value};
      });
  for (const auto& group : registry.transactional().groups())
    for (const auto& key : registry.transactional().keys(group))
      for (int64_t producer = 0; producer < producers; ++producer)
        if (const auto* found = registry.transactional().find({producer}, key))
          now.pending[producer][key] = {found->value.offset, found->at.value};
  return now;
}

/// An image as the store had it at some moment.
struct saved_image {
  std::map<std::string, std::string> entries;
  size_t covered = 0; ///< so much of the log
};

class walk {
public:
  walk(uint64_t seed, bool appends_fail)
      : random_(seed), appends_fail_(appends_fail) {
    host_.appends_at_once = false;
  }

  // What the walk has really met.
  size_t committed = 0;
  size_t from_images = 0;
  size_t unstable = 0;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (below(10) == 0)
        save();
      if (below(25) == 0)
        check();
    }
    while (!host_.appends.empty())
      host_.end_append(kafka_error::none);
    check();
    for (int64_t producer = 0; producer < producers; ++producer)
      host_.mark(producer, true);
    while (!host_.appends.empty())
      host_.end_append(kafka_error::none);
    check();
    REQUIRE(host_.registry.transactional().groups().empty());
    for (uint64_t token = 1; token <= host_.tokens; ++token) {
      INFO("token " << token);
      REQUIRE(host_.answered(token));
    }
  }

private:
  size_t below(size_t bound) {
    return std::uniform_int_distribution<size_t>{0, bound - 1}(random_);
  }
  std::string group() {
    // One whose keys are too long for an image's.
    return below(3) == 0 ? std::string(1'000, 'g') : below(2) == 0 ? "g" : "h";
  }
  std::string topic() {
    return below(2) == 0 ? "t" : "u";
  }
  int64_t some_offset() {
    return static_cast<int64_t>(below(1'000));
  }

  void step() {
    const auto dice = below(100);
    if (dice < 15)
      host_.commit(group(), topic(), some_offset());
    else if (dice < 45)
      host_.commit_in(static_cast<int64_t>(below(producers)), group(), topic(),
        some_offset());
    else if (dice < 58)
      host_.mark(static_cast<int64_t>(below(producers)), below(3) != 0);
    else if (dice < 90)
      end_append();
    else if (dice < 94)
      look();
    else if (dice < 96)
      remove_offset();
    else if (dice < 97)
      host_.send(2, kafka::delete_groups_request{{group()}});
    else if (dice < 98)
      delete_topic();
    else if (dice < 99)
      host_.advance(600'000);
    else if (below(4) == 0)
      host_.advance(int64_t{8} * 24 * 3'600'000);
  }

  void end_append() {
    if (!host_.appends.empty())
      host_.end_append(appends_fail_ && below(8) == 0
                         ? kafka_error::not_enough_replicas
                         : kafka_error::none);
  }

  /// What is pending is unstable to those who ask for what is stable.
  void look() {
    const auto g = group();
    const auto t = topic();
    const bool pending = host_.registry.transactional().knows({g, t, 0});
    REQUIRE((host_.fetch_stable(g, t) == kafka_error::unstable_offset_commit)
            == pending);
    unstable += pending;
  }

  void remove_offset() {
    kafka::offset_delete_request request;
    request.group_id = group();
    request.topics.push_back({topic(), {{0}}});
    host_.send(0, request);
  }

  void delete_topic() {
    const std::vector<std::string> topics{topic()};
    host_.take(
      host_.registry.on_topics_deleted(topics, host_.now_ms, host_.wall_ms()));
  }

  void save() {
    auto& image
      = images_.emplace_back(images_.empty() ? saved_image{} : images_.back());
    for (auto& change : host_.registry.take_changes())
      if (change.value)
        image.entries[change.key] = *change.value;
      else
        image.entries.erase(change.key);
    image.covered = host_.log.size();
  }

  void check() {
    const auto expected = judge(host_.log);
    committed += expected.committed.size();
    REQUIRE(held_by(host_.registry) == expected);
    group_registry from_log{host_.config, test::counting_uuids()};
    test::replay(from_log, host_.log);
    from_log.finish_load(host_.now_ms, host_.wall_ms());
    REQUIRE(held_by(from_log) == expected);
    if (images_.empty())
      return;
    const auto& image = images_[below(images_.size())];
    group_registry from_image{host_.config, test::counting_uuids()};
    for (const auto& [key, value] : image.entries)
      REQUIRE(from_image.load(key, value).ok());
    test::replay(from_image, host_.log, image.covered);
    from_image.finish_load(host_.now_ms, host_.wall_ms());
    REQUIRE(held_by(from_image) == expected);
    check_changes(image, from_image, expected);
    ++from_images;
  }

  /// What a restarted registry adds to its image is right, too.
  void check_changes(const saved_image& before, group_registry& restarted,
    const holdings& expected) {
    auto entries = before.entries;
    for (auto& change : restarted.take_changes())
      if (change.value)
        entries[change.key] = *change.value;
      else
        entries.erase(change.key);
    group_registry again{host_.config, test::counting_uuids()};
    for (const auto& [key, value] : entries)
      REQUIRE(again.load(key, value).ok());
    again.finish_load(host_.now_ms, host_.wall_ms());
    REQUIRE(held_by(again) == expected);
  }

  std::mt19937_64 random_;
  bool appends_fail_;
  group_host host_;
  std::vector<saved_image> images_;
};

} // namespace

TEST_CASE("R28: whatever transactions do, their offsets count as the log says, "
          "and any image with the rest of the log holds the same",
  "[cluster][group_transactions_random]") {
  size_t committed = 0;
  size_t from_images = 0;
  size_t unstable = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    walk w{seed, seed % 2 == 0};
    w.run(600);
    committed += w.committed;
    from_images += w.from_images;
    unstable += w.unstable;
  }
  CHECK(committed > 1'000);
  CHECK(from_images > 500);
  CHECK(unstable > 100);
}

} // namespace millrace
