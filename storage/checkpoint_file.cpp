#include "storage/checkpoint_file.hpp"

#include <charconv>

namespace millrace {

namespace {

// Cuts lines off a text and counts them.
class line_reader {
public:
  line_reader(std::string_view text, const std::string& name)
      : rest_(text), name_(name) {}

  result<std::string_view> next() {
    ++number_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos)
      return broken(rest_.empty() ? "is missing" : "has no end");
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  [[nodiscard]] bool done() const {
    return rest_.empty();
  }
  [[nodiscard]] error broken(const std::string& how) const {
    return {errc::corrupt,
      "checkpoint " + name_ + ", line " + std::to_string(number_) + " " + how};
  }

private:
  std::string_view rest_;
  const std::string& name_;
  size_t number_ = 0;
};

template <class Integer>
bool parse_integer(std::string_view text, Integer& value) {
  const auto end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, value);
  return code == std::errc{} && at == end && !text.empty();
}

} // namespace

std::string format_checkpoint(const checkpoint& entries) {
  std::string text = "0\n" + std::to_string(entries.size()) + "\n";
  for (const auto& [tp, at] : entries)
    text += tp.topic + " " + std::to_string(tp.partition) + " "
            + std::to_string(at.value) + "\n";
  return text;
}

result<checkpoint> parse_checkpoint(
  std::string_view text, const std::string& name) {
  line_reader lines{text, name};
  auto line = lines.next();
  if (!line)
    return line.error();
  if (*line != "0")
    return error{errc::unsupported, "checkpoint " + name + ", line 1: version "
                                      + std::string{*line}
                                      + " is unknown; this version knows 0"};
  line = lines.next();
  if (!line)
    return line.error();
  uint64_t count = 0;
  if (!parse_integer(*line, count))
    return lines.broken("is no count");
  checkpoint entries;
  for (uint64_t i = 0; i < count; ++i) {
    line = lines.next();
    if (!line)
      return line.error();
    const auto second = line->rfind(' ');
    const auto first = second == std::string_view::npos || second == 0
                         ? std::string_view::npos
                         : line->rfind(' ', second - 1);
    if (first == std::string_view::npos || first == 0)
      return lines.broken("is not topic, partition and offset");
    topic_partition tp{std::string{line->substr(0, first)}};
    offset at;
    if (!parse_integer(
          line->substr(first + 1, second - first - 1), tp.partition)
        || tp.partition < 0)
      return lines.broken("has no partition number");
    if (!parse_integer(line->substr(second + 1), at.value) || at.value < 0)
      return lines.broken("has no offset");
    if (!entries.emplace(std::move(tp), at).second)
      return lines.broken("names a partition for the second time");
  }
  if (!lines.done())
    return lines.broken("should be the last");
  return entries;
}

result<checkpoint> read_checkpoint(
  file_system& files, const std::string& path) {
  auto text = read_file(files, path);
  if (!text && text.error().code == errc::not_found)
    return checkpoint{};
  if (!text)
    return text.error();
  return parse_checkpoint(*text, path);
}

result<void> write_checkpoint(
  file_system& files, const std::string& path, const checkpoint& entries) {
  return replace_file(files, path, format_checkpoint(entries));
}

} // namespace millrace
