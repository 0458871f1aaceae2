#include "simulation/sim_file_system.hpp"
#include "storage/consensus_log.hpp"
#include "storage/posix_file_system.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr consensus_log_options small{
  .segment_bytes = 4096, .fill_bytes = 1024, .payload_bytes_max = 10000};

consensus_entry entry(uint64_t term, uint64_t index, size_t size = 100) {
  return {term, index, static_cast<uint8_t>(index % 3),
    shared_bytes::copy_of(
      std::string(size, static_cast<char>('a' + (index + term) % 26)))};
}

std::unique_ptr<consensus_log> must_open(file_system& files,
  const std::string& path = "/log", consensus_log_options options = small) {
  auto opened = consensus_log::open(files, path, options);
  if (!opened)
    FAIL(to_string(opened.error()));
  return std::move(*opened);
}

void append(
  consensus_log& log, uint64_t term, uint64_t count, size_t size = 100) {
  std::vector<consensus_entry> entries;
  for (uint64_t i = 0; i < count; ++i)
    entries.push_back(entry(term, log.last_index() + 1 + i, size));
  REQUIRE(log.append(entries));
}

std::vector<consensus_entry> all(const consensus_log& log) {
  auto entries = log.read(log.first_index(), UINT64_MAX);
  if (!entries)
    FAIL(to_string(entries.error()));
  return *entries;
}

// The newest segment file.
std::string last_file(sim_file_system& files) {
  std::string last;
  for (const auto& path : files.tree())
    if (path.ends_with(".entries"))
      last = path;
  return last;
}

} // namespace

TEST_CASE("entries come back as they went in, over many segments",
  "[storage][consensus_log]") {
  temporary_directory directory;
  posix_file_system files;
  const auto path = directory.path() + "/log";
  std::vector<consensus_entry> before;
  {
    auto log = must_open(files, path);
    CHECK(log->first_index() == 1);
    CHECK(log->last_index() == 0);
    CHECK(log->last_term() == 0);
    CHECK(all(*log).empty());
    for (uint64_t i = 1; i <= 50; ++i)
      append(*log, i / 10 + 1, 4, i * 7);
    append(*log, 6, 1, 9000); // larger than a segment
    append(*log, 6, 1, 0);
    CHECK(log->durable_index() < log->last_index());
    REQUIRE(log->sync());
    CHECK(log->durable_index() == 202);
    before = all(*log);
    CHECK(before.size() == 202);
    CHECK(log->read(0, 1).error().code == errc::out_of_range);
    CHECK(log->read(204, 1).error().code == errc::out_of_range);
    CHECK(log->read(203, 1)->empty());
    CHECK(log->read(201, 1)->size() == 1);
    CHECK(log->read(1, 20)->size() == 2); // of 7 bytes each
    CHECK(log->term_at(0) == 0u);
    CHECK(log->term_at(1) == 1u);
    CHECK(log->term_at(202) == 6u);
    CHECK_FALSE(log->term_at(203));
    const std::vector<consensus_entry> huge{entry(6, 203, 10001)};
    CHECK(log->append(huge).error().code == errc::too_large);
  }
  auto log = must_open(files, path);
  CHECK(all(*log) == before);
  CHECK(log->durable_index() == 202);
  CHECK(log->recovery().cut_bytes == 0);
  CHECK(log->recovery().files_removed == 0);
}

TEST_CASE("a truncated entry does not come back", "[storage][consensus_log]") {
  for (const uint64_t from : {1, 2, 30, 55, 99, 100, 101}) {
    sim_file_system files;
    auto log = must_open(files);
    append(*log, 1, 60);
    append(*log, 3, 40);
    REQUIRE(log->truncate_from(from));
    CHECK(log->last_index() == from - 1);
    files.crash(crash_policy::lose_unsynced);
    log = must_open(files);
    if (from <= 100) // nothing is to be truncated at 101, and no sync was asked
      CHECK(log->last_index() == from - 1);
    // An entry of a lower term than the cut one's may follow in its place.
    append(*log, std::max<uint64_t>(log->last_term(), 2), 10);
    REQUIRE(log->sync());
    const auto entries = all(*log);
    log = must_open(files);
    CHECK(all(*log) == entries);
  }
}

