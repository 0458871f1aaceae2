#include "net/descriptor.hpp"
#include "net/output_queue.hpp"
#include "tests/net/temporary_slice.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include <random>

using namespace millrace;

namespace {

/// Two ends of a stream; the queue writes to one, the test reads the other.
struct stream_pair {
  descriptor near;
  descriptor far;

  stream_pair() {
    std::array<int, 2> ends{};
    REQUIRE(
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    near = descriptor{ends[0]};
    far = descriptor{ends[1]};
  }

  [[nodiscard]] std::string read_all() const {
    std::string all;
    std::array<char, 4096> part{};
    for (;;) {
      auto got = ::recv(far.get(), part.data(), part.size(), MSG_DONTWAIT);
      if (got <= 0)
        return all;
      all.append(part.data(), static_cast<size_t>(got));
    }
  }
};

/// Writes all of `queue`, reading whenever the socket is full.
std::string drain(output_queue& queue, size_t bytes_max) {
  stream_pair ends;
  std::array<std::byte, 1000> scratch{};
  std::string all;
  while (!queue.empty()) {
    auto done = queue.write(ends.near.get(), bytes_max, scratch);
    REQUIRE(done);
    all += ends.read_all();
  }
  return all;
}

} // namespace

TEST_CASE("records kept out of the bytes arrive where they belong",
  "[net][output_queue]") {
  auto slice = GENERATE(true, false) ? slice_of_temporary_file("0123456789")
                                     : slice_of_memory("0123456789");
  slice.position = 2;
  slice.size = 5;
  outgoing out;
  out.bytes = "headtail";
  out.inserts.push_back({0, shared_bytes::copy_of("<"), {}});
  out.inserts.push_back({4, shared_bytes::copy_of("["), slice});
  out.inserts.push_back({4, {}, slice});
  out.inserts.push_back({8, shared_bytes::copy_of(">"), {}});
  output_queue queue;
  queue.push(std::move(out));
  queue.push({"next", {}});
  CHECK(queue.size() == 8 + 1 + 1 + 5 + 5 + 1 + 4);
  CHECK(drain(queue, GENERATE(1u, 3u, 1000u)) == "<head[2345623456tail>next");
  CHECK(queue.empty());
  CHECK(queue.size() == 0);
}

TEST_CASE("any queue leaves in order through a socket that is often full",
  "[net][output_queue]") {
  std::mt19937 random{11};
  auto file = slice_of_temporary_file(std::string(300'000, 'f'));
  auto memory = slice_of_memory(std::string(300'000, 'm'));
  output_queue queue;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    outgoing out;
    out.bytes.assign(random() % 3000, static_cast<char>('a' + i % 26));
    for (auto at = random() % 4000; at <= out.bytes.size();
      at += random() % 2000) {
      auto slice = random() % 2 == 0 ? file : memory;
      slice.size = random() % 3 == 0 ? random() % 50'000 : 0;
      out.inserts.push_back(
        {at, shared_bytes::copy_of(std::string(random() % 100, '#')), slice});
    }
    auto flat = flatten(out);
    REQUIRE(flat);
    expected += *flat;
    queue.push(std::move(out));
  }
  REQUIRE(queue.size() == expected.size());
  CHECK((drain(queue, 100'000) == expected));
}

TEST_CASE("a full socket is reported and the rest stays queued",
  "[net][output_queue]") {
  stream_pair ends;
  std::array<std::byte, 1000> scratch{};
  output_queue queue;
  queue.push({std::string(8 << 20, 'x'), {}});
  auto done = queue.write(ends.near.get(), SIZE_MAX, scratch);
  REQUIRE(done);
  CHECK(done->socket_full);
  CHECK(done->bytes > 0);
  CHECK(queue.size() == (8 << 20) - done->bytes);
}

TEST_CASE("a file that ended before its slice ends the stream (R18)",
  "[net][output_queue]") {
  auto slice = GENERATE(true, false) ? slice_of_temporary_file("0123456789")
                                     : slice_of_memory("0123456789");
  slice.size = 11;
  outgoing out;
  out.inserts.push_back({0, {}, slice});
  output_queue queue;
  queue.push(std::move(out));
  stream_pair ends;
  std::array<std::byte, 1000> scratch{};
  auto first = queue.write(ends.near.get(), SIZE_MAX, scratch);
  REQUIRE_FALSE(first);
  CHECK(first.error().code == errc::truncated);
}

TEST_CASE(
  "what was sent is let go before the queue is empty", "[net][output_queue]") {
  auto held = shared_bytes::copy_of(std::string(5000, 'h'));
  outgoing first;
  first.inserts.push_back({0, held, {}});
  output_queue queue;
  queue.push(std::move(first));
  for (int i = 0; i < 10; ++i)
    queue.push({std::string(5000, 'x'), {}});
  CHECK_FALSE(held.unique());
  stream_pair ends;
  std::array<std::byte, 1000> scratch{};
  REQUIRE(queue.write(ends.near.get(), 6000, scratch));
  CHECK_FALSE(queue.empty());
  CHECK(held.unique());
}
