#include "schema/result.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace millrace;

namespace {

result<int> half(int x) {
  if (x % 2 != 0)
    return error{errc::invalid_argument, "half of " + std::to_string(x)};
  return x / 2;
}

result<int> quarter(int x) {
  auto once = half(x);
  MILLRACE_TRY(once);
  return half(*once);
}

result<void> is_even(int x) {
  MILLRACE_TRY(half(x));
  return {};
}

} // namespace

TEST_CASE("a result is a value or an error", "[schema][result]") {
  const auto good = half(4);
  REQUIRE(good.ok());
  CHECK(*good == 2);
  const auto bad = half(3);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::invalid_argument);
}

TEST_CASE("an error is handed on with its context", "[schema][result]") {
  CHECK(*quarter(8) == 2);
  CHECK(to_string(quarter(6).error())
        == "half of 3: " + std::string{to_string(errc::invalid_argument)});
  CHECK(is_even(2).ok());
  CHECK(is_even(1).error().context == "half of 1");
}

TEST_CASE("a value that cannot be copied moves out", "[schema][result]") {
  result<std::unique_ptr<int>> made{std::make_unique<int>(7)};
  const auto owned = std::move(made).value();
  CHECK(*owned == 7);
}

TEST_CASE("an error without context is its code alone", "[schema][result]") {
  CHECK(to_string(error{errc::truncated, ""}) == "cut short");
}
