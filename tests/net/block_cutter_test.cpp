#include "net/block_cutter.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace millrace;

namespace {

constexpr size_t scratch_bytes = 4096;

/// A length of four characters, itself included, then that many bytes.
std::string framed(const std::string& body) {
  auto size = std::to_string(10'000'000 + body.size() + 8);
  return size + body;
}

result<size_t> measure(std::span<const std::byte> begun) {
  if (begun.size() < 8)
    return size_t{0};
  const std::string head{reinterpret_cast<const char*>(begun.data()), 8};
  if (head[0] != '1')
    return error{errc::corrupt, "no frame"};
  return std::stoul(head) - 10'000'000;
}

struct cutting {
  explicit cutting(size_t trusted = 4u << 20)
      : cutter{scratch, measure, trusted} {}

  /// Feeds `bytes`, at most `step` at a time, as a socket would.
  result<void> feed(std::string_view bytes, size_t step) {
    while (!bytes.empty()) {
      auto into = cutter.prepare();
      REQUIRE_FALSE(into.empty());
      const auto size = std::min({bytes.size(), into.size(), step});
      std::memcpy(into.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      largest = std::max(largest, cutter.held_bytes());
      MILLRACE_TRY(cutter.consume(size, [&](shared_bytes frame) {
        CHECK(frame.size() == frame.block_size());
        CHECK(reinterpret_cast<uintptr_t>(frame.data()) % 16 == 0);
        frames.emplace_back(frame.text());
        return frames.size() < frames_max;
      }));
      if (frames.size() >= frames_max)
        break;
    }
    return {};
  }

  std::vector<std::byte> scratch = std::vector<std::byte>(scratch_bytes);
  block_cutter cutter;
  std::vector<std::string> frames;
  size_t frames_max = SIZE_MAX;
  size_t largest = 0;
};

} // namespace

TEST_CASE("each frame gets a block of its own, however the stream is cut",
  "[net][block_cutter]") {
  const std::vector<std::string> expected{framed(""), framed("first"),
    framed(std::string(70, 'x')), framed("y"), framed(std::string(5000, 'z'))};
  std::string stream;
  for (const auto& each : expected)
    stream += each;
  for (size_t step = 1; step < 200; ++step) {
    cutting run;
    REQUIRE(run.feed(stream, step));
    CHECK((run.frames == expected));
    CHECK_FALSE(run.cutter.within_frame());
    CHECK(run.cutter.held_bytes() == 0);
  }
}

TEST_CASE("frames of every size follow one another", "[net][block_cutter]") {
  std::mt19937 random{7}; // NOLINT: a fixed seed
  std::vector<std::string> expected;
  std::string stream;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(framed(std::string(random() % 200'000, 'a')));
    stream += expected.back();
  }
  for (const size_t step : {1000, 4096, 100'000, 1'000'000}) {
    cutting run;
    REQUIRE(run.feed(stream, step));
    CHECK((run.frames == expected));
  }
}

TEST_CASE("a long frame makes no more memory than four times what has come",
  "[net][block_cutter]") {
  cutting run{1000};
  const auto frame = framed(std::string(1'000'000, 'x'));
  REQUIRE(run.feed(std::string_view{frame}.substr(0, 600), 600));
  CHECK(run.cutter.held_bytes() == 2400);
  REQUIRE(run.feed(std::string_view{frame}.substr(600, 400), 100));
  CHECK(run.cutter.held_bytes() == 2400);
  REQUIRE(run.feed(std::string_view{frame}.substr(1000), 5000));
  REQUIRE(run.frames.size() == 1);
  CHECK((run.frames[0] == frame));
  CHECK(run.largest <= frame.size());
}

TEST_CASE(
  "the beginning of what is no frame can be looked at", "[net][block_cutter]") {
  cutting run;
  const auto fed = run.feed(framed("good") + "GET / HTTP/1.1\r\n", 1000);
  REQUIRE_FALSE(fed);
  CHECK(fed.error().code == errc::corrupt);
  CHECK(run.frames == std::vector{framed("good")});
  const auto begun = run.cutter.begun();
  const std::string text{
    reinterpret_cast<const char*>(begun.data()), begun.size()};
  CHECK(text == "GET / HTTP/1.1\r\n");
}

TEST_CASE("nothing comes after the frame that its taker wanted last",
  "[net][block_cutter]") {
  cutting run;
  run.frames_max = 2;
  REQUIRE(run.feed(framed("a") + framed("b") + framed("c"), 1000));
  CHECK(run.frames.size() == 2);
}
