#pragma once

// Who owns the partitions of a consumer group, as its members know it, what
// they have committed, and the judgement of that: a partition belongs to one
// member at a time, and who has lost it commits nothing for it (KIP-848, and
// the classic protocol).

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// Pure. Times are of one clock for all members, in any unit.
class owner_book {
public:
  using member = uint32_t; ///< one life of one
  enum class outcome : uint8_t { taken, refused, unknown };

  [[nodiscard]] member next_member() {
    return ++members_;
  }

  /// The coordinator has said that the member owns these, and others, and keeps
  /// its session until then at least.
  void owns(member who, const std::set<int32_t>& partitions, int64_t until,
    int64_t now);
  /// It has heard that its session goes on.
  void stays(member who, int64_t until, int64_t now);
  void gives_up(member who, int32_t partition);
  void gives_up_all(member who);

  /// An offset goes out; each is greater than those before. Returns it.
  [[nodiscard]] int64_t commits(member who, int32_t partition, int64_t now);
  void answered(int64_t offset, outcome is);
  /// A coordinator that is one shows this offset of the partition, -1 for none.
  /// @param least what was taken before it was asked: taken()
  void shown(int32_t partition, int64_t offset, int64_t least);
  /// The last offset of the partition that was taken, or -1.
  [[nodiscard]] int64_t taken(int32_t partition) const;

  /// Whether all of these have one owner each, for some time to come.
  [[nodiscard]] bool is_settled(int32_t partition_count, int64_t now) const;
  /// Who owns what, for whoever asks why a run does not end.
  [[nodiscard]] std::string text(int64_t now) const;
  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }
  /// Partitions that went from one member to another.
  [[nodiscard]] uint64_t moves() const {
    return moves_;
  }
  /// Commits of members that had lost what they committed for.
  [[nodiscard]] uint64_t refused_late() const {
    return refused_late_;
  }

private:
  struct commit {
    member who = 0;
    int32_t partition = 0;
    member rival = 0; ///< who owned it when it went out; 0: nobody else
    outcome is = outcome::unknown;
  };

  void fail(std::string what);
  void check_alone(member who, int32_t partition, int64_t now);
  /// Another one that owns it now; 0: there is none.
  [[nodiscard]] member rival_of(
    member who, int32_t partition, int64_t now) const;

  member members_ = 0;
  /// Until when each member owns it, as far as that is certain.
  std::map<int32_t, std::map<member, int64_t>> claims_;
  std::map<int32_t, member> last_owner_;
  std::vector<commit> commits_; ///< by offset
  std::map<int32_t, int64_t> taken_;
  std::string violation_;
  uint64_t moves_ = 0;
  uint64_t refused_late_ = 0;
};

} // namespace millrace
