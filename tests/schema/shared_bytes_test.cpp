#include "schema/shared_bytes.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a slice shares the block of its whole", "[schema][shared_bytes]") {
  auto whole = shared_bytes::copy_of("0123456789");
  CHECK(whole.unique());
  auto part = whole.slice(2, 3);
  CHECK(part.text() == "234");
  CHECK(part.data() == whole.data() + 2);
  CHECK_FALSE(whole.unique());
  CHECK(part.block_size() == 10);
}

TEST_CASE("a block lives as long as its last slice", "[schema][shared_bytes]") {
  shared_bytes part;
  {
    auto whole = shared_bytes::copy_of("0123456789");
    part = whole.slice(5, 5);
  }
  CHECK(part.unique());
  CHECK(part.text() == "56789");
}

TEST_CASE("a moved slice takes its share along", "[schema][shared_bytes]") {
  auto first = shared_bytes::copy_of("abc");
  auto second = std::move(first);
  CHECK(second.unique());
  CHECK(second.text() == "abc");
  // NOLINTNEXTLINE(bugprone-use-after-move): an emptied slice is empty.
  CHECK(first.empty());
  second = second.slice(1, 1);
  CHECK(second.text() == "b");
}

TEST_CASE(
  "a block starts at a multiple of 16 bytes", "[schema][shared_bytes]") {
  for (size_t size : {0u, 1u, 15u, 16u, 1000u}) {
    const auto block = shared_bytes::allocate(size);
    CHECK(reinterpret_cast<uintptr_t>(block.data()) % 16 == 0);
    CHECK(block.size() == size);
  }
}

TEST_CASE("slices compare by content", "[schema][shared_bytes]") {
  CHECK(shared_bytes::copy_of("ab") == shared_bytes::copy_of("ab"));
  CHECK_FALSE(shared_bytes::copy_of("ab") == shared_bytes::copy_of("ac"));
  CHECK(shared_bytes{} == shared_bytes::copy_of(""));
}
