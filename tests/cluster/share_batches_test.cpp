#include "cluster/share_batches.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

namespace millrace {

namespace {

share_state_batch batch(
  int64_t first, int64_t last, int8_t state, int16_t count = 1) {
  return {offset{first}, offset{last}, state, count};
}

using list = std::vector<share_state_batch>;

list laid(const list& batches) {
  return share_batches{batches}.list();
}

/// A state for each offset: what share_batches must be like.
class naive_batches {
public:
  static constexpr int64_t offsets = 64;

  void lay_over(const share_state_batch& b) {
    for (auto at = b.first.value; at <= b.last.value; ++at)
      states_[static_cast<size_t>(at)] = {b.delivery_state, b.delivery_count};
  }
  void cut_below(offset start) {
    for (int64_t at = 0; at < std::min(start.value, offsets); ++at)
      states_[static_cast<size_t>(at)].reset();
  }
  list all() const {
    list batches;
    for (int64_t at = 0; at < offsets; ++at) {
      const auto& state = states_[static_cast<size_t>(at)];
      if (!state)
        continue;
      if (!batches.empty() && batches.back().last.value + 1 == at
          && batches.back().delivery_state == state->first
          && batches.back().delivery_count == state->second)
        ++batches.back().last.value;
      else
        batches.push_back(batch(at, at, state->first, state->second));
    }
    return batches;
  }

private:
  std::array<std::optional<std::pair<int8_t, int16_t>>, offsets> states_;
};

} // namespace

TEST_CASE(
  "what comes later lies over what was there", "[cluster][share_batches]") {
  CHECK(laid({batch(10, 19, 2), batch(12, 14, 0)})
        == list{batch(10, 11, 2), batch(12, 14, 0), batch(15, 19, 2)});
  CHECK(laid({batch(10, 19, 2), batch(15, 24, 0)})
        == list{batch(10, 14, 2), batch(15, 24, 0)});
  CHECK(laid({batch(10, 19, 2), batch(5, 14, 0)})
        == list{batch(5, 14, 0), batch(15, 19, 2)});
  CHECK(laid({batch(10, 12, 2), batch(14, 16, 2), batch(0, 20, 4)})
        == list{batch(0, 20, 4)});
}

TEST_CASE("neighbours in the same state are one batch, others are not",
  "[cluster][share_batches]") {
  CHECK(laid({batch(0, 4, 2), batch(10, 14, 2), batch(5, 9, 2)})
        == list{batch(0, 14, 2)});
  CHECK(laid({batch(0, 4, 2), batch(6, 9, 2)})
        == list{batch(0, 4, 2), batch(6, 9, 2)});
  CHECK(laid({batch(0, 4, 0, 1), batch(5, 9, 0, 2)})
        == list{batch(0, 4, 0, 1), batch(5, 9, 0, 2)});
  CHECK(laid({batch(0, 9, 2), batch(3, 5, 2)}) == list{batch(0, 9, 2)});
}

TEST_CASE("what is below the start is forgotten, within a batch too",
  "[cluster][share_batches]") {
  share_batches batches{list{batch(0, 4, 2), batch(6, 9, 0)}};
  batches.cut_below(offset{8});
  CHECK(batches.list() == list{batch(8, 9, 0)});
  batches.cut_below(offset{3});
  CHECK(batches.list() == list{batch(8, 9, 0)});
  batches.cut_below(offset{10});
  CHECK(batches.list().empty());
}

TEST_CASE("a batch may go to the last offset that there is",
  "[cluster][share_batches]") {
  CHECK(laid({batch(5, INT64_MAX, 2), batch(7, 7, 0)})
        == list{batch(5, 6, 2), batch(7, 7, 0), batch(8, INT64_MAX, 2)});
  CHECK(laid({batch(7, 7, 0), batch(5, INT64_MAX, 2)})
        == list{batch(5, INT64_MAX, 2)});
}

TEST_CASE("batches are those of Kafka if their offsets are in order",
  "[cluster][share_batches]") {
  CHECK(is_share_batch(batch(0, 0, 0, 0)));
  CHECK_FALSE(is_share_batch(batch(5, 4, 0)));
  CHECK_FALSE(is_share_batch(batch(-1, 4, 0)));
  CHECK_FALSE(is_share_batch(batch(0, 4, 0, -1)));
}

TEST_CASE("writes at random leave what a state for each offset leaves",
  "[cluster][share_batches]") {
  constexpr std::array<int8_t, 3> states{0, 2, 4};
  std::mt19937 random{7};
  const auto below = [&](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  for (int round = 0; round < 200; ++round) {
    share_batches batches;
    naive_batches model;
    offset start{0};
    for (int step = 0; step < 60; ++step) {
      const auto first = below(naive_batches::offsets);
      const auto last = std::min(first + below(12), naive_batches::offsets - 1);
      const auto b = batch(first, last, states.at(random() % 3),
        static_cast<int16_t>(1 + below(2)));
      batches.lay_over(b);
      model.lay_over(b);
      if (below(8) == 0)
        start.value = below(naive_batches::offsets);
      batches.cut_below(start);
      model.cut_below(start);
      REQUIRE(batches.list() == model.all());
    }
    // What is told of it brings it back.
    CHECK(share_batches{batches.list()} == batches);
  }
}

} // namespace millrace