TEST_CASE(
  "dropping keeps what follows a snapshot", "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  append(*log, 1, 60);
  append(*log, 2, 60);
  REQUIRE(log->sync());
  const auto count = files.tree().size();
  REQUIRE(log->drop_before(101, 2));
  CHECK(files.tree().size() < count);
  CHECK(log->first_index() == 101);
  CHECK(log->last_index() == 120);
  CHECK(log->term_at(100) == 2u);
  CHECK_FALSE(log->term_at(99));
  CHECK(log->read(100, 1).error().code == errc::out_of_range);
  CHECK(log->read(101, 1)->front() == entry(2, 101));
  REQUIRE(log->drop_before(50, 1)); // older than what is known
  CHECK(log->first_index() == 101);
  log = must_open(files);
  CHECK(log->first_index() <= 101);
  CHECK(log->first_index() > 60);
  CHECK(log->last_index() == 120);
  CHECK(log->term_at(100) == 2u);
}

TEST_CASE("a snapshot beyond the log, or of another history, starts it over",
  "[storage][consensus_log]") {
  for (const uint64_t index : {50, 500}) {
    sim_file_system files;
    auto log = must_open(files);
    append(*log, 1, 100);
    REQUIRE(log->sync());
    REQUIRE(log->drop_before(index, 7));
    CHECK(log->first_index() == index);
    CHECK(log->last_index() == index - 1);
    CHECK(log->last_term() == 7);
    files.crash(crash_policy::lose_unsynced);
    log = must_open(files);
    CHECK(log->first_index() == index);
    CHECK(log->last_term() == 7);
    append(*log, 7, 3);
    REQUIRE(log->sync());
    log = must_open(files);
    CHECK(log->last_index() == index + 2);
  }
}

TEST_CASE("a broken entry below a durable one is corruption, not a tail (R10)",
  "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  for (int i = 0; i < 5; ++i) {
    append(*log, 1, 1);
    REQUIRE(log->sync());
  }
  // Entries of 144 bytes from byte 512 on.
  for (uint64_t broken = 1; broken <= 5; ++broken) {
    auto damaged = files.clone();
    damaged->flip_bit(last_file(*damaged), 512 + (broken - 1) * 144 + 60, 3);
    auto opened = consensus_log::open(*damaged, "/log", small);
    if (broken < 5) {
      REQUIRE_FALSE(opened);
      CHECK(opened.error().code == errc::corrupt);
      CHECK_THAT(opened.error().context,
        Catch::Contains("byte " + std::to_string(512 + (broken - 1) * 144)));
    } else {
      // The last one may have been torn, as far as the file can tell.
      REQUIRE(opened);
      CHECK((*opened)->last_index() == 4);
      CHECK((*opened)->recovery().cut_bytes > 0);
      CHECK((*opened)->recovery().cut_position == 512 + 4 * 144);
    }
    auto hinted = small;
    hinted.durable_hint = 5;
    auto again = files.clone();
    again->flip_bit(last_file(*again), 512 + (broken - 1) * 144 + 60, 3);
    CHECK(consensus_log::open(*again, "/log", hinted).error().code
          == errc::corrupt);
  }
  auto headless = files.clone();
  headless->flip_bit(last_file(*headless), 17, 0);
  CHECK(consensus_log::open(*headless, "/log", small).error().code
        == errc::corrupt);
  sim_file_system empty;
  auto hinted = small;
  hinted.durable_hint = 5;
  CHECK(
    consensus_log::open(empty, "/log", hinted).error().code == errc::corrupt);
}

TEST_CASE("a broken entry in an older segment is corruption",
  "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  append(*log, 1, 100);
  REQUIRE(log->sync());
  std::string first;
  for (const auto& path : files.tree())
    if (first.empty() && path.ends_with(".entries"))
      first = path;
  files.flip_bit(first, 512 + 144 * 10, 0);
  CHECK(log->read(1, UINT64_MAX).error().code == errc::corrupt);
  auto opened = consensus_log::open(files, "/log", small);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().context, Catch::Contains("entry 11 is broken"));
}

