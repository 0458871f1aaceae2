// What the first log directory knows of all of them.
// docs/formats/data-directory.md shows the file.

#include "storage/log_dirs.hpp"

namespace millrace {

namespace {

constexpr std::string_view version_line = "0";
constexpr std::string_view directory_word = "directory ";
constexpr std::string_view counts_word = "counts ";
constexpr std::string_view anew_word = "anew ";
constexpr size_t id_chars = 22;

} // namespace

std::string log_dirs::register_path() const {
  return directories_.front().path + "/millrace.log-dirs";
}

result<void> log_dirs::read_register() {
  auto text = read_file(files_, register_path());
  if (!text && text.error().code == errc::not_found)
    return {};
  if (!text)
    return text.error();
  std::string_view rest = *text;
  for (size_t line = 0; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    auto words = rest.substr(0, end);
    const auto wrong = [&] {
      return error{errc::corrupt, register_path() + ": line "
                                    + std::to_string(line + 1)
                                    + " makes no sense"};
    };
    if (end == std::string_view::npos)
      return wrong();
    rest.remove_prefix(end + 1);
    if (line == 0) {
      if (words != version_line)
        return error{errc::unsupported,
          register_path() + ": version " + std::string{words}
            + " is unknown to this version of Millrace, which knows 0"};
      continue;
    }
    const bool names_directory = words.starts_with(directory_word);
    const bool counts = words.starts_with(counts_word);
    if (!names_directory && !counts && !words.starts_with(anew_word))
      return wrong();
    words.remove_prefix(words.find(' ') + 1);
    uuid id;
    if (!parse_uuid(words.substr(0, id_chars), id))
      return wrong();
    words.remove_prefix(id_chars);
    if (names_directory) {
      if (!words.empty())
        return wrong();
      register_.directories.insert(id);
      continue;
    }
    if (!words.starts_with(' '))
      return wrong();
    auto name = parse_log_directory_name(words.substr(1));
    if (!name)
      return wrong();
    (counts ? register_.counts : register_.anew).emplace(std::move(*name), id);
  }
  return {};
}

/// Does nothing where nothing changes; a node with one directory has none.
result<void> log_dirs::write_register(register_file next) {
  if (next == register_
      || (directories_.size() == 1 && register_.directories.empty()))
    return {};
  std::string text{version_line};
  text += '\n';
  for (const auto& id : next.directories)
    text += std::string{directory_word} + to_string(id) + "\n";
  const auto add = [&](std::string_view word, const auto& logs) {
    for (const auto& [name, id] : logs)
      text += std::string{word} + to_string(id) + " " + to_string(name) + "\n";
  };
  add(counts_word, next.counts);
  add(anew_word, next.anew);
  MILLRACE_TRY(replace_file(files_, register_path(), text));
  register_ = std::move(next);
  return {};
}

} // namespace millrace
