#include "net/frame_cutter.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace millrace;

namespace {

std::string length_of(uint32_t size) {
  std::string head;
  for (int shift = 24; shift >= 0; shift -= 8)
    head += static_cast<char>(size >> shift & 0xff);
  return head;
}

std::string framed(const std::string& body) {
  return length_of(static_cast<uint32_t>(body.size())) + body;
}

/// Feeds `bytes`, at most `step` at a time, as a socket would.
result<void> feed(frame_cutter& cutter, std::string_view bytes, size_t step,
  std::vector<shared_bytes>& frames) {
  while (!bytes.empty()) {
    auto into = cutter.prepare();
    REQUIRE_FALSE(into.empty());
    auto size = std::min({bytes.size(), into.size(), step});
    std::memcpy(into.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    MILLRACE_TRY(cutter.consume(size, frames));
  }
  return {};
}

std::vector<std::string> texts(const std::vector<shared_bytes>& frames) {
  std::vector<std::string> all;
  for (const auto& frame : frames)
    all.emplace_back(frame.text());
  return all;
}

} // namespace

TEST_CASE("frames come out whole wherever the stream is split in two",
  "[net][frame_cutter]") {
  auto stream = framed("first") + framed("") + framed(std::string(70, 'x'))
                + framed("last");
  std::vector<std::string> expected{"first", "", std::string(70, 'x'), "last"};
  for (size_t split = 0; split <= stream.size(); ++split) {
    chunk_pool pool{64, 4};
    frame_cutter cutter{pool, 1000};
    std::vector<shared_bytes> frames;
    REQUIRE(
      feed(cutter, std::string_view{stream}.substr(0, split), 999, frames));
    REQUIRE(feed(cutter, std::string_view{stream}.substr(split), 999, frames));
    CHECK(texts(frames) == expected);
    CHECK_FALSE(cutter.within_frame());
    CHECK(cutter.held_bytes() == 0);
  }
}

TEST_CASE(
  "frames come out whole for reads of every size", "[net][frame_cutter]") {
  std::mt19937 random{7};
  std::string stream;
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    expected.emplace_back(random() % 400, static_cast<char>('a' + i % 26));
    stream += framed(expected.back());
  }
  for (size_t step = 1; step < 300; ++step) {
    chunk_pool pool{256, 3};
    frame_cutter cutter{pool, 1000};
    std::vector<shared_bytes> frames;
    REQUIRE(feed(cutter, stream, step, frames));
    REQUIRE(texts(frames) == expected);
  }
}

TEST_CASE("what has arrived of an unfinished frame can be looked at",
  "[net][frame_cutter]") {
  chunk_pool pool{64, 4};
  frame_cutter cutter{pool, 1000};
  std::vector<shared_bytes> frames;
  auto arrived = [&] {
    auto bytes = cutter.unfinished();
    return std::string{
      reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  };
  CHECK(arrived().empty());
  REQUIRE(feed(cutter, length_of(5).substr(0, 3), 9, frames));
  CHECK(arrived().empty());
  REQUIRE(feed(cutter, length_of(5).substr(3), 9, frames));
  CHECK(arrived().empty());
  REQUIRE(feed(cutter, "abc", 2, frames));
  CHECK(arrived() == "abc");
  CHECK(cutter.declared_bytes() == 5);
  REQUIRE(feed(cutter, "de", 9, frames));
  CHECK(arrived().empty());
  REQUIRE(feed(cutter, framed("whole") + length_of(7) + "xy", 99, frames));
  CHECK(arrived() == "xy");
  CHECK(cutter.declared_bytes() == 7);
  REQUIRE(feed(cutter, "54321", 9, frames));
  CHECK_FALSE(feed(cutter, length_of(1001) + "refused", 99, frames));
  CHECK(arrived().empty());
  CHECK(texts(frames) == std::vector<std::string>{"abcde", "whole", "xy54321"});
}

TEST_CASE("two connections that share a pool do not mix their bytes",
  "[net][frame_cutter]") {
  chunk_pool pool{128, 2};
  frame_cutter one{pool, 1000};
  frame_cutter other{pool, 1000};
  std::vector<shared_bytes> of_one;
  std::vector<shared_bytes> of_other;
  auto stream_one = framed(std::string(90, '1')) + framed("one");
  auto stream_other = framed(std::string(200, '2')) + framed("other");
  for (size_t at = 0; at < 300; at += 7) {
    auto part = [at](const std::string& s) {
      return at < s.size() ? std::string_view{s}.substr(at, 7)
                           : std::string_view{};
    };
    REQUIRE(feed(one, part(stream_one), 7, of_one));
    REQUIRE(feed(other, part(stream_other), 7, of_other));
  }
  CHECK(texts(of_one) == std::vector<std::string>{std::string(90, '1'), "one"});
  CHECK(texts(of_other)
        == std::vector<std::string>{std::string(200, '2'), "other"});
}

TEST_CASE("frames of one read are slices of one chunk, not copies",
  "[net][frame_cutter]") {
  chunk_pool pool{1024, 2};
  frame_cutter cutter{pool, 1000};
  auto* chunk = cutter.prepare().data();
  std::vector<shared_bytes> frames;
  REQUIRE(feed(cutter, framed("abc") + framed("defg"), 1024, frames));
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].data() == chunk + 4);
  CHECK(frames[1].data() == chunk + 4 + 3 + 4);
}

