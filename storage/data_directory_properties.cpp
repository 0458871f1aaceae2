#include "storage/data_directory_properties.hpp"

#include <charconv>
#include <map>
#include <optional>

namespace millrace {

namespace {

using properties = std::map<std::string, std::string, std::less<>>;

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

properties parse_properties(std::string_view text) {
  properties found;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    if (line.empty() || line[0] == '#' || line[0] == '!'
        || equals == std::string_view::npos)
      continue;
    found[std::string{trim(line.substr(0, equals))}]
      = trim(line.substr(equals + 1));
  }
  return found;
}

// Looks keys up and remembers what the first error was.
class reader {
public:
  reader(properties from, const std::string& name)
      : from_(std::move(from)), name_(name) {}

  std::optional<std::string> find(std::string_view key) const {
    const auto found = from_.find(key);
    if (found == from_.end())
      return std::nullopt;
    return found->second;
  }
  uuid id(std::string_view key) {
    uuid value;
    if (!parse_uuid(find(key).value_or(""), value))
      refuse(key, "22 characters of base64");
    return value;
  }
  int32_t number(std::string_view key) {
    int32_t value = -1;
    const auto text = find(key).value_or("");
    const auto end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || at != end || value < 0)
      refuse(key, "a number");
    return value;
  }
  [[nodiscard]] const std::optional<error>& failed() const {
    return failed_;
  }

private:
  void refuse(std::string_view key, const char* wanted) {
    if (!failed_)
      failed_ = error{
        errc::corrupt, name_ + ": " + std::string{key} + " is "
                         + (find(key) ? "'" + *find(key) + "'" : "missing")
                         + ", not " + wanted};
  }

  properties from_;
  const std::string& name_;
  std::optional<error> failed_;
};

} // namespace

std::string format_identity(const directory_identity& identity) {
  return "version=1\ncluster.id=" + to_string(identity.cluster)
         + "\nnode.id=" + std::to_string(identity.node.value)
         + "\ndirectory.id=" + to_string(identity.directory)
         + "\nmillrace.format=" + std::string{directory_format} + "\n";
}

result<directory_identity> parse_identity(
  std::string_view text, const std::string& name) {
  reader keys{parse_properties(text), name};
  const auto format = keys.find("millrace.format");
  if (!format && keys.find("version"))
    return error{errc::unsupported,
      name
        + ": was written by Kafka, not by Millrace; choose another data "
          "directory (--data-dir)"};
  if (!format)
    return error{errc::corrupt, name + ": millrace.format is missing"};
  const auto version = keys.find("version").value_or("");
  if (*format != directory_format || version != "1")
    return error{errc::unsupported,
      name + ": format " + *format + ", version " + version
        + " is unknown to this version of Millrace, which knows "
        + std::string{directory_format}
        + " and 1; start the version that wrote it"};
  directory_identity identity;
  identity.cluster = keys.id("cluster.id");
  identity.node.value = keys.number("node.id");
  identity.directory = keys.id("directory.id");
  if (keys.failed())
    return *keys.failed();
  return identity;
}

} // namespace millrace