TEST_CASE(
  "a copy of an entry in a payload is no entry", "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  append(*log, 1, 2);
  REQUIRE(log->sync());
  append(*log, 1, 1);
  REQUIRE(log->sync());
  // The third entry's image, which says that the second was durable, travels
  // in a payload that is then torn.
  const auto image = files.content(last_file(files)).substr(512 + 288, 144);
  REQUIRE(log->truncate_from(2));
  const std::vector<consensus_entry> carrier{
    {1, 2, 0, shared_bytes::copy_of(std::string(600, 'x') + image)}};
  REQUIRE(log->append(carrier));
  files.crash(crash_policy::keep_unsynced);
  files.flip_bit(last_file(files), 512 + 50, 1);
  log = must_open(files);
  CHECK(log->last_index() == 1);
}

TEST_CASE("a full disk leaves a log that goes on when there is space",
  "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  files.limit_space(10000);
  uint64_t appended = 0;
  for (;; ++appended) {
    const std::vector<consensus_entry> one{entry(1, appended + 1)};
    auto result = log->append(one);
    if (!result) {
      CHECK(result.error().code == errc::out_of_space);
      break;
    }
  }
  CHECK(log->last_index() == appended);
  REQUIRE(log->sync());
  files.limit_space(1 << 20);
  append(*log, 1, 100);
  REQUIRE(log->sync());
  files.crash(crash_policy::lose_unsynced);
  CHECK(must_open(files)->last_index() == appended + 100);
}

TEST_CASE(
  "after a failed sync the log is offline (R6)", "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  append(*log, 1, 3);
  REQUIRE(log->sync());
  append(*log, 1, 3);
  files.fail_next_sync();
  CHECK(log->sync().error().code == errc::io_error);
  CHECK(log->durable_index() == 3);
  CHECK(log->sync().error().code == errc::offline);
  const std::vector<consensus_entry> one{entry(1, 7)};
  CHECK(log->append(one).error().code == errc::offline);
  CHECK(log->truncate_from(2).error().code == errc::offline);
  files.crash(crash_policy::keep_unsynced);
  CHECK(must_open(files)->last_index() == 3);
}

TEST_CASE("the bytes of a log are those of the format's page",
  "[storage][consensus_log]") {
  sim_file_system files;
  auto log = must_open(files);
  const std::vector<consensus_entry> first{
    {1, 1, 0, shared_bytes::copy_of("hello")}};
  const std::vector<consensus_entry> second{{1, 2, 1, {}}};
  REQUIRE(log->append(first));
  REQUIRE(log->sync());
  REQUIRE(log->append(second));
  const auto content
    = files.content("/log/0000000001-00000000000000000001.entries");
  const std::string head{"mrconlog\1\0\0\0\0\0\0\0"
                         "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                         "\0\0\0\0\0\0\0\0\x87\x44\x67\x20\0\0\0\0",
    48};
  const std::string entries{"\xe8\xf8\xe8\xaf\5\0\0\0\1\0\0\0\0\0\0\0"
                            "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                            "\0\0\0\0\0\0\0\0hello\0\0\0"
                            "\x36\x92\x3a\x32\0\0\0\0\1\0\0\0\0\0\0\0"
                            "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                            "\1\0\0\0\0\0\0\0",
    88};
  CHECK(content.substr(0, 48) == head);
  CHECK(content.substr(512, 88) == entries);
}

TEST_CASE("a segment of a later version is refused with a sentence",
  "[storage][consensus_log]") {
  sim_file_system files;
  must_open(files);
  files.flip_bit(last_file(files), 8, 1); // version 1 becomes 3
  auto opened = consensus_log::open(files, "/log", small);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::unsupported);
  CHECK_THAT(opened.error().context, Catch::Contains("version 3"));
}
