#pragma once

// What one call of the registry gathers while it walks through its groups:
// answers, records, and what is to happen once those are durable.

#include "cluster/group_config.hpp"
#include "cluster/group_effects.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class group_state;

class group_turn {
public:
  /// Runs in a later turn, when the records of this one are durable (none) or
  /// have failed to be.
  using continuation = std::function<void(group_turn&, kafka_error)>;
  /// A group by its id, or null: it may have gone meanwhile.
  using group_finder = std::function<group_state*(const std::string&)>;

  group_turn(const group_config& config, group_finder find, int64_t now_ms,
    int64_t wall_ms)
      : config(config), find(std::move(find)), now_ms(now_ms),
        wall_ms(wall_ms) {}

  const group_config& config;
  const group_finder find;
  const int64_t now_ms;
  const int64_t wall_ms;

  void reply(uint64_t token, group_reply answer) {
    effects.replies.emplace_back(token, std::move(answer));
  }
  void append(offsets_record record) {
    effects.records.push_back(std::move(record));
  }
  /// Answers once the records of this turn are durable; at once if there are
  /// none. A failure of the append goes through `refuse`, which turns an
  /// error into the answer (R20).
  template <class Reply, class Refuse>
  void reply_when_durable(uint64_t token, Reply answer, Refuse refuse) {
    if (effects.records.empty()) {
      reply(token, std::move(answer));
      return;
    }
    continuations.push_back(
      [token, answer = std::move(answer), refuse = std::move(refuse)](
        group_turn& later, kafka_error error) {
        later.reply(
          token, error == kafka_error::none ? answer : refuse(answer, error));
      });
  }
  void when_durable(continuation then) {
    continuations.push_back(std::move(then));
  }

  group_effects effects;
  std::vector<continuation> continuations;
};

/// What a client is told when its group's record could not be written.
[[nodiscard]] kafka_error group_append_error(kafka_error error);
/// The same for offsets.
[[nodiscard]] kafka_error offset_append_error(kafka_error error);

} // namespace millrace
