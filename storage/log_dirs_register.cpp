// What the first log directory knows of all of them.
// docs/formats/data-directory.md shows the file.

#include "storage/log_dirs.hpp"

namespace millrace {

namespace {

constexpr std::string_view version_line = "0";
constexpr std::string_view directory_word = "directory ";
constexpr std::string_view counts_word = "counts ";
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
    const bool counts = words.starts_with(counts_word);
    if (!counts && !words.starts_with(directory_word))
      return wrong();
    words.remove_prefix(counts ? counts_word.size() : directory_word.size());
    uuid id;
    if (!parse_uuid(words.substr(0, id_chars), id))
      return wrong();
    words.remove_prefix(id_chars);
    if (!counts) {
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
    register_.counts.emplace(std::move(*name), id);
  }
  return {};
}

/// Does nothing where nothing changes; a node with one directory has none.
result<void> log_dirs::write_register(register_file next) {
  const bool changes = next.directories != register_.directories
                       || next.counts != register_.counts;
  if (!changes || (directories_.size() == 1 && register_.directories.empty()))
    return {};
  std::string text{version_line};
  text += '\n';
  for (const auto& id : next.directories)
    text += std::string{directory_word} + to_string(id) + "\n";
  for (const auto& [name, id] : next.counts)
    text += std::string{counts_word} + to_string(id) + " " + to_string(name)
            + "\n";
  MILLRACE_TRY(replace_file(files_, register_path(), text));
  register_ = std::move(next);
  return {};
}

} // namespace millrace
