#pragma once

// A replayable state of which some changes are on their way into the log (R20).

#include "schema/assert.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// State has apply(const Record&).
template <class State, class Record>
class staged_state {
public:
  explicit staged_state(std::string id)
      : latest_(id), committed_(std::move(id)) {}

  /// With all that has been decided: what decisions read.
  [[nodiscard]] const State& latest() const {
    return latest_;
  }
  /// Whose changes the caller then stages, all of them.
  [[nodiscard]] State& latest() {
    return latest_;
  }
  /// What is durable: what others are shown.
  [[nodiscard]] const State& committed() const {
    return committed_;
  }
  /// The append that all of latest() is durable with; 0: it is.
  [[nodiscard]] uint64_t last_append() const {
    return pending_.empty() ? 0 : pending_.back().first;
  }

  /// One record of the log, while it is loaded.
  void replay(const Record& record) {
    latest_.apply(record);
    committed_.apply(record);
  }
  /// These records, which latest() has, are being appended. Appends that
  /// succeed end in their order.
  void stage(uint64_t append_id, std::vector<Record> records) {
    if (records.empty())
      return;
    if (last_append() != append_id)
      pending_.emplace_back(append_id, std::move(records));
    else
      std::ranges::move(records, std::back_inserter(pending_.back().second));
  }
  /// The append has ended. If it has failed its records count no more.
  void end_append(uint64_t append_id, bool durable) {
    const auto it = std::ranges::find_if(pending_, [&](const auto& entry) {
      return entry.first == append_id;
    });
    MILLRACE_ASSERT(
      it != pending_.end() && (!durable || it == pending_.begin()),
      "appends that succeed end in their order");
    const auto records = std::move(it->second);
    pending_.erase(it);
    if (durable) {
      for (const auto& record : records)
        committed_.apply(record);
      return;
    }
    latest_ = committed_;
    for (const auto& [id, later] : pending_)
      for (const auto& record : later)
        latest_.apply(record);
  }

private:
  State latest_;
  State committed_;
  std::deque<std::pair<uint64_t, std::vector<Record>>> pending_;
};

} // namespace millrace
