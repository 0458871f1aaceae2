#include "tests/preload/record_text.hpp"
#include "tests/preload/recorded_disk.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>

namespace millrace::preload {

namespace {

/// A file in a directory, written and synced, the names not yet.
record_text one_file() {
  record_text text;
  text.begin({.kind = call_kind::process});
  text.call({.kind = call_kind::mkdir}, "/d/t-0");
  text.call({.kind = call_kind::open, .flags = O_RDWR | O_CREAT},
    "/d/t-0/0.log", "", 5);
  text.call({.kind = call_kind::write, .descriptor = 5}, "", "bytes", 5);
  text.call({.kind = call_kind::sync, .descriptor = 5});
  return text;
}

void sync_directory(record_text& text, std::string_view path) {
  text.call({.kind = call_kind::open, .flags = O_RDONLY}, path, "", 6);
  text.call({.kind = call_kind::sync, .descriptor = 6});
  text.call({.kind = call_kind::close, .descriptor = 6});
}

void replay_all(recorded_disk& disk, const recording& record) {
  for (size_t i = 0; i < record.entries().size(); ++i)
    REQUIRE(disk.replay(i).ok());
}

directory_content lost(const recorded_disk& disk) {
  std::mt19937_64 rng{1};
  return disk.crash({0}, rng);
}

const directory_content both{{"/t-0", std::nullopt}, {"/t-0/0.log", "bytes"}};

} // namespace

TEST_CASE("synced bytes are lost with a name that is not durable",
  "[preload][recorded_disk]") {
  auto text = one_file();
  SECTION("without a sync of any directory") {
    const auto record = text.parse();
    recorded_disk disk{record, "/d"};
    replay_all(disk, record);
    CHECK(lost(disk).empty());
    CHECK(disk.durable_files("t-0", ".log").empty());
  }
  SECTION("with one directory of the two") {
    sync_directory(text, "/d/t-0");
    const auto record = text.parse();
    recorded_disk disk{record, "/d"};
    replay_all(disk, record);
    CHECK(lost(disk).empty());
  }
  SECTION("not with both") {
    sync_directory(text, "/d/t-0");
    sync_directory(text, "/d");
    const auto record = text.parse();
    recorded_disk disk{record, "/d"};
    replay_all(disk, record);
    CHECK(lost(disk) == both);
    REQUIRE(disk.durable_files("t-0", ".log").size() == 1);
    CHECK(disk.durable_files("t-0", ".log").front() == "bytes");
    REQUIRE(disk.open_file(5) != nullptr);
    CHECK(disk.open_file(6) == nullptr);
  }
}

TEST_CASE("a planted fault takes the syncs of its files away",
  "[preload][recorded_disk]") {
  auto text = one_file();
  sync_directory(text, "/d/t-0");
  sync_directory(text, "/d");
  const auto record = text.parse();
  recorded_disk files{record, "/d", *planted_fault::parse("files:.log")};
  replay_all(files, record);
  CHECK(lost(files).at("/t-0/0.log") == "");
  recorded_disk names{record, "/d", *planted_fault::parse("directories:")};
  replay_all(names, record);
  CHECK(lost(names).empty());
  recorded_disk others{record, "/d", *planted_fault::parse("files:.mdb")};
  replay_all(others, record);
  CHECK(lost(others) == both);
  CHECK_FALSE(planted_fault::parse("something").has_value());
}

TEST_CASE("a sync of the volume covers names and bytes that had returned",
  "[preload][recorded_disk]") {
  record_text text;
  text.begin({.kind = call_kind::process});
  text.call({.kind = call_kind::mkdir}, "/d/t-0");
  text.call({.kind = call_kind::open, .flags = O_RDWR | O_CREAT},
    "/d/t-0/0.log", "", 5);
  text.call({.kind = call_kind::write, .descriptor = 5}, "", "bytes", 5);
  text.begin(
    {.kind = call_kind::write, .call = 100, .descriptor = 5, .position = 5}, "",
    "more");
  text.call({.kind = call_kind::sync_all, .descriptor = 7});
  text.end({.kind = call_kind::write, .call = 100, .result = 4});
  const auto record = text.parse();
  recorded_disk disk{record, "/d"};
  replay_all(disk, record);
  CHECK(lost(disk) == both);
  recorded_disk faulty{record, "/d", *planted_fault::parse("files:.log")};
  replay_all(faulty, record);
  CHECK(lost(faulty).at("/t-0/0.log") == "");
}

TEST_CASE("a directory that is not as recorded tells of a missed call",
  "[preload][recorded_disk]") {
  const auto record = one_file().parse();
  const auto settle = [&](const directory_content& actual) {
    recorded_disk disk{record, "/d"};
    replay_all(disk, record);
    return disk.settle(record.entries().size(), actual);
  };
  CHECK(settle(both).ok());
  auto other = both;
  other["/t-0/0.log"] = "bites";
  CHECK(settle(other).error().code == errc::corrupt);
  other = both;
  other["/t-0/1.log"] = "";
  CHECK(settle(other).error().code == errc::corrupt);
  CHECK(settle({{"/t-0", std::nullopt}}).error().code == errc::corrupt);
}

TEST_CASE(
  "a call that failed has changed nothing", "[preload][recorded_disk]") {
  auto text = one_file();
  text.call({.kind = call_kind::unlink}, "/d/t-0/0.log", "", -1);
  text.call(
    {.kind = call_kind::write, .descriptor = 5, .position = 5}, "", "more", 2);
  const auto record = text.parse();
  recorded_disk disk{record, "/d"};
  replay_all(disk, record);
  CHECK(disk.open_file(5)->cached() == "bytesmo");
}

TEST_CASE(
  "a mapping that is written to is refused", "[preload][recorded_disk]") {
  auto text = one_file();
  text.call({.kind = call_kind::map_shared, .descriptor = 5});
  const auto record = text.parse();
  recorded_disk disk{record, "/d"};
  result<void> last;
  for (size_t i = 0; i < record.entries().size() && last.ok(); ++i)
    last = disk.replay(i);
  CHECK(last.error().code == errc::unsupported);
}

} // namespace millrace::preload
