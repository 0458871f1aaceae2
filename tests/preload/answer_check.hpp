#pragma once

// That an answer leaves only after the sync of what it promises: read from
// the order of the record alone, at each send.

#include "tests/preload/history.hpp"
#include "tests/preload/recorded_disk.hpp"

namespace millrace::preload {

class answer_check {
public:
  /// Both must outlive it.
  answer_check(
    const recording& record, const history& done, const recorded_disk& disk);

  /// Precondition: the disk has replayed everything before `place`. A
  /// sentence for the first answer that leaves there too early; else empty.
  [[nodiscard]] std::string check(size_t place);

  /// Answers to acks=all that were looked at, and bytes sent to consumers.
  [[nodiscard]] size_t answer_count() const {
    return answer_count_;
  }
  [[nodiscard]] size_t consumed_bytes() const {
    return consumed_bytes_;
  }

private:
  [[nodiscard]] std::string check_produce(const operation& o) const;
  [[nodiscard]] std::string check_sent_file(size_t place);

  const recording& record_;
  const history& done_;
  const recorded_disk& disk_;
  std::multimap<size_t, size_t> answers_; ///< place -> index of the history
  size_t answer_count_ = 0;
  size_t consumed_bytes_ = 0;
};

} // namespace millrace::preload
