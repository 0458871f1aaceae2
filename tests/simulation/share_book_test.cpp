#include "simulation/share_book.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr share_leadership first_leader{.from = 3, .to = 3};
constexpr share_leadership second_leader{.from = 4, .to = 4};

/// One member has offsets 5 to 7 of partition 0, since it asked at 100; locks
/// last for 50.
struct one_member {
  share_book book{{.delivery_count_max = 3, .lock = 50}};
  share_book::session first = book.begin_session();
  share_book::session second = book.begin_session();

  one_member() {
    book.given(first, {0, 5, 7}, 1, first_leader, {100, 110});
  }
  void say(int8_t type, share_book::outcome is,
    const share_leadership& leader = first_leader) {
    const auto number = book.says(first, {0, 5, 7}, {type, type, type}, 120);
    book.answered(number, is, leader, 125);
  }
  [[nodiscard]] bool broke(const std::string& rule) const {
    return book.violation().rfind(rule, 0) == 0;
  }
};

constexpr int8_t accept = 1;
constexpr int8_t release = 2;
constexpr int8_t renew = 4;
constexpr auto taken = share_book::outcome::taken;
constexpr auto refused = share_book::outcome::refused;
constexpr auto unknown = share_book::outcome::unknown;

} // namespace

TEST_CASE("what a member holds is given to nobody else", "[simulation][book]") {
  one_member m;
  m.book.given(m.second, {0, 6, 6}, 2, first_leader, {120, 130});
  CHECK(m.book.violation() == "");
  SECTION("if its session goes on") {
    m.book.alive(m.first, 140);
    CHECK(m.broke("a record is held by one member at a time"));
  }
  SECTION("unless its session was over") {
    m.book.end_session(m.first);
    m.book.alive(m.first, 140);
    CHECK(m.book.violation() == "");
  }
  SECTION("what it asked before proves nothing") {
    m.book.alive(m.first, 125);
    CHECK(m.book.violation() == "");
  }
}

TEST_CASE(
  "a lock ends, and another leader knows of none", "[simulation][book]") {
  one_member m;
  SECTION("ends") {
    m.book.given(m.second, {0, 6, 6}, 2, first_leader, {140, 150});
  }
  SECTION("another leader") {
    m.book.given(m.second, {0, 6, 6}, 1, second_leader, {120, 130});
  }
  SECTION("perhaps another leader") {
    m.book.given(m.second, {0, 6, 6}, 1, {3, 4}, {120, 130});
  }
  SECTION("released") {
    m.say(release, taken);
    m.book.given(m.second, {0, 6, 6}, 2, first_leader, {126, 130});
  }
  SECTION("told later, given earlier") {
    m.book.given(m.second, {0, 5, 5}, 2, first_leader, {151, 160});
    m.book.given(m.first, {0, 5, 5}, 1, first_leader, {99, 161});
    m.book.alive(m.second, 170);
  }
  m.book.alive(m.first, 200);
  CHECK(m.book.violation() == "");
}

TEST_CASE("a renewed lock lasts longer", "[simulation][book]") {
  one_member m;
  m.say(renew, taken);
  m.book.given(m.second, {0, 6, 6}, 2, first_leader, {155, 160});
  m.book.alive(m.first, 170);
  CHECK(m.broke("a record is held by one member at a time"));
}

TEST_CASE("what was accepted is not given out again", "[simulation][book]") {
  one_member m;
  m.say(accept, taken);
  CHECK(m.book.ended() == 3);
  SECTION("by its leader") {
    m.book.given(m.second, {0, 7, 7}, 2, first_leader, {130, 135});
    CHECK(m.broke("what was accepted or rejected is not given out again"));
  }
  SECTION("by a later one") {
    m.book.given(m.second, {0, 7, 7}, 2, second_leader, {130, 135});
    CHECK(m.broke("what was accepted or rejected is not given out again"));
  }
  SECTION("but by an earlier one, which does not know") {
    m.book.given(m.second, {0, 7, 7}, 2, {2, 2}, {130, 135});
    CHECK(m.book.violation() == "");
  }
  SECTION("nor taken twice") {
    m.book.answered(m.book.says(m.second, {0, 7, 7}, {accept}, 121), taken,
      first_leader, 135);
    CHECK(m.broke("a record's delivery ends once"));
  }
}

TEST_CASE("what may have been accepted may be given out again, or not",
  "[simulation][book]") {
  one_member m;
  m.say(accept, unknown);
  m.book.given(m.second, {0, 5, 5}, 2, second_leader, {130, 135});
  for (int64_t at = 0; at < 5; ++at)
    m.book.exhausted({0, at, at});
  m.book.judge(0, 8);
  CHECK(m.book.violation() == "");
}

TEST_CASE("what is before the group's beginning may be acknowledged again",
  "[simulation][book]") {
  one_member m;
  m.say(accept, taken);
  const auto again
    = m.book.says(m.first, {0, 5, 7}, {accept, accept, accept}, 130);
  SECTION("as nobody knows any more who had it") {
    m.book.answered(again, taken, first_leader, 140, 8);
    CHECK(m.book.violation() == "");
  }
  SECTION("but nothing behind that") {
    m.book.answered(again, taken, first_leader, 140, 7);
    CHECK(m.broke("a record's delivery ends once"));
  }
}

TEST_CASE("deliveries are counted upwards", "[simulation][book]") {
  one_member m;
  SECTION("by one leader") {
    m.book.given(m.second, {0, 6, 6}, 1, first_leader, {160, 165});
    CHECK(m.broke("a leader counts deliveries upwards"));
  }
  SECTION("and by the next one, of what was released") {
    m.say(release, taken);
    m.book.given(m.second, {0, 6, 6}, 1, second_leader, {160, 165});
    CHECK(m.broke("deliveries that are durable stay counted"));
  }
  SECTION("which need not know of others") {
    m.say(release, unknown);
    m.book.given(m.second, {0, 6, 6}, 1, second_leader, {160, 165});
    CHECK(m.book.violation() == "");
  }
  SECTION("nor need one that began again within its epoch") {
    const share_leadership again{
      .from = 3, .to = 3, .actor_from = 7, .actor_to = 7};
    m.book.given(m.second, {0, 6, 6}, 1, again, {160, 165});
    CHECK(m.book.violation() == "");
  }
  SECTION("up to the limit") {
    m.book.given(m.second, {0, 6, 6}, 4, second_leader, {160, 165});
    CHECK(m.broke("a record is delivered as often as may be"));
  }
}

TEST_CASE("a group passes over nothing", "[simulation][book]") {
  one_member m;
  for (int64_t at = 0; at < 5; ++at)
    m.book.exhausted({0, at, at});
  SECTION("nobody has had it") {
    m.say(accept, taken);
    m.book.judge(0, 9);
    CHECK(m.broke("no record is passed over"));
  }
  SECTION("nobody has accepted it") {
    m.say(accept, refused);
    m.book.judge(0, 8);
    CHECK(m.broke("no record is passed over"));
  }
  SECTION("all is done") {
    m.say(accept, taken);
    m.book.judge(0, 8);
    CHECK(m.book.violation() == "");
  }
}
