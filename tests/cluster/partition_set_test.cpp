#include "cluster/partition_set.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

constexpr uuid a{0, 1};
constexpr uuid b{0, 2};

} // namespace

TEST_CASE(
  "partitions are inserted in order and once", "[cluster][partition_set]") {
  partition_set set;
  for (const auto p : {3, 1, 2, 3, 1, 7})
    insert(set, a, p);
  CHECK(set.at(a) == std::vector{1, 2, 3, 7});
  CHECK(count_of(set) == 4);
  CHECK(contains(set, a, 7));
  CHECK_FALSE(contains(set, a, 4));
  CHECK_FALSE(contains(set, b, 1));
}

TEST_CASE(
  "sets of partitions have no topic without any", "[cluster][partition_set]") {
  const partition_set x{{a, {1, 2}}, {b, {5}}};
  const partition_set y{{a, {2, 3}}, {b, {5, 6}}};
  CHECK(common_to(x, y) == partition_set{{a, {2}}, {b, {5}}});
  CHECK(without(x, y) == partition_set{{a, {1}}});
  CHECK(without(y, x) == partition_set{{a, {3}}, {b, {6}}});
  CHECK(common_to(x, {{a, {9}}}).empty());
  CHECK(is_subset({{b, {5}}}, x));
  CHECK_FALSE(is_subset({{b, {6}}}, x));
  CHECK(is_subset({}, x));
}

} // namespace millrace
