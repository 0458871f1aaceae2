#include "simulation/history.hpp"

#include <algorithm>
#include <span>
#include <tuple>

namespace millrace {

namespace {

constexpr uint64_t examples_max = 3; // of each kind

/// A record that is there for certain.
struct known_record {
  int32_t partition;
  int64_t offset;
  uint64_t value;
  bool was_read;

  [[nodiscard]] auto place() const {
    return std::tuple{partition, offset};
  }
};

std::string at(int32_t partition, int64_t offset) {
  return "partition " + std::to_string(partition) + " offset "
         + std::to_string(offset);
}

class judgement {
public:
  explicit judgement(history what) : what_(std::move(what)) {}

  history_verdict run() {
    collect();
    compare_places();
    compare_values();
    look_for_the_lost();
    judge_reads();
    judge_runs();
    settle_by_reads();
    judge_order();
    return std::move(verdict_);
  }

private:
  void found(anomaly kind, const std::string& text) {
    if (++verdict_.counts[static_cast<size_t>(kind)] <= examples_max)
      verdict_.examples.push_back(std::string{to_string(kind)} + ": " + text);
  }

  void collect() {
    known_.reserve(what_.sends.size() + what_.reads.size());
    for (const auto& s : what_.sends)
      if (s.outcome == send_outcome::acknowledged && s.offset >= 0)
        known_.push_back({s.partition, s.offset, s.value, false});
    for (const auto& r : what_.reads)
      known_.push_back({r.partition, r.offset, r.value, true});
    std::sort(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return std::tuple{a.partition, a.offset, a.value, !a.was_read}
             < std::tuple{b.partition, b.offset, b.value, !b.was_read};
    });
    // What was both acknowledged and read stays as read.
    known_.erase(std::unique(known_.begin(), known_.end(),
                   [](const auto& a, const auto& b) {
                     return a.place() == b.place() && a.value == b.value;
                   }),
      known_.end());
  }

  void compare_places() {
    for (size_t i = 1; i < known_.size(); ++i)
      if (known_[i].place() == known_[i - 1].place())
        found(anomaly::inconsistent_offset,
          at(known_[i].partition, known_[i].offset) + " holds "
            + std::to_string(known_[i - 1].value) + " and "
            + std::to_string(known_[i].value));
  }

  void compare_values() {
    std::vector<known_record> by_value = known_;
    std::sort(
      by_value.begin(), by_value.end(), [](const auto& a, const auto& b) {
        return std::tuple{a.value, a.partition, a.offset}
               < std::tuple{b.value, b.partition, b.offset};
      });
    for (size_t i = 1; i < by_value.size(); ++i)
      if (by_value[i].value == by_value[i - 1].value)
        found(anomaly::duplicate,
          std::to_string(by_value[i].value) + " is at "
            + at(by_value[i - 1].partition, by_value[i - 1].offset) + " and at "
            + at(by_value[i].partition, by_value[i].offset));
  }

  /// known_ is sorted: from the back, a partition's last read record is met
  /// first.
  void look_for_the_lost() {
    std::vector<std::tuple<int32_t, int64_t>> there;
    for (const auto& r : what_.reads)
      if (r.run == what_.final_run)
        there.emplace_back(r.partition, r.offset);
    std::sort(there.begin(), there.end());
    bool reads_follow = false;
    for (size_t i = known_.size(); i-- > 0;) {
      const auto& k = known_[i];
      if (i + 1 < known_.size() && known_[i + 1].partition != k.partition)
        reads_follow = false;
      const auto text
        = std::to_string(k.value)
          + (k.was_read ? " was read at " : " was acknowledged at ")
          + at(k.partition, k.offset);
      if (!k.was_read && reads_follow)
        found(anomaly::lost, text);
      else if (what_.final_run
               && !std::binary_search(there.begin(), there.end(), k.place()))
        found(anomaly::unseen, text);
      reads_follow = reads_follow || k.was_read;
    }
  }

  void judge_reads() {
    std::vector<std::pair<uint64_t, send_outcome>> sent;
    sent.reserve(what_.sends.size());
    for (const auto& s : what_.sends)
      sent.emplace_back(s.value, s.outcome);
    std::sort(sent.begin(), sent.end());
    for (const auto& k : known_) {
      if (!k.was_read)
        continue;
      const auto from = std::lower_bound(sent.begin(), sent.end(),
        std::pair{k.value, send_outcome::acknowledged});
      if (from == sent.end() || from->first != k.value)
        found(anomaly::phantom_read,
          at(k.partition, k.offset) + " holds " + std::to_string(k.value));
      else if (from->second == send_outcome::refused)
        found(anomaly::aborted_read, at(k.partition, k.offset) + " holds "
                                       + std::to_string(k.value)
                                       + ", which was refused");
    }
  }

  /// How many records are known below this place.
  [[nodiscard]] int64_t rank(int32_t partition, int64_t offset) const {
    return std::lower_bound(known_.begin(), known_.end(),
             std::tuple{partition, offset},
             [](const auto& k, const auto& place) {
               return k.place() < place;
             })
           - known_.begin();
  }

