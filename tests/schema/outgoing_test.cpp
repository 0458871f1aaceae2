#include "schema/outgoing.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace millrace;

namespace {

/// A file in memory that gives at most 3 bytes at a time.
class text_source : public slice_source {
public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] bool resident(uint64_t, uint64_t) const override {
    return true;
  }
  int descriptor() const override {
    return -1;
  }
  result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override {
    if (position >= text_.size())
      return size_t{0};
    const auto count
      = std::min({into.size(), text_.size() - position, size_t{3}});
    std::copy_n(
      text_.data() + position, count, reinterpret_cast<char*>(into.data()));
    return count;
  }

private:
  std::string text_;
};

} // namespace

TEST_CASE("inserts go between the bytes, in order", "[schema][outgoing]") {
  const auto file = std::make_shared<text_source>("0123456789");
  outgoing out;
  out.bytes = "abcd";
  out.inserts.push_back({.at = 0, .bytes = shared_bytes::copy_of("<")});
  out.inserts.push_back(
    {.at = 2, .bytes = shared_bytes::copy_of("x"), .slice = {file, 1, 5}});
  out.inserts.push_back({.at = 2, .bytes = shared_bytes::copy_of("y")});
  out.inserts.push_back({.at = 4, .slice = {file, 8, 2}});
  CHECK(out.size() == 4 + 1 + 6 + 1 + 2);
  CHECK(flatten(out).value() == "<abx12345ycd89");
}

TEST_CASE(
  "a slice past the end of its file is an error", "[schema][outgoing]") {
  outgoing out;
  out.inserts.push_back(
    {.slice = {std::make_shared<text_source>("0123"), 2, 5}});
  CHECK(flatten(out).error().code == errc::truncated);
}

TEST_CASE("nothing at all is no bytes", "[schema][outgoing]") {
  CHECK(outgoing{}.size() == 0);
  CHECK(flatten({}).value().empty());
}
