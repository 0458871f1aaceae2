// What storage/file.hpp promises, on the real file system and on its twin.

#include "simulation/sim_file_system.hpp"
#include "storage/posix_file_system.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

struct real_files {
  temporary_directory directory;
  posix_file_system files;
  std::string root = directory.path();
};

struct simulated_files {
  sim_file_system files;
  std::string root = "/work";

  simulated_files() {
    REQUIRE(files.make_directory(root));
  }
};

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span{text});
}

std::string text_at(const file& f, uint64_t position, size_t size) {
  std::string text(size, '?');
  auto got = f.read_at(position, std::as_writable_bytes(std::span{text}));
  REQUIRE(got);
  text.resize(*got);
  return text;
}

} // namespace

TEMPLATE_TEST_CASE("all parts of a gathered write arrive in order",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  auto opened = env.files.open(env.root + "/a", open_mode::create);
  REQUIRE(opened);
  auto& f = **opened;
  // More parts than one system call takes, some of them empty.
  std::vector<std::string> parts;
  std::string whole;
  for (int i = 0; i < 3000; ++i) {
    parts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
    whole += parts.back();
  }
  std::vector<std::span<const std::byte>> spans;
  for (const auto& part : parts)
    spans.push_back(bytes(part));
  REQUIRE(f.write_at(5, spans));
  REQUIRE(f.sync());
  CHECK(*f.size() == 5 + whole.size());
  CHECK(text_at(f, 0, 5) == std::string(5, '\0'));
  CHECK(text_at(f, 5, whole.size() + 100) == whole);
  CHECK(text_at(f, 5 + whole.size(), 10).empty());
  CHECK(f.resident(0, whole.size()));
}

TEMPLATE_TEST_CASE("a sync of the volume covers the files of its device",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  auto volume = env.files.open_volume(env.root);
  REQUIRE(volume);
  REQUIRE(*volume != nullptr); // Linux 5.8 or newer, as Debian 12 has
  auto opened = env.files.open(env.root + "/a", open_mode::create);
  REQUIRE(opened);
  CHECK((*opened)->device() == (*volume)->device());
  REQUIRE((*opened)->write_at(0, bytes("12345")));
  CHECK((*volume)->run().ok());
  CHECK(
    env.files.open_volume(env.root + "/no").error().code == errc::not_found);
}

TEMPLATE_TEST_CASE("what was dropped from memory is read from the disk",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  auto opened = env.files.open(env.root + "/a", open_mode::create);
  REQUIRE(opened);
  auto& f = **opened;
  REQUIRE(f.write_at(0, bytes("12345")));
  REQUIRE(f.drop_cache(0));
  CHECK(text_at(f, 0, 10) == "12345");
}

TEST_CASE(
  "R6: a dropped cache shows what a failed sync has lost", "[storage][file]") {
  simulated_files env;
  auto opened = env.files.open(env.root + "/a", open_mode::create);
  REQUIRE(opened);
  auto& f = **opened;
  REQUIRE(f.write_at(0, bytes("12345")));
  REQUIRE(f.sync());
  REQUIRE(f.write_at(5, bytes("678")));
  env.files.fail_next_sync();
  CHECK_FALSE(f.sync());
  CHECK(f.sync()); // a lie
  CHECK(text_at(f, 0, 10) == "12345678");
  REQUIRE(f.drop_cache(0));
  CHECK_FALSE(f.resident(0, 5));
  CHECK(text_at(f, 0, 10) == "12345");
  CHECK(f.resident(0, 5));
}

TEST_CASE("what the volume's sync has covered outlives a crash, names too",
  "[storage][file]") {
  simulated_files env;
  auto volume = env.files.open_volume(env.root);
  REQUIRE(volume);
  REQUIRE(env.files.make_directory(env.root + "/d"));
  auto opened = env.files.open(env.root + "/d/a", open_mode::create);
  REQUIRE(opened);
  REQUIRE((*opened)->write_at(0, bytes("12345")));
  REQUIRE((*volume)->run());
  REQUIRE((*opened)->write_at(5, bytes("678")));
  env.files.crash(crash_policy::lose_unsynced);
  CHECK(env.files.content(env.root + "/d/a") == "12345");
  CHECK((*volume)->run().error().code == errc::offline);
}

TEMPLATE_TEST_CASE("an open mode decides what must be there and what is made",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  const auto path = env.root + "/a";
  auto missing = env.files.open(path, open_mode::read);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK_THAT(missing.error().context, Catch::Contains(path));
  CHECK(env.files.open(path, open_mode::read_write).error().code
        == errc::not_found);
  CHECK(env.files.open(env.root + "/no/a", open_mode::create).error().code
        == errc::not_found);
  REQUIRE(
    (*env.files.open(path, open_mode::create))->write_at(0, bytes("12345")));
  CHECK(*(*env.files.open(path, open_mode::create))->size() == 5);
  CHECK(*(*env.files.open(path, open_mode::read_write))->size() == 5);
  auto reading = env.files.open(path, open_mode::read);
  CHECK(text_at(**reading, 1, 3) == "234");
  CHECK_FALSE((*reading)->write_at(0, bytes("x")));
  CHECK(*(*env.files.open(path, open_mode::create_fresh))->size() == 0);
  CHECK_FALSE(env.files.open(env.root, open_mode::read));
}