  void judge_runs() {
    auto& reads = what_.reads;
    std::stable_sort(
      reads.begin(), reads.end(), [](const auto& a, const auto& b) {
        return std::tuple{a.run, a.partition} < std::tuple{b.run, b.partition};
      });
    for (size_t i = 1; i < reads.size(); ++i) {
      const auto& before = reads[i - 1];
      const auto& now = reads[i];
      if (before.run != now.run || before.partition != now.partition)
        continue;
      const auto text = "run " + std::to_string(now.run) + " read "
                        + at(now.partition, now.offset) + " after offset "
                        + std::to_string(before.offset);
      if (now.offset <= before.offset)
        found(anomaly::backward_read, text);
      else if (rank(now.partition, now.offset)
               > rank(now.partition, before.offset + 1))
        found(anomaly::skipped_read, text);
    }
  }

  /// Accepted ones that were read stayed, where they were said to be; the
  /// others are forgotten. Acknowledged ones without an offset are where they
  /// were read.
  void settle_by_reads() {
    std::vector<std::tuple<uint64_t, int32_t, int64_t>> there;
    for (const auto& k : known_)
      if (k.was_read)
        there.emplace_back(k.value, k.partition, k.offset);
    std::sort(there.begin(), there.end());
    for (auto& s : what_.sends) {
      const bool somewhere
        = s.outcome == send_outcome::acknowledged && s.offset < 0;
      if (s.outcome != send_outcome::accepted && !somewhere)
        continue;
      const auto at_value = std::lower_bound(
        there.begin(), there.end(), std::tuple{s.value, INT32_MIN, INT64_MIN});
      if (at_value == there.end() || std::get<0>(*at_value) != s.value) {
        if (somewhere && what_.final_run)
          found(anomaly::lost, std::to_string(s.value)
                                 + " was acknowledged without an offset for "
                                   "partition "
                                 + std::to_string(s.partition));
        s.outcome = send_outcome::unknown;
        continue;
      }
      if (somewhere)
        s.offset = std::get<2>(*at_value);
      if (std::get<1>(*at_value) != s.partition
          || std::get<2>(*at_value) != s.offset)
        found(anomaly::duplicate,
          std::to_string(s.value) + " was accepted at "
            + at(s.partition, s.offset) + " and is at "
            + at(std::get<1>(*at_value), std::get<2>(*at_value)));
      s.outcome = send_outcome::acknowledged;
    }
  }

  void judge_order() {
    auto& sends = what_.sends;
    std::erase_if(sends, [](const auto& s) {
      return s.outcome != send_outcome::acknowledged;
    });
    if (what_.clients_are_ordered) {
      std::stable_sort(
        sends.begin(), sends.end(), [](const auto& a, const auto& b) {
          return std::tuple{a.client, a.partition}
                 < std::tuple{b.client, b.partition};
        });
      for (size_t i = 1; i < sends.size(); ++i)
        if (sends[i - 1].client == sends[i].client
            && sends[i - 1].partition == sends[i].partition
            && sends[i].offset <= sends[i - 1].offset)
          found(anomaly::backward_send,
            "client " + std::to_string(sends[i].client) + " sent "
              + std::to_string(sends[i].value) + " to "
              + at(sends[i].partition, sends[i].offset) + " after offset "
              + std::to_string(sends[i - 1].offset));
    }
    std::sort(sends.begin(), sends.end(), [](const auto& a, const auto& b) {
      return std::tuple{a.partition, a.begin}
             < std::tuple{b.partition, b.begin};
    });
    for (size_t i = 0; i < sends.size();) {
      size_t end = i;
      while (end < sends.size() && sends[end].partition == sends[i].partition)
        ++end;
      judge_real_time(std::span{sends}.subspan(i, end - i));
      i = end;
    }
  }

  /// @param by_begin of one partition: what had ended when a record was sent
  /// lies before it.
  void judge_real_time(std::span<const sent_record> by_begin) {
    std::vector<const sent_record*> by_end;
    by_end.reserve(by_begin.size());
    for (const auto& s : by_begin)
      by_end.push_back(&s);
    std::sort(by_end.begin(), by_end.end(), [](const auto* a, const auto* b) {
      return a->end < b->end;
    });
    size_t ended = 0;
    const sent_record* furthest = nullptr;
    for (const auto& s : by_begin) {
      for (; ended < by_end.size() && by_end[ended]->end < s.begin; ++ended)
        if (furthest == nullptr || by_end[ended]->offset > furthest->offset)
          furthest = by_end[ended];
      if (furthest != nullptr && s.offset <= furthest->offset)
        found(anomaly::out_of_real_time,
          std::to_string(s.value) + " was sent to " + at(s.partition, s.offset)
            + " after " + std::to_string(furthest->value)
            + " had been acknowledged at offset "
            + std::to_string(furthest->offset));
    }
  }

  history what_;
  std::vector<known_record> known_; // by place
  history_verdict verdict_;
};

} // namespace

const char* to_string(anomaly kind) {
  switch (kind) {
  case anomaly::inconsistent_offset:
    return "two values at one offset";
  case anomaly::duplicate:
    return "a record that is there twice";
  case anomaly::lost:
    return "an acknowledged record is lost";
  case anomaly::unseen:
    return "a record is not there at the end";
  case anomaly::phantom_read:
    return "a value from nowhere";
  case anomaly::aborted_read:
    return "a refused record was read";
  case anomaly::backward_read:
    return "a reader went back";
  case anomaly::skipped_read:
    return "a reader left out a record";
  case anomaly::backward_send:
    return "a client's records changed their order";
  case anomaly::out_of_real_time:
    return "a later record lies before an acknowledged one";
  }
  return "?";
}

history_verdict judge(history what) {
  return judgement{std::move(what)}.run();
}

} // namespace millrace
