#include "tests/preload/record_text.hpp"
#include "tests/preload/recorded_frames.hpp"

#include <catch2/catch.hpp>

namespace millrace::preload {

namespace {

std::string big_endian(uint32_t value, int size) {
  std::string out;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift);
  return out;
}

std::string frame(const std::string& body) {
  return big_endian(static_cast<uint32_t>(body.size()), 4) + body;
}

std::string request(uint32_t id, const std::string& client) {
  return frame(big_endian(0, 2) + big_endian(12, 2) + big_endian(id, 4)
               + big_endian(static_cast<uint32_t>(client.size()), 2) + client
               + "the rest");
}

const entry_head accepted{.kind = call_kind::accept, .descriptor = 9};
const entry_head received{.kind = call_kind::receive, .descriptor = 9};
const entry_head sending{.kind = call_kind::send, .descriptor = 9};

} // namespace

TEST_CASE("a request has arrived with its last byte, and is answered by the "
          "send that begins to send the answer's last",
  "[preload][recorded_frames]") {
  record_text text;
  text.end(accepted); // 0
  const auto asked = request(7, "c1") + request(8, "c1");
  text.end(received, asked.substr(0, 20)); // 1
  text.end(received, asked.substr(20));    // 2
  const auto told
    = frame(big_endian(7, 4) + "yes") + frame(big_endian(8, 4) + "no");
  text.call(sending, "", told, 8);            // 3 and 4: a part of the first
  text.call(sending, "", told.substr(8), 13); // 5 and 6
  const auto found = find_requests(text.parse());
  REQUIRE(found.contains({"c1", 7}));
  CHECK(found.at({"c1", 7}).arrived == 2);
  CHECK(found.at({"c1", 7}).answered == 5);
  CHECK(found.at({"c1", 8}).answered == 5);
}

TEST_CASE("the same descriptor is another connection after an accept",
  "[preload][recorded_frames]") {
  record_text text;
  text.end(accepted);
  text.end(received, request(7, "c1"));
  text.end(accepted);
  text.end(received, request(7, "c2"));
  const auto answer = frame(big_endian(7, 4));
  text.call(sending, "", answer, 8); // 4
  const auto found = find_requests(text.parse());
  CHECK(found.at({"c1", 7}).answered == never);
  CHECK(found.at({"c2", 7}).answered == 4);
}

TEST_CASE("bytes of a file belong to the answer around them",
  "[preload][recorded_frames]") {
  record_text text;
  text.end(accepted);
  text.end(received, request(7, "c1"));
  text.end(received, request(8, "c1"));
  const auto head = big_endian(4 + 100, 4) + big_endian(7, 4);
  text.call(sending, "", head, 8);
  text.call({.kind = call_kind::send_file, .descriptor = 9, .size = 500}, "",
    "", 100);                                         // 5
  text.call(sending, "", frame(big_endian(8, 4)), 8); // 7
  const auto found = find_requests(text.parse());
  CHECK(found.at({"c1", 7}).answered == 5);
  CHECK(found.at({"c1", 8}).answered == 7);
}

} // namespace millrace::preload