TEST_CASE(
  "a large frame is read straight into its place", "[net][frame_cutter]") {
  chunk_pool pool{1024, 2};
  frame_cutter cutter{pool, 1 << 20};
  std::vector<shared_bytes> frames;
  // 512 of 2000 have arrived: four times that is room for all.
  REQUIRE(feed(cutter, length_of(2000) + std::string(512, 'x'), 1024, frames));
  auto rest = cutter.prepare();
  CHECK(rest.size() == 2000 - 512);
  auto* place = rest.data() - 512;
  REQUIRE(feed(cutter, std::string(2000 - 512, 'y'), 4096, frames));
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].data() == place);
  CHECK(
    frames[0].text() == std::string(512, 'x') + std::string(2000 - 512, 'y'));
}

TEST_CASE("a declared length allocates nothing before its bytes arrive",
  "[net][frame_cutter]") {
  chunk_pool pool{1024, 2};
  frame_cutter cutter{pool, 100 << 20};
  std::vector<shared_bytes> frames;
  REQUIRE(feed(cutter, length_of(100 << 20), 1024, frames));
  CHECK(cutter.within_frame());
  CHECK(cutter.held_bytes() == 0);
  size_t arrived = 0;
  while (arrived < 1 << 20) {
    REQUIRE(feed(cutter, std::string(1000, 'x'), 1000, frames));
    arrived += 1000;
    CHECK(cutter.held_bytes() <= std::max<size_t>(4096, 4 * arrived));
  }
  CHECK(frames.empty());
}

TEST_CASE("a negative length is refused and the frames before it are kept",
  "[net][frame_cutter]") {
  chunk_pool pool{1024, 2};
  frame_cutter cutter{pool, 1000};
  std::vector<shared_bytes> frames;
  auto fed
    = feed(cutter, framed("good") + "\xff\xff\xff\xfe" + "rest", 1024, frames);
  REQUIRE_FALSE(fed);
  CHECK(fed.error().code == errc::invalid_argument);
  CHECK(fed.error().context == "a frame declares a negative length, -2");
  CHECK(texts(frames) == std::vector<std::string>{"good"});
}

TEST_CASE("a length above the limit is refused, and what came can be seen",
  "[net][frame_cutter]") {
  for (size_t step : {1u, 3u, 4u, 1024u}) {
    chunk_pool pool{1024, 2};
    frame_cutter cutter{pool, 1000};
    std::vector<shared_bytes> frames;
    auto fed = feed(cutter, "GET / HTTP/1.1\r\n", step, frames);
    REQUIRE_FALSE(fed);
    CHECK(fed.error().code == errc::too_large);
    // "GET " is 0x47455420.
    CHECK(fed.error().context
          == "a frame declares 1195725856 bytes, and the limit is 1000");
    auto seen = cutter.refused();
    std::string_view text{
      reinterpret_cast<const char*>(seen.data()), seen.size()};
    CHECK(std::string_view{"GET / HTTP/1.1\r\n"}.starts_with(text));
    CHECK(text.size() >= 4);
  }
}
