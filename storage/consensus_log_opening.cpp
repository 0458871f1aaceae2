// How a consensus log is opened: which files count, where the log ends, and
// whether what is broken was ever durable.

#include "storage/consensus_log.hpp"

#include <algorithm>

namespace millrace {

/// One opening. Each step either succeeds or says why the log cannot be had;
/// nothing is changed before it is known that the log is whole.
class consensus_log_opening {
public:
  explicit consensus_log_opening(consensus_log& log) : log_(log) {}

  result<void> run() {
    MILLRACE_TRY(make_directory_durable(log_.files_, log_.directory_));
    MILLRACE_TRY(find_segments());
    for (size_t i = 0; i < log_.segments_.size(); ++i)
      MILLRACE_TRY(scan(i));
    MILLRACE_TRY(check_hint());
    MILLRACE_TRY(cut_tail());
    MILLRACE_TRY(sync_all());
    MILLRACE_TRY(remove_leftovers());
    if (log_.segments_.empty())
      MILLRACE_TRY(log_.start_segment(1, 0, false));
    log_.first_index_ = log_.segments_.front().header.first_index;
    log_.durable_index_ = log_.last_index();
    return {};
  }

private:
  using segment = consensus_log::segment;

  [[nodiscard]] static error corrupt(
    const segment& s, uint64_t position, const std::string& what) {
    return {errc::corrupt, "consensus log " + s.path + ", byte "
                             + std::to_string(position) + ": " + what};
  }

  /// Keeps those that count, in order; the others are leftovers.
  result<void> find_segments() {
    auto entries = log_.files_.list(log_.directory_);
    if (!entries)
      return entries.error();
    // Names start with the sequence, so that they are in order.
    for (const auto& entry : *entries) {
      const auto path = log_.directory_ + "/" + entry.name;
      if (entry.name.ends_with(".new"))
        leftovers_.push_back(path);
      const auto named = consensus_segment_header::parse_name(entry.name);
      if (!named)
        continue;
      MILLRACE_TRY(take(path, *named));
      log_.next_sequence_ = named->sequence + 1;
    }
    return {};
  }

  result<void> take(
    const std::string& path, const consensus_segment_header& named) {
    segment s;
    s.path = path;
    auto opened = log_.files_.open(path, open_mode::read_write);
    // An earlier run may have ended with a failed sync (R6).
    if (opened)
      if (auto dropped = (*opened)->drop_cache(0); !dropped)
        return dropped.error();
    if (!opened)
      return opened.error();
    s.handle = std::move(*opened);
    std::array<std::byte, consensus_segment_header::bytes> head{};
    auto got = s.handle->read_at(0, head);
    if (!got)
      return got.error();
    const auto bytes = std::span{head}.first(*got);
    const auto version = consensus_segment_header::claimed_version(bytes);
    if (version > consensus_segment_header::version)
      return error{errc::unsupported,
        "consensus log " + path + ": version " + std::to_string(version)
          + " is unknown to this version of Millrace, which knows 1; start "
            "the version that wrote it"};
    const auto header = consensus_segment_header::decode(bytes);
    // The file got its name after its head was synced: never torn.
    if (!header || header->sequence != named.sequence
        || header->first_index != named.first_index)
      return corrupt(s, 0, "is no head of a segment");
    s.header = *header;
    auto& live = log_.segments_;
    while (!live.empty()
           && (s.header.starts_over
               || live.back().header.first_index >= s.header.first_index)) {
      leftovers_.push_back(live.back().path);
      live.pop_back();
    }
    live.push_back(std::move(s));
    return {};
  }

