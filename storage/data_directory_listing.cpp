#include "storage/data_directory_listing.hpp"

#include <algorithm>
#include <charconv>

namespace millrace {

namespace {

constexpr std::string_view metadata_name = "/partition.metadata";
constexpr size_t topic_bytes_max = 249;
constexpr size_t name_bytes_max = 255;

bool is_topic_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= topic_bytes_max && name != "."
         && name != ".." && std::all_of(name.begin(), name.end(), legal);
}

constexpr std::string_view deleted_mark = "-delete";
constexpr std::string_view future_mark = "-future";
constexpr size_t unique_digits = 32;

/// The front of `name` is what is cut.
std::string marked_name(
  std::string_view name, const uuid& unique, std::string_view mark) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string tail = ".";
  for (const auto half : {unique.high, unique.low})
    for (int shift = 60; shift >= 0; shift -= 4)
      tail += hex[(half >> shift) & 15u];
  tail += mark;
  return std::string{name.substr(0, name_bytes_max - tail.size())} + tail;
}

} // namespace

std::optional<topic_partition> parse_log_directory_name(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto topic = name.substr(0, dash);
  const auto digits = name.substr(dash + 1);
  topic_partition parsed{std::string{topic}};
  const auto end = digits.data() + digits.size();
  const auto [at, code] = std::from_chars(digits.data(), end, parsed.partition);
  if (!is_topic_name(topic) || code != std::errc{} || at != end
      || parsed.partition < 0 || (digits.size() > 1 && digits[0] == '0'))
    return std::nullopt;
  return parsed;
}

std::string deleted_directory_name(std::string_view name, const uuid& unique) {
  return marked_name(name, unique, deleted_mark);
}

std::string future_directory_name(std::string_view name, const uuid& unique) {
  return marked_name(name, unique, future_mark);
}

std::optional<topic_partition> parse_future_directory_name(
  std::string_view name) {
  constexpr size_t tail_bytes = 1 + unique_digits + future_mark.size();
  if (name.size() <= tail_bytes || !name.ends_with(future_mark)
      || name[name.size() - tail_bytes] != '.')
    return std::nullopt;
  return parse_log_directory_name(name.substr(0, name.size() - tail_bytes));
}

std::string format_partition_metadata(const uuid& topic_id) {
  return "version: 0\ntopic_id: " + to_string(topic_id) + "\n";
}

result<uuid> parse_partition_metadata(
  std::string_view text, const std::string& name) {
  constexpr std::string_view version = "version: ";
  constexpr std::string_view key = "topic_id: ";
  if (!text.ends_with('\n'))
    return error{errc::corrupt, name + ": its last line has no end"};
  text.remove_suffix(1);
  const auto end = text.find('\n');
  const auto first = text.substr(0, end);
  if (!first.starts_with(version))
    return error{errc::corrupt, name + ": line 1 has no version"};
  if (first.substr(version.size()) != "0")
    return error{
      errc::unsupported, name + ": " + std::string{first}
                           + " is unknown; this version of Millrace knows 0"};
  uuid topic_id;
  if (end == std::string_view::npos || !text.substr(end + 1).starts_with(key)
      || !parse_uuid(text.substr(end + 1 + key.size()), topic_id))
    return error{errc::corrupt, name + ": line 2 has no topic_id"};
  return topic_id;
}

result<std::optional<uuid>> read_topic_id(
  file_system& files, const std::string& path) {
  const auto name = path + std::string{metadata_name};
  auto text = read_file(files, name, 4096);
  if (!text && text.error().code == errc::not_found)
    return std::optional<uuid>{};
  if (!text)
    return text.error();
  auto parsed = parse_partition_metadata(*text, name);
  if (!parsed)
    return parsed.error();
  return std::optional<uuid>{*parsed};
}

result<void> write_topic_id(
  file_system& files, const std::string& path, const uuid& topic_id) {
  return replace_file(files, path + std::string{metadata_name},
    format_partition_metadata(topic_id));
}

result<void> write_topic_id_unsynced(
  file_system& files, const std::string& path, const uuid& topic_id) {
  auto opened
    = files.open(path + std::string{metadata_name}, open_mode::create_fresh);
  if (!opened)
    return opened.error();
  const auto text = format_partition_metadata(topic_id);
  return (*opened)->write_at(0, std::as_bytes(std::span{text}));
}

result<void> sync_topic_id(file_system& files, const std::string& path) {
  auto opened = files.open(path + std::string{metadata_name}, open_mode::read);
  if (!opened)
    return opened.error().code == errc::not_found ? result<void>{}
                                                  : opened.error();
  return (*opened)->sync();
}

result<log_listing> list_log_directories(
  file_system& files, const std::string& path) {
  auto entries = files.list(path);
  if (!entries)
    return entries.error();
  log_listing listing;
  for (const auto& entry : *entries) {
    if (!entry.is_directory || entry.name.starts_with("millrace.")
        || entry.name == "lost+found")
      continue;
    auto partition = parse_log_directory_name(entry.name);
    if (entry.name.ends_with(deleted_mark)) {
      listing.deleted.push_back(entry.name);
    } else if (entry.name.ends_with(future_mark)) {
      listing.future.push_back(entry.name);
    } else if (!partition) {
      listing.strays.push_back(entry.name);
    } else if (auto id = read_topic_id(files, path + "/" + entry.name); !id) {
      listing.broken.push_back(id.error());
      listing.logs.push_back({std::move(*partition), entry.name, std::nullopt});
    } else {
      listing.logs.push_back({std::move(*partition), entry.name, *id});
    }
  }
  return listing;
}

} // namespace millrace