TEMPLATE_TEST_CASE("a reservation does not change the size", "[storage][file]",
  real_files, simulated_files) {
  TestType env;
  auto f = *env.files.open(env.root + "/a", open_mode::create);
  REQUIRE(f->write_at(0, bytes("abc")));
  REQUIRE(f->reserve(0, 1 << 20));
  CHECK(*f->size() == 3);
  REQUIRE(f->truncate(2));
  CHECK(*f->size() == 2);
  REQUIRE(f->truncate(4));
  CHECK(text_at(*f, 0, 10) == std::string("ab\0\0", 4));
}

TEMPLATE_TEST_CASE("names are made, listed in order, moved and removed",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  const auto deep = env.root + "/x/y/z";
  REQUIRE(env.files.make_directory(deep));
  REQUIRE(env.files.make_directory(deep));
  REQUIRE(make_directory_durable(env.files, deep + "/u/v"));
  for (const char* name : {"b", "a", "c"})
    REQUIRE(replace_file(env.files, deep + "/" + name, name));
  auto listed = env.files.list(deep);
  REQUIRE(listed);
  std::vector<std::string> names;
  for (const auto& entry : *listed)
    names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"a", "b", "c", "u"});
  CHECK((*listed)[0].size == 1);
  CHECK_FALSE((*listed)[0].is_directory);
  CHECK((*listed)[3].is_directory);

  REQUIRE(env.files.rename(deep + "/a", deep + "/c"));
  CHECK_FALSE(env.files.exists(deep + "/a"));
  CHECK(*read_file(env.files, deep + "/c") == "a");
  CHECK(
    env.files.rename(deep + "/a", deep + "/d").error().code == errc::not_found);
  CHECK(env.files.remove(deep + "/a").error().code == errc::not_found);
  CHECK_FALSE(env.files.remove(deep));
  CHECK_FALSE(env.files.make_directory(deep + "/c/below"));
  CHECK(env.files.list(env.root + "/no").error().code == errc::not_found);
  CHECK_FALSE(env.files.sync_directory(env.root + "/no"));
  REQUIRE(env.files.sync_directory(deep));
  REQUIRE(remove_tree(env.files, env.root + "/x"));
  CHECK_FALSE(env.files.exists(deep));
  CHECK(env.files.exists(env.root));
}

// The files of deleted segments stayed until the next start: they were taken
// for directories.
TEMPLATE_TEST_CASE("a tree that is a single file is removed", "[storage][file]",
  real_files, simulated_files) {
  TestType env;
  const auto path = env.root + "/00000000000000000000.log.deleted";
  REQUIRE(replace_file(env.files, path, "bytes"));
  REQUIRE(remove_tree(env.files, path));
  CHECK_FALSE(env.files.exists(path));
  CHECK(remove_tree(env.files, path).error().code == errc::not_found);
}

TEMPLATE_TEST_CASE("an open file outlives its name", "[storage][file]",
  real_files, simulated_files) {
  TestType env;
  REQUIRE(replace_file(env.files, env.root + "/a", "kept"));
  auto f = *env.files.open(env.root + "/a", open_mode::read);
  REQUIRE(env.files.remove(env.root + "/a"));
  CHECK(text_at(*f, 0, 10) == "kept");
}

TEMPLATE_TEST_CASE("a directory is locked once, and again after release",
  "[storage][file]", real_files, simulated_files) {
  TestType env;
  auto first = env.files.lock(env.root);
  REQUIRE(first);
  auto second = env.files.lock(env.root);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::locked);
  CHECK_THAT(second.error().context, Catch::Contains("process "));
  *first = nullptr;
  CHECK(env.files.lock(env.root));
}

TEMPLATE_TEST_CASE("a whole file is read, up to a bound", "[storage][file]",
  real_files, simulated_files) {
  TestType env;
  const auto path = env.root + "/a";
  REQUIRE(replace_file(env.files, path, "first"));
  REQUIRE(replace_file(env.files, path, "second"));
  CHECK(*read_file(env.files, path) == "second");
  CHECK(read_file(env.files, path, 5).error().code == errc::too_large);
  CHECK(read_file(env.files, path + "x").error().code == errc::not_found);
  auto space = env.files.space(env.root);
  REQUIRE(space);
  CHECK(space->free_bytes <= space->total_bytes);
  CHECK(space->free_bytes > 0);
}

TEST_CASE("a parent directory is found by name alone", "[storage][file]") {
  CHECK(parent_directory("/a/b") == "/a");
  CHECK(parent_directory("/a/b/") == "/a");
  CHECK(parent_directory("/a") == "/");
  CHECK(parent_directory("/") == "/");
  CHECK(parent_directory("a") == ".");
  CHECK(parent_directory("a//b") == "a");
}

TEST_CASE("a write beyond the file size limit says so", "[storage][file]") {
  real_files env;
  auto full = env.files.open("/dev/full", open_mode::read_write);
  if (full) {
    auto wrote = (*full)->write_at(0, bytes("x"));
    REQUIRE_FALSE(wrote);
    CHECK(wrote.error().code == errc::out_of_space);
    CHECK_THAT(wrote.error().context, Catch::Contains("/dev/full: write"));
  }
}
