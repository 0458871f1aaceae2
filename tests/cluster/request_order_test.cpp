#include "cluster/request_order.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("a request is admitted once, and none behind a later one",
  "[cluster][request_order]") {
  request_order order;
  CHECK(order.admit({1}, 5, 10));
  CHECK_FALSE(order.admit({1}, 5, 10));
  CHECK_FALSE(order.admit({1}, 5, 9));
  CHECK(order.admit({1}, 5, 12));
  CHECK_FALSE(order.admit({1}, 5, 11));
  // Others count for themselves.
  CHECK(order.admit({2}, 5, 1));
}

TEST_CASE("a later life of a node begins anew, an earlier one is over",
  "[cluster][request_order]") {
  request_order order;
  CHECK(order.admit({1}, 5, 10));
  CHECK(order.admit({1}, 6, 1));
  CHECK_FALSE(order.admit({1}, 5, 11));
  CHECK(order.admit({1}, 6, 2));
}
