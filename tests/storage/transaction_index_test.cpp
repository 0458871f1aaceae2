#include "storage/transaction_index.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Three aborted transactions of a segment that begins at 100.
transaction_index sample() {
  transaction_index index;
  index.add({{1}, {90}, {110}, {105}}); // began in the segment before
  index.add({{2}, {105}, {120}, {115}});
  index.add({{3}, {115}, {130}, {131}});
  return index;
}

std::vector<int64_t> collected(
  const transaction_index& index, int64_t from, int64_t limit) {
  std::vector<ended_transaction> out;
  static_cast<void>(index.collect({from}, {limit}, out));
  std::vector<int64_t> producers;
  for (const auto& one : out)
    producers.push_back(one.producer.value);
  return producers;
}

bool decodes(std::string_view bytes, int64_t base = 100, int64_t end = 200) {
  return transaction_index::decode(bytes, {base}, {end}).ok();
}

} // namespace

TEST_CASE("a read is told of the aborted transactions that it may meet",
  "[storage][transaction_index]") {
  const auto index = sample();
  using producers = std::vector<int64_t>;
  CHECK(collected(index, 100, 200) == producers{1, 2, 3});
  CHECK(collected(index, 110, 200) == producers{1, 2, 3}); // its marker
  CHECK(collected(index, 111, 200) == producers{2, 3});
  CHECK(collected(index, 100, 105) == producers{1});
  CHECK(collected(index, 100, 106) == producers{1, 2});
  CHECK(collected(index, 131, 200).empty());
}

TEST_CASE("no later segment is asked when none can know of any",
  "[storage][transaction_index]") {
  const auto index = sample();
  std::vector<ended_transaction> out;
  CHECK(index.collect({100}, {131}, out));
  CHECK(index.collect({100}, {105}, out));
  CHECK_FALSE(index.collect({100}, {132}, out));
  CHECK_FALSE(transaction_index{}.collect({0}, {1}, out));
}

TEST_CASE("a transaction whose marker is cut off is open again",
  "[storage][transaction_index]") {
  auto index = sample();
  CHECK_FALSE(index.truncate_to({131}));
  CHECK(index.truncate_to({130}));
  CHECK(index.entries().size() == 2);
  CHECK(index.truncate_to({100}));
  CHECK(index.entries().empty());
}

TEST_CASE("the index in docs/formats/segment-files.md is what its page says",
  "[storage][transaction_index]") {
  transaction_index index;
  index.add({{9}, {100}, {104}, {105}});
  CHECK(index.encode()
        == std::string{"\0\0"
                       "\0\0\0\0\0\0\0\x09"
                       "\0\0\0\0\0\0\0\x64"
                       "\0\0\0\0\0\0\0\x68"
                       "\0\0\0\0\0\0\0\x69",
          34});
}

TEST_CASE("an index comes back from its file", "[storage][transaction_index]") {
  const auto index = sample();
  const auto read = transaction_index::decode(index.encode(), {100}, {200});
  REQUIRE(read.ok());
  CHECK(read->entries() == index.entries());
  CHECK(decodes(""));
}

TEST_CASE(
  "a file that makes no sense is refused", "[storage][transaction_index]") {
  const auto good = sample().encode();
  CHECK(decodes(good));
  CHECK_FALSE(decodes(good, 111)); // of another segment
  CHECK_FALSE(decodes(good, 100, 130));
  for (size_t size = 1; size < good.size(); ++size)
    CHECK(decodes(good.substr(0, size)) == (size % 34 == 0));
  const auto with = [&](size_t at, char byte) {
    auto bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  CHECK_FALSE(decodes(with(1, 1)));                // version
  CHECK_FALSE(decodes(with(2, '\x80')));           // producer
  CHECK_FALSE(decodes(with(10, '\x80')));          // first
  CHECK_FALSE(decodes(with(17, 111)));             // first behind the marker
  CHECK_FALSE(decodes(with(26, '\x80')));          // last stable
  CHECK_FALSE(decodes(with(33, 112)));             // behind the marker
  CHECK_FALSE(decodes(good + good.substr(0, 34))); // markers fall
}