  /// Finds the entries of segment `i`. All but the last segment must be whole
  /// up to where the next one takes over.
  result<void> scan(size_t i) {
    auto& s = log_.segments_[i];
    auto size = s.handle->size();
    if (!size)
      return size.error();
    content_.resize(*size);
    auto got = s.handle->read_at(0, content_);
    if (!got)
      return got.error();
    content_.resize(*got);
    s.filled = *got;
    const bool is_last = i + 1 == log_.segments_.size();
    const uint64_t next_first
      = is_last ? UINT64_MAX : log_.segments_[i + 1].header.first_index;
    uint64_t term = s.header.previous_term;
    while (s.next_index() < next_first) {
      const auto head
        = consensus_entry_header::decode(content_, s.end, s.header.sequence);
      if (!head || head->index != s.next_index() || head->term < term)
        break;
      term = head->term;
      s.places.push_back({term, s.end, head->payload_bytes});
      s.end += head->stride();
    }
    if (is_last)
      return check_tail(s);
    const auto& next = log_.segments_[i + 1].header;
    if (s.next_index() != next_first || next.previous_term != term)
      return corrupt(s, s.end,
        "entry " + std::to_string(s.next_index())
          + " is broken, and was durable once");
    return {};
  }

  /// What follows the last whole entry is cut, unless a later entry says that
  /// it was written after this one was synced (R10).
  result<void> check_tail(const segment& s) {
    const std::span<const std::byte> bytes = content_;
    const auto broken = s.next_index();
    const auto index_max = broken + bytes.size() / 8;
    for (auto at = s.end; at < bytes.size(); at += 8) {
      const auto seen = consensus_entry_header::peek(bytes, at);
      // The position is checked by the checksum.
      if (seen && seen->index > broken && seen->index < index_max
          && seen->synced_index >= broken
          && consensus_entry_header::decode(bytes, at, s.header.sequence))
        return corrupt(s, s.end,
          "entry " + std::to_string(broken)
            + " is broken, and was durable when entry "
            + std::to_string(seen->index) + " was written");
    }
    const auto after = bytes.subspan(std::min<size_t>(s.end, bytes.size()));
    const auto last
      = std::find_if(after.rbegin(), after.rend(), [](std::byte b) {
          return b != std::byte{0};
        });
    tail_bytes_ = static_cast<uint64_t>(after.rend() - last);
    return {};
  }

  result<void> check_hint() {
    const auto hint = log_.options_.durable_hint;
    if (hint == 0)
      return {};
    if (log_.segments_.empty())
      return error{errc::corrupt,
        "consensus log " + log_.directory_ + ": has no segments, but entry "
          + std::to_string(hint) + " was durable once"};
    const auto& s = log_.segments_.back();
    if (s.next_index() <= hint)
      return corrupt(s, s.end,
        "entry " + std::to_string(s.next_index())
          + " is broken or missing, but entry " + std::to_string(hint)
          + " was durable once");
    return {};
  }

  result<void> cut_tail() {
    if (tail_bytes_ == 0)
      return {};
    auto& s = log_.segments_.back();
    const std::vector<std::byte> zeros(tail_bytes_);
    MILLRACE_TRY(s.handle->write_at(s.end, zeros));
    log_.recovery_.cut_bytes = tail_bytes_;
    log_.recovery_.cut_file = s.path;
    log_.recovery_.cut_position = s.end;
    return {};
  }

  /// What was read may be in the page cache only (R5).
  result<void> sync_all() {
    for (auto& s : log_.segments_)
      MILLRACE_TRY(s.handle->sync());
    return log_.files_.sync_directory(log_.directory_);
  }

  result<void> remove_leftovers() {
    for (const auto& path : leftovers_)
      MILLRACE_TRY(log_.files_.remove(path));
    log_.recovery_.files_removed = leftovers_.size();
    if (leftovers_.empty())
      return {};
    return log_.files_.sync_directory(log_.directory_);
  }

  consensus_log& log_;
  std::vector<std::string> leftovers_;
  std::vector<std::byte> content_; // of the segment being scanned
  uint64_t tail_bytes_ = 0;        // not zero after the last whole entry
};

result<std::unique_ptr<consensus_log>> consensus_log::open(file_system& files,
  const std::string& directory, consensus_log_options options) {
  std::unique_ptr<consensus_log> log{
    new consensus_log{files, directory, options}};
  MILLRACE_TRY(consensus_log_opening{*log}.run());
  return log;
}

} // namespace millrace
