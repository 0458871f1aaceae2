#include "apps/cli/join_token.hpp"

#include "apps/cli/base64.hpp"

#include <charconv>
#include <map>
#include <sstream>

namespace millrace::cli {
namespace {

constexpr const char* magic = "millrace-join";
constexpr const char* version = "1";
constexpr const char* last_line = "end .\n";

error broken(const std::string& why) {
  return {errc::invalid_argument,
    "the token is broken: " + why + " (was all of it copied?)"};
}

} // namespace

std::string encode_join_token(const join_token& token) {
  std::string text = std::string{magic} + " " + version + "\ncluster "
                     + token.cluster_id + "\nnode " + std::to_string(token.node)
                     + "\n";
  if (token.has_certificate())
    text += "ca " + encode_base64(token.ca) + "\ncertificate "
            + encode_base64(token.certificate) + "\nkey "
            + encode_base64(token.key) + "\n";
  return encode_base64(text + last_line);
}

result<join_token> decode_join_token(std::string_view text) {
  const auto bytes = decode_base64(text);
  if (!bytes)
    return broken("it is not base 64");
  std::map<std::string, std::string> fields;
  std::istringstream lines{*bytes};
  for (std::string name, value; lines >> name >> value;)
    fields[name] = value;
  if (!fields.contains(magic))
    return broken("it does not begin as one");
  if (fields[magic] != version)
    return error{errc::unsupported,
      "the token is of version " + fields[magic] + ", of another millrace"};
  join_token token;
  token.cluster_id = fields["cluster"];
  const auto& node = fields["node"];
  const auto parsed
    = std::from_chars(node.data(), node.data() + node.size(), token.node);
  if (!bytes->ends_with(last_line) || token.cluster_id.empty() || node.empty()
      || parsed.ptr != node.data() + node.size() || token.node < 0)
    return broken("something is missing");
  if (!fields.contains("ca"))
    return token;
  for (const auto& [name, into] : {std::pair{"ca", &token.ca},
         {"certificate", &token.certificate}, {"key", &token.key}}) {
    auto pem = decode_base64(fields[name]);
    if (!pem || pem->empty())
      return broken(std::string{"its "} + name + " cannot be read");
    *into = std::move(*pem);
  }
  return token;
}

} // namespace millrace::cli
