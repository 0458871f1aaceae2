// Which starts a directory has seen: a copy of it that comes back, out of a
// backup, lacks the later ones, and what was acknowledged in them.
// docs/formats/data-directory.md shows the file.

#include "storage/data_directory.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr std::string_view starts_name = "millrace.starts";
constexpr std::string_view version_line = "0";
constexpr std::string_view outdated_line = "outdated";
/// More than one, as the cluster's own metadata may come out of a backup.
constexpr size_t starts_kept = 64;

/// Takes one line off `text`; nothing if no whole line is left.
std::optional<std::string_view> next_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos)
    return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

} // namespace

result<void> data_directory::read_starts() {
  auto text = read_file(files_, at(starts_name));
  if (!text && text.error().code == errc::not_found)
    return {};
  if (!text)
    return text.error();
  std::string_view rest = *text;
  const auto version = next_line(rest);
  if (!version)
    return error{errc::corrupt, at(starts_name) + " is cut short"};
  if (*version != version_line)
    return error{errc::unsupported,
      at(starts_name) + ": version " + std::string{*version}
        + " is unknown to this version of Millrace, which knows 0"};
  while (const auto line = next_line(rest)) {
    if (*line == outdated_line)
      return error{errc::invalid_argument,
        "is an older copy of itself: the cluster has seen a later start of "
        "node "
          + std::to_string(identity_.node.value)
          + ", and what it has acknowledged since is not here; empty the "
            "directory, and the node fetches everything from the others"};
    if (!parse_uuid(*line, starts_.emplace_back()))
      return error{errc::corrupt, at(starts_name) + ": a line is no id"};
  }
  if (!rest.empty())
    return error{errc::corrupt, at(starts_name) + " is cut short"};
  return {};
}

result<void> data_directory::write_starts(std::vector<uuid> starts) {
  std::string text{version_line};
  text += '\n';
  for (const auto& start : starts)
    text += to_string(start) + "\n";
  MILLRACE_TRY(replace_file(files_, at(starts_name), text));
  starts_ = std::move(starts);
  return {};
}

result<void> data_directory::note_start(const uuid& start) {
  auto all = starts_;
  all.push_back(start);
  return write_starts(std::move(all));
}

result<void> data_directory::confirm_start(const uuid& start) {
  auto all = starts_;
  if (all.empty() || all.back() != start)
    all.push_back(start);
  if (all.size() > starts_kept)
    all.erase(all.begin(), all.end() - starts_kept);
  if (all == starts_)
    return {};
  return write_starts(std::move(all));
}

result<void> data_directory::mark_outdated() {
  return replace_file(files_, at(starts_name),
    std::string{version_line} + "\n" + std::string{outdated_line} + "\n");
}

} // namespace millrace
