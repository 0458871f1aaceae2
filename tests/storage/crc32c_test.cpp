#include "storage/crc32c.hpp"

#include <catch2/catch.hpp>

#include <string_view>
#include <vector>

using namespace millrace;

TEST_CASE("crc32c is Castagnoli's", "[storage][crc32c]") {
  const std::string_view digits = "123456789";
  // The check value of CRC-32C's catalogue entry.
  CHECK(crc32c(std::as_bytes(std::span{digits})) == 0xe3069283);
  CHECK(crc32c({}) == 0);
  // RFC 3720, B.4: 32 bytes of zeros.
  const std::vector<std::byte> zeros(32);
  CHECK(crc32c(zeros) == 0x8a9136aa);
}

TEST_CASE("crc32c goes on from a seed", "[storage][crc32c]") {
  const std::string_view digits = "123456789";
  const auto bytes = std::as_bytes(std::span{digits});
  CHECK(crc32c(bytes.subspan(4), crc32c(bytes.first(4))) == crc32c(bytes));
}
