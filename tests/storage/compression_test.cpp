#include "storage/compression.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string_view>

using namespace millrace;

namespace {

constexpr auto codecs = {compression_codec::none, compression_codec::gzip,
  compression_codec::snappy, compression_codec::lz4, compression_codec::zstd};

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> mixed(size_t size) {
  std::mt19937_64 rng{size};
  std::vector<std::byte> out(size);
  for (size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>(rng() % 100 < 50 ? 'a' : rng() % 256);
  return out;
}

} // namespace

TEST_CASE("what is compressed comes back", "[storage][compression]") {
  for (const auto codec : codecs) {
    INFO(to_string(codec));
    for (const size_t size : {0, 1, 100, 32768, 32769, 1000000}) {
      INFO(size);
      const auto plain = mixed(size);
      auto packed = compress(codec, plain);
      REQUIRE(packed.ok());
      auto back = decompress(codec, *packed, 1 << 20);
      INFO((back.ok() ? "" : to_string(back.error())));
      REQUIRE(back.ok());
      CHECK(*back == plain);
    }
  }
}

TEST_CASE("a codec tries as hard as its level says", "[storage][compression]") {
  std::string text;
  std::mt19937_64 rng{1};
  while (text.size() < 200'000)
    text += "{\"user\":" + std::to_string(rng() % 5000) + ",\"action\":\"a"
            + std::to_string(rng() % 50) + "\"}\n";
  const auto plain = bytes_of(text);
  const auto size = [&](compression_codec codec, compression_levels levels) {
    auto packed = compress(codec, plain, levels);
    REQUIRE(packed.ok());
    auto back = decompress(codec, *packed, 1 << 20);
    REQUIRE(back.ok());
    CHECK(*back == plain);
    return packed->size();
  };
  using codec = compression_codec;
  CHECK(size(codec::gzip, {.gzip = 1}) > size(codec::gzip, {.gzip = 9}));
  CHECK(size(codec::gzip, {}) == size(codec::gzip, {.gzip = 6}));
  CHECK(size(codec::zstd, {.zstd = 1}) > size(codec::zstd, {.zstd = 19}));
  CHECK(size(codec::zstd, {.zstd = -100000}) > size(codec::zstd, {}));
  // 9 is Kafka's default, the quick way; every other level is thorough.
  CHECK(size(codec::lz4, {.lz4 = 9}) > size(codec::lz4, {.lz4 = 3}));
  CHECK(size(codec::lz4, {.lz4 = 3}) >= size(codec::lz4, {.lz4 = 17}));
}

TEST_CASE("decompression stops at its cap", "[storage][compression]") {
  const std::vector<std::byte> zeros(10u << 20);
  for (const auto codec : codecs) {
    INFO(to_string(codec));
    auto packed = compress(codec, zeros);
    REQUIRE(packed.ok());
    auto back = decompress(codec, *packed, 1 << 20);
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().code == errc::too_large);
  }
}

TEST_CASE("bytes that are cut or spoiled are errors, never crashes",
  "[storage][compression]") {
  const auto plain = mixed(5000);
  for (const auto codec : codecs) {
    if (codec == compression_codec::none)
      continue;
    INFO(to_string(codec));
    auto packed = compress(codec, plain);
    REQUIRE(packed.ok());
    for (size_t size = 0; size < packed->size(); size += 7) {
      auto cut = decompress(codec, std::span{*packed}.first(size), 1 << 20);
      // Xerial's frame may end behind any block; this input has one only.
      if (size > 16 || codec != compression_codec::snappy)
        CHECK_FALSE(cut.ok());
    }
    std::mt19937_64 rng{1};
    for (int i = 0; i < 2000; ++i) {
      auto spoiled = *packed;
      for (int n = 0; n < 3; ++n)
        spoiled[rng() % spoiled.size()] = static_cast<std::byte>(rng());
      static_cast<void>(decompress(codec, spoiled, 1 << 20)); // no crash
    }
  }
}

TEST_CASE("a raw snappy block is read, as librdkafka writes it",
  "[storage][compression]") {
  // Length 5, a literal of 5 bytes: tag (5 - 1) << 2.
  auto back
    = decompress(compression_codec::snappy, bytes_of("\x05\x10hello"), 100);
  REQUIRE(back.ok());
  CHECK(*back == bytes_of("hello"));
}

TEST_CASE("snappy is written in xerial's framing", "[storage][compression]") {
  auto packed = compress(compression_codec::snappy, bytes_of("hello"));
  REQUIRE(packed.ok());
  // Magic, version 1, compatible with 1, a block of 7 bytes.
  using namespace std::string_view_literals;
  CHECK(*packed
        == bytes_of("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\x07\x05\x10hello"sv));
}

TEST_CASE("a snappy block that claims more than it can hold takes no memory",
  "[storage][compression]") {
  // Claims 100 MiB (as a varint) in 6 bytes.
  auto back = decompress(compression_codec::snappy,
    bytes_of("\x80\x80\x80\x32\x10hi"), size_t{1} << 30);
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().code == errc::too_large);
}

TEST_CASE("gzip members may follow one another", "[storage][compression]") {
  auto one = compress(compression_codec::gzip, bytes_of("one"));
  auto two = compress(compression_codec::gzip, bytes_of("two"));
  one->insert(one->end(), two->begin(), two->end());
  auto back = decompress(compression_codec::gzip, *one, 100);
  REQUIRE(back.ok());
  CHECK(*back == bytes_of("onetwo"));
}
