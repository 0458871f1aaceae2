#include "actors/group_coordinator_load.hpp"

#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

using self_pointer = group_coordinator_pointer;

/// Between two looks at a log that is not committed to its end yet.
constexpr auto replay_pause = std::chrono::milliseconds{20};

/// `g/<partition>/`: where the image of these groups lies.
std::string image_prefix(const group_coordinator_state& s) {
  return "g/" + std::to_string(s.options.partition) + "/";
}

/// The key, next to those of group_image, that says up to where the image
/// goes and of which topic's log.
constexpr const char* head_key = "head";

/// Takes the image that was there away: it is not of this log.
void discard_image(self_pointer self) {
  auto& s = self->state;
  image_commit commit;
  for (auto& key : std::exchange(s.image_keys, {}))
    commit.writes.push_back({image_prefix(s) + key, std::nullopt});
  if (!commit.writes.empty())
    tell(self, s.options.keeper, std::move(commit));
}

/// Where the replay of the log goes on, or nothing if the image is of
/// another log or cannot be read.
std::optional<offset> load(
  group_coordinator_state& s, const image_pairs& image) {
  std::optional<offset> applied;
  for (const auto& [key, value] : image.pairs)
    if (key == head_key && value.size() > 23
        && value.substr(0, 22) == to_string(s.options.topic_id))
      applied = offset{std::strtoll(value.c_str() + 23, nullptr, 10)};
  if (!applied)
    return std::nullopt;
  for (const auto& [key, value] : image.pairs)
    if (key != head_key)
      if (auto done = s.groups->load(key, value); !done) {
        log::warn("the image of the groups of __consumer_offsets-{} cannot "
                  "be used: {}",
          s.options.partition, to_string(done.error()));
        return std::nullopt;
      }
  return applied;
}

/// An empty registry, to be filled from the beginning of the log.
void start_over(group_coordinator_state& s) {
  s.groups = std::make_unique<group_registry>(s.options.config, [env = s.env] {
    return env->random_uuid();
  });
  s.groups->set_topics(s.topics);
  s.groups->configure(s.overrides);
  s.next_to_replay = offset{0};
  s.replay_from = offset{0};
}

void restart_replay(self_pointer self) {
  discard_image(self);
  start_over(self->state);
  replay_some(self);
}

/// Applies a batch, or the part of it that is not in the image.
result<void> replay(group_coordinator_state& s, const batch_view& batch) {
  if (batch.is_control()) {
    const auto marker = marker_in(batch);
    if (marker && batch.base_offset() >= s.next_to_replay)
      s.groups->replay_marker(marker->producer, marker->commit);
    return {};
  }
  const auto producer
    = batch.is_transactional() ? batch.producer() : producer_id{-1};
  result<void> applied;
  auto read = read_records(batch, [&](const record_view& record) {
    if (applied.ok() && record.key && record.at >= s.next_to_replay)
      applied
        = s.groups->replay({record.at, producer}, *record.key, record.value);
  });
  return applied.ok() ? std::move(read) : std::move(applied);
}

/// Applies what came, and moves on.
result<void> replay(group_coordinator_state& s, const log_answer& answer) {
  const auto next = for_each_batch(
    answer.bytes.span(), s.next_to_replay, [&](const batch_view& batch) {
      return replay(s, batch);
    });
  MILLRACE_TRY(next);
  s.next_to_replay = *next;
  return {};
}

} // namespace

void ask_for_image(self_pointer self) {
  auto& s = self->state;
  start_over(s);
  tell(self, s.options.keeper, image_ask{image_prefix(s)});
}

void begin_replay(self_pointer self, const image_pairs& image) {
  auto& s = self->state;
  if (!image.why.empty())
    log::warn("the image of the groups of __consumer_offsets-{} cannot "
              "be read: {}",
      s.options.partition, image.why);
  for (const auto& [key, value] : image.pairs)
    s.image_keys.push_back(key);
  if (const auto applied = load(s, image)) {
    s.next_to_replay = s.replay_from = s.saved_end = *applied;
  } else {
    discard_image(self);
    start_over(s);
  }
  replay_some(self);
}

void replay_some(self_pointer self) {
  auto& s = self->state;
  tell(self, s.options.log, log_ask{0, ask_bytes{s.next_to_replay}});
}

bool on_bytes(self_pointer self, const log_answer& answer) {
  auto& s = self->state;
  if (answer.error == kafka_error::not_leader_or_follower) {
    // The partition has yet to hear that it leads, or leads no more.
    self->delayed_send(self, replay_pause, replay_more{});
    return false;
  }
  if (answer.error != kafka_error::none) {
    log::error("the groups of __consumer_offsets-{} cannot be loaded: {} {}",
      s.options.partition, to_string(answer.error), answer.message);
    self->quit(caf::exit_reason::unhandled_exception);
    return false;
  }
  if (s.replay_from.value > 0 && s.replay_from < answer.clean_until) {
    // Compaction has been where the replay would go: a tombstone or a marker
    // that takes something out of the image may be gone. The log says it all.
    log::info("the image of the groups of __consumer_offsets-{} ends at {}, "
              "below {}, up to where its log is compacted; it is built again",
      s.options.partition, s.replay_from.value, answer.clean_until.value);
    restart_replay(self);
    return false;
  }
  if (s.next_to_replay < answer.log_start) {
    // R21: what the image had is neither there nor in the log.
    log::error("the committed offsets of __consumer_offsets-{} below {} are "
               "lost with their image; groups that committed nothing since "
               "begin as auto.offset.reset says",
      s.options.partition, answer.log_start.value);
    s.next_to_replay = answer.log_start;
  }
  if (auto done = replay(s, answer); !done) {
    log::error("the groups of __consumer_offsets-{} cannot be loaded: {}",
      s.options.partition, to_string(done.error()));
    self->quit(caf::exit_reason::unhandled_exception);
    return false;
  }
  if (s.next_to_replay < answer.high_watermark) {
    replay_some(self);
    return false;
  }
  if (s.next_to_replay < answer.log_end) {
    // Earlier leaders left it: it will be committed here, and until then
    // nothing is known for sure (R20).
    self->delayed_send(self, replay_pause, replay_more{});
    return false;
  }
  if (s.replay_from > answer.high_watermark) {
    // R21: an image that is ahead of its log is of a log that is gone.
    log::warn("the image of the groups of __consumer_offsets-{} is ahead of "
              "its log and is built again: it has {}, and the log {} of {}",
      s.options.partition, s.replay_from.value, answer.high_watermark.value,
      answer.log_end.value);
    restart_replay(self);
    return false;
  }
  return true;
}

void save_image(self_pointer self) {
  auto& s = self->state;
  if (s.applied_end == s.saved_end)
    return;
  const auto prefix = image_prefix(s);
  image_commit commit{static_cast<uint64_t>(s.applied_end.value), {}};
  for (auto& change : s.groups->take_changes())
    commit.writes.push_back({prefix + change.key, std::move(change.value)});
  commit.writes.push_back({prefix + head_key,
    to_string(s.options.topic_id) + " " + std::to_string(s.applied_end.value)});
  s.saved_end = s.applied_end;
  tell(self, s.options.keeper, std::move(commit));
}

} // namespace millrace
