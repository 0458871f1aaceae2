// Compares our codecs with the Java client's: reads the lines that CodecLines
// prints, decodes the bytes with ours, compares the JSON of both sides, encodes
// again and compares the bytes; error codes and API versions as well. Exit code
// 0 when nothing differs and each of our messages was seen in each of its
// versions.

#include "schema/kafka/apis.hpp"
#include "schema/kafka/fields.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka_error.hpp"
#include "schema/kafka_wire.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>

using namespace millrace;
using namespace millrace::kafka;

namespace {

/// What ours makes of some bytes: JSON, and the bytes again.
struct remade {
  std::string json;
  std::string bytes;
};

using remake = std::function<result<remade>(std::string_view, int16_t)>;

template <class T>
result<remade> remake_message(std::string_view bytes, int16_t version) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  T message;
  MILLRACE_TRY(decode(reader, version, message));
  reader.expect_end();
  MILLRACE_TRY(reader.status("message", version));
  kafka_writer writer;
  encode(writer, version, message);
  auto again = flatten(writer.finish());
  MILLRACE_TRY(again);
  return remade{to_json(message, version), *again};
}

result<remade> remake_request_header(std::string_view bytes, int16_t) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  request_header header;
  MILLRACE_TRY(decode(reader, header));
  reader.expect_end();
  MILLRACE_TRY(reader.status("request header", header.api_version));
  nlohmann::json json{{"requestApiKey", header.api_key},
    {"requestApiVersion", header.api_version},
    {"correlationId", header.correlation_id}, {"clientId", nullptr}};
  if (header.client_id)
    json["clientId"] = *header.client_id;
  kafka_writer writer;
  encode(writer, header);
  auto again = flatten(writer.finish());
  MILLRACE_TRY(again);
  return remade{json.dump(), *again};
}

result<remade> remake_response_header(
  int16_t api_key, std::string_view bytes, int16_t version) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  auto correlation_id = decode_response_header(reader, api_key, version);
  MILLRACE_TRY(correlation_id);
  reader.expect_end();
  MILLRACE_TRY(reader.status("response header", version));
  kafka_writer writer;
  encode_response_header(writer, api_key, version, *correlation_id);
  auto again = flatten(writer.finish());
  MILLRACE_TRY(again);
  return remade{
    nlohmann::json{{"correlationId", *correlation_id}}.dump(), *again};
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  if (hex == "-")
    return bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(
      static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

/// Goes through the lines and counts what is right and what is not.
class oracle {
public:
  oracle() {
    visit_messages([this](auto type) {
      using message_t = typename decltype(type)::type;
      messages_[type.name] = remake_message<message_t>;
      const bool is_own = std::string_view{type.name}.starts_with("explain_");
      for (auto v = type.min_version; v <= type.max_version && !is_own; ++v)
        unseen_.insert({type.name, v});
    });
    for (const auto& x : apis())
      if (static_cast<int16_t>(x.key) < first_own_key)
        unseen_.insert({x.name, -1});
  }

  void read(const std::string& line) {
    std::istringstream in{line};
    std::string word;
    in >> word;
    if (word == "error")
      read_error(in);
    else if (word == "api")
      read_api(in);
    else if (word == "message")
      read_message(in);
    else
      read_header(word, in);
  }

  /// Says what was found; true when nothing differs and nothing was missing.
  bool finish() {
    for (const auto& [name, version] : unseen_)
      complain(name + " " + std::to_string(version), "the oracle has no line");
    std::cout << "codec oracle: " << same_ << " messages alike, " << ignored_
              << " of APIs that are not there, " << differing_
              << " complaints\n";
    return differing_ == 0 && same_ > 0;
  }

private:
  void complain(const std::string& where, const std::string& what) {
    if (++differing_ <= complaints_max)
      std::cout << where << ": " << what << "\n";
  }

  void read_api(std::istringstream& in) {
    int16_t key = 0, min = 0, max = 0, advertised = 0;
    std::string name;
    in >> key >> name >> min >> max >> advertised;
    const auto* ours = find_api(key);
    if (ours == nullptr)
      return;
    unseen_.erase({ours->name, -1});
    if (ours->name != name || ours->min_version != min
        || ours->max_version != max
        || ours->advertised_min_version != advertised)
      complain("api " + name, "another name or other versions");
  }

  /// Codes that we do not list at all are none of ours.
  void read_error(std::istringstream& in) {
    int16_t code = 0;
    std::string name, retriable;
    in >> code >> name >> retriable;
    const auto ours = static_cast<kafka_error>(code);
    const std::string our_name = to_string(ours);
    if (our_name == "UNLISTED_ERROR")
      return;
    if (our_name != name)
      complain("error " + name, "is " + our_name + " here");
    else if (is_retriable(ours) != (retriable == "true"))
      complain("error " + name, "retriable for the client: " + retriable);
  }

  void read_message(std::istringstream& in) {
    std::string name;
    int16_t version = 0;
    in >> name >> version;
    const auto found = messages_.find(name);
    if (found == messages_.end()) {
      ++ignored_;
      return;
    }
    if (unseen_.erase({name, version}) == 0 && !seen_.contains({name, version}))
      complain(name + " " + std::to_string(version), "no version of ours");
    seen_.insert({name, version});
    compare(name, version, found->second, in);
  }

  void read_header(const std::string& word, std::istringstream& in) {
    int16_t key = 0, version = 0;
    in >> key >> version;
    if (find_api(key) == nullptr) {
      ++ignored_;
      return;
    }
    const auto name = word + " of API " + std::to_string(key);
    if (word == "request_header")
      compare(name, version, remake_request_header, in);
    else
      compare(
        name, version,
        [key](std::string_view bytes, int16_t v) {
          return remake_response_header(key, bytes, v);
        },
        in);
  }

  void compare(const std::string& name, int16_t version, const remake& ours,
    std::istringstream& in) {
    std::string hex, json;
    in >> hex;
    std::getline(in >> std::ws, json);
    const auto bytes = from_hex(hex);
    const auto where = name + " " + std::to_string(version);
    const auto made = ours(bytes, version);
    if (!made) {
      complain(where, to_string(made.error()) + "\n  hex  " + hex);
      return;
    }
    const auto before = differing_;
    const auto theirs = nlohmann::json::parse(json, nullptr, false);
    const auto parsed = nlohmann::json::parse(made->json, nullptr, false);
    if (theirs.is_discarded() || parsed != theirs)
      complain(where, "JSON\n  java " + json + "\n  ours " + made->json);
    if (made->bytes != bytes)
      complain(where, "encodes to other bytes\n  json " + json);
    same_ += before == differing_ ? 1 : 0;
  }

  static constexpr size_t complaints_max = 20;

  std::map<std::string, remake> messages_;
  std::set<std::pair<std::string, int>> unseen_;
  std::set<std::pair<std::string, int>> seen_;
  size_t same_ = 0;
  size_t ignored_ = 0;
  size_t differing_ = 0;
};

} // namespace

int main() {
  std::ios::sync_with_stdio(false);
  oracle judge;
  for (std::string line; std::getline(std::cin, line);)
    judge.read(line);
  return judge.finish() ? 0 : 1;
}
