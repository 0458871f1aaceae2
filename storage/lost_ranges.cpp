#include "storage/lost_ranges.hpp"

#include <algorithm>
#include <sstream>

namespace millrace {

namespace {

// `0`, the count, then `first end segment position` a line.
constexpr std::string_view file_name = "/millrace.lost-ranges";

} // namespace

result<void> lost_ranges::load(
  file_system& files, const std::string& directory) {
  const auto path = directory + std::string{file_name};
  auto text = read_file(files, path);
  if (!text)
    return text.error().code == errc::not_found ? result<void>{} : text.error();
  std::istringstream in{*text};
  int version = -1;
  size_t count = 0;
  const bool begun = static_cast<bool>(in >> version >> count);
  hole h;
  while (begun && version == 0 && holes_.size() < count
         && in >> h.first.value >> h.end.value >> h.segment_base.value
              >> h.resume_position)
    holes_.push_back(h);
  const bool ordered
    = std::all_of(holes_.begin(), holes_.end(), [](const hole& each) {
        return each.first >= offset{0}
               && (each.first < each.end
                   || (each.first == each.end && each.resume_position > 0));
      });
  if (!begun || version != 0 || holes_.size() != count || !ordered)
    return error{errc::corrupt, path + ": not what the format asks for"};
  return {};
}

result<void> lost_ranges::save(
  file_system& files, const std::string& directory) const {
  std::string text = "0\n" + std::to_string(holes_.size()) + "\n";
  for (const auto& h : holes_)
    text += std::to_string(h.first.value) + " " + std::to_string(h.end.value)
            + " " + std::to_string(h.segment_base.value) + " "
            + std::to_string(h.resume_position) + "\n";
  return replace_file(files, directory + std::string{file_name}, text);
}

bool lost_ranges::add(const hole& h) {
  for (const auto& known : holes_)
    if (known.first <= h.first && h.end <= known.end)
      return false;
  std::erase_if(holes_, [&](const hole& known) {
    return h.first <= known.first && known.end <= h.end;
  });
  holes_.push_back(h);
  return true;
}

bool lost_ranges::truncate_to(offset end) {
  return std::erase_if(holes_, [&](const hole& h) {
    return h.end > end;
  }) > 0;
}

void lost_ranges::advance_start(offset start) {
  // Nothing is missing there any more, but a search in the segment must not
  // walk through it.
  for (auto& h : holes_)
    if (h.end <= start)
      h.first = h.end;
  std::erase_if(holes_, [&](const hole& h) {
    return h.end <= start && h.resume_position == 0;
  });
}

const lost_ranges::hole* lost_ranges::holding(offset at) const {
  const auto found
    = std::find_if(holes_.begin(), holes_.end(), [&](const hole& h) {
        return h.first <= at && at < h.end;
      });
  return found == holes_.end() ? nullptr : &*found;
}

offset lost_ranges::next_above(offset from, offset limit) const {
  for (const auto& h : holes_)
    if (h.first < h.end && h.first > from)
      limit = std::min(limit, h.first);
  return limit;
}

std::optional<offset> lost_ranges::first() const {
  std::optional<offset> lowest;
  for (const auto& h : holes_)
    if (h.first < h.end && (!lowest || h.first < *lowest))
      lowest = h.first;
  return lowest;
}

uint64_t lost_ranges::floor_for(offset from, offset segment_base) const {
  uint64_t floor = 0;
  for (const auto& h : holes_)
    if (h.segment_base == segment_base && from >= h.end)
      floor = std::max(floor, h.resume_position);
  return floor;
}

bool lost_ranges::interrupt(offset segment_base) const {
  return std::any_of(holes_.begin(), holes_.end(), [&](const hole& h) {
    return h.segment_base == segment_base && h.resume_position > 0;
  });
}

} // namespace millrace
