#include "simulation/owner_book.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// One member owns partitions 0 and 1 until 100.
struct one_owner {
  owner_book book;
  owner_book::member first = book.next_member();
  owner_book::member second = book.next_member();

  one_owner() {
    book.owns(first, {0, 1}, 100, 10);
  }
  [[nodiscard]] bool broke(const std::string& rule) const {
    return book.violation().rfind(rule, 0) == 0;
  }
};

constexpr auto taken = owner_book::outcome::taken;
constexpr auto refused = owner_book::outcome::refused;

} // namespace

TEST_CASE("a partition belongs to one member at a time", "[simulation][book]") {
  one_owner o;
  SECTION("while its session lasts") {
    o.book.owns(o.second, {1}, 150, 60);
    CHECK(o.broke("a partition belongs to one member at a time"));
  }
  SECTION("also when it has been told first that it goes on") {
    o.book.stays(o.first, 140, 90);
    o.book.owns(o.second, {1}, 150, 120);
    CHECK(o.broke("a partition belongs to one member at a time"));
  }
  SECTION("or afterwards") {
    o.book.owns(o.second, {1}, 150, 100);
    CHECK(o.book.violation() == "");
    o.book.stays(o.first, 170, 120);
    CHECK(o.broke("a partition belongs to one member at a time"));
  }
  SECTION("until it has given it up") {
    o.book.gives_up(o.first, 1);
    o.book.owns(o.second, {1}, 150, 60);
    CHECK(o.book.violation() == "");
    CHECK(o.book.moves() == 1);
    CHECK(o.book.is_settled(2, 60));
    CHECK_FALSE(o.book.is_settled(2, 120));
    CHECK_FALSE(o.book.is_settled(3, 60));
  }
  SECTION("or is gone") {
    o.book.gives_up_all(o.first);
    o.book.owns(o.second, {0, 1}, 150, 60);
    CHECK(o.book.violation() == "");
  }
}

TEST_CASE(
  "who has lost a partition commits nothing for it", "[simulation][book]") {
  one_owner o;
  o.book.owns(o.second, {1}, 200, 110);
  const auto late = o.book.commits(o.first, 1, 120);
  SECTION("it is refused") {
    o.book.answered(late, refused);
    CHECK(o.book.violation() == "");
    CHECK(o.book.refused_late() == 1);
    o.book.shown(1, late, -1);
    CHECK(o.broke("a commit that was refused changes nothing"));
  }
  SECTION("it is taken") {
    o.book.answered(late, taken);
    CHECK(o.broke("who has lost a partition commits nothing for it"));
  }
}

TEST_CASE("a committed offset is kept", "[simulation][book]") {
  one_owner o;
  const auto offset = o.book.commits(o.first, 1, 20);
  const auto open = o.book.commits(o.first, 1, 30);
  o.book.answered(offset, taken);
  CHECK(o.book.taken(1) == offset);
  CHECK(o.book.taken(0) == -1);
  SECTION("the last one that was taken, or one that may have been") {
    o.book.shown(1, offset, o.book.taken(1));
    o.book.shown(1, open, o.book.taken(1));
    o.book.shown(0, -1, o.book.taken(0));
    CHECK(o.book.violation() == "");
  }
  SECTION("not lost") {
    o.book.shown(1, -1, o.book.taken(1));
    CHECK(o.broke("a committed offset is kept"));
  }
  SECTION("not another partition's") {
    o.book.shown(0, offset, -1);
    CHECK(o.broke("no commit from nowhere"));
  }
}
