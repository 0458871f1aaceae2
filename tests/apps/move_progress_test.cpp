#include "apps/cli/move_progress.hpp"
#include "apps/cli/open_moves.hpp"
#include "apps/client/throttle_admin.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

replica_move move(
  int32_t partition, std::vector<int32_t> from, std::vector<int32_t> to) {
  replica_move made{{"t", partition}, {}, {}};
  for (const auto id : from)
    made.from.push_back(node_id{id});
  for (const auto id : to)
    made.to.push_back(node_id{id});
  return made;
}

} // namespace

TEST_CASE("the line says what is left once there is something to tell by",
  "[apps][move_progress]") {
  move_figures figures{3, 20, 0, 0, 100};
  CHECK(to_string(figures) == "moved 3 of 20 partitions");
  figures.to_copy = 8'000'000;
  CHECK(to_string(figures) == "moved 3 of 20 partitions, 0.0 of 8.0 MB");
  figures.copied = 1'000'000;
  CHECK(to_string(figures) == "moved 3 of 20 partitions, 1.0 of 8.0 MB");
  figures.elapsed_ms = 10'000;
  // 0.1 MB/s, and 7 MB to go.
  CHECK(to_string(figures)
        == "moved 3 of 20 partitions, 1.0 of 8.0 MB, 0.1 MB/s, about 70 s "
           "left");
  figures.copied = 8'000'000;
  CHECK(
    to_string(figures) == "moved 3 of 20 partitions, 8.0 of 8.0 MB, 0.8 MB/s");
}

TEST_CASE("long times are told in minutes and hours", "[apps][move_progress]") {
  // 1 MB/s.
  CHECK_THAT(to_string(move_figures{0, 1, 10'000'000, 610'000'000, 10'000}),
    Catch::EndsWith("about 10 min left"));
  CHECK_THAT(to_string(move_figures{0, 1, 10'000'000, 36'010'000'000, 10'000}),
    Catch::EndsWith("about 10 h left"));
}

TEST_CASE("each new replica is to have what the biggest one has",
  "[apps][move_progress]") {
  client::replica_sizes sizes;
  sizes[{"t", 0}] = {{node_id{1}, 90}, {node_id{2}, 100}, {node_id{3}, 30}};
  const std::vector<replica_move> moves{
    move(0, {1, 2}, {3, 4}), move(1, {1, 2}, {3, 2})};
  CHECK(bytes_to_copy(moves, sizes) == 200);
  CHECK(bytes_copied(moves, sizes) == 30);
  // Who only gets to lead copies nothing.
  CHECK(bytes_to_copy({move(0, {1, 2}, {2, 1})}, sizes) == 0);
}

TEST_CASE("moves under way are listed without invented bytes",
  "[apps][move_progress]") {
  client::replica_sizes sizes;
  sizes[{"t", 0}] = {{node_id{1}, 100}, {node_id{3}, 30}};
  const auto listed = open_moves_table(
    {{{"t", 0}, move(0, {1, 2}, {3, 2})}, {{"t", 1}, move(1, {1}, {3})}},
    sizes);
  CHECK(listed.to_text()
        == "TOPIC  PARTITION  FROM  TO   COPIED   OF\n"
           "t              0  1,2   3,2      30  100\n"
           "t              1  1     3         -    -\n");
}

TEST_CASE("a throttle is for whom the data goes to, and all that it may come "
          "from",
  "[apps][throttle_admin]") {
  const auto lists = client::throttle_lists_of({move(0, {1, 2}, {3, 2}),
    move(1, {1, 2}, {4, 3}), move(2, {1, 2}, {2, 1})});
  REQUIRE(lists.size() == 1);
  CHECK(lists.at("t").leaders == "0:1,0:2,1:1,1:2");
  CHECK(lists.at("t").followers == "0:3,1:4,1:3");
}
