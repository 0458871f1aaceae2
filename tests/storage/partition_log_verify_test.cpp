#include "tests/storage/log_fixture.hpp"

using namespace millrace;

using list = std::vector<int64_t>;

namespace {

std::string log_of(int64_t base) {
  return segment_path("/data/t-0", offset{base}, ".log");
}

/// Eight durable batches of one record each, two in a segment.
void fill(log_fixture& f) {
  f.config.segment_bytes = 200;
  f.replicated = true;
  f.open();
  for (int i = 0; i < 8; ++i)
    f.append_good({.timestamp_ms = 1000 + i});
  f.sync();
  REQUIRE(f.log->segment_count() == 4);
}

/// What a batch of the fixture has `at` bytes behind its begin goes bad.
void flip(log_fixture& f, int64_t at_offset, uint64_t at) {
  const auto base = at_offset / 2 * 2;
  const auto index = static_cast<uint64_t>(at_offset - base);
  f.disk.flip_bit(log_of(base), index * make_batch().size() + at, 3);
}

constexpr uint64_t in_offset = 7;
constexpr uint64_t in_length = 9;
constexpr uint64_t in_records = 65;

bool look(log_fixture& f, int64_t from, size_t bytes = 1 << 20) {
  const auto found = f.log->look_for_damage(offset{from}, bytes);
  INFO((found.ok() ? "" : to_string(found.error())));
  REQUIRE(found.ok());
  return *found;
}

void check_refused(const partition_log& log, int64_t from) {
  INFO("offset " << from);
  const auto read = log.read(offset{from}, log.log_end_offset(), 1000, true);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == errc::corrupt);
}

} // namespace

TEST_CASE("a whole log has no damage, wherever one looks",
  "[storage][partition_log_verify]") {
  log_fixture f;
  fill(f);
  for (int64_t from = 0; from <= 8; ++from)
    CHECK_FALSE(look(f, from));
  CHECK_FALSE(look(f, 0, 1));
  CHECK_FALSE(f.log->first_lost());
}

TEST_CASE("bits that went bad in a sealed segment are lost to its end, durably",
  "[storage][partition_log_verify]") {
  const auto where = GENERATE(in_offset, in_length, in_records);
  const auto bad = GENERATE(int64_t{2}, int64_t{3});
  CAPTURE(where, bad);
  log_fixture f;
  fill(f);
  flip(f, bad, where);
  CHECK(look(f, bad));
  CHECK(f.log->first_lost() == offset{bad});
  for (int64_t from = bad; from < 4; ++from)
    check_refused(*f.log, from);
  CHECK(
    bases(*f.log, offset{0}, offset{bad}).size() == static_cast<size_t>(bad));
  CHECK(bases(*f.log, offset{4}, offset{8}) == list{4, 5, 6, 7});
  CHECK(look(f, bad)); // known
  f.hint = offset{8};
  f.open();
  CHECK(f.log->first_lost() == offset{bad});
}

TEST_CASE(
  "damage behind the batch that was asked for is found within the bytes "
  "that were asked for",
  "[storage][partition_log_verify]") {
  log_fixture f;
  fill(f);
  flip(f, 5, in_records);
  CHECK_FALSE(look(f, 0, 3 * make_batch().size()));
  CHECK(look(f, 0));
  CHECK(f.log->first_lost() == offset{5});
}

TEST_CASE("damage in the active segment is lost to the log's end, and the log "
          "goes on behind it",
  "[storage][partition_log_verify]") {
  log_fixture f;
  fill(f);
  f.config.segment_bytes = 1 << 20;
  f.log->configure(f.config);
  flip(f, 6, in_records);
  CHECK(look(f, 7)); // one comes by the batch before it
  CHECK(f.log->first_lost() == offset{6});
  check_refused(*f.log, 6);
  check_refused(*f.log, 7);
  CHECK(f.append_good() == offset{8});
  CHECK(bases(*f.log, offset{8}, offset{9}) == list{8});
  CHECK_FALSE(look(f, 8));
}

TEST_CASE("a segment that ends too early is damage",
  "[storage][partition_log_verify]") {
  log_fixture f;
  fill(f);
  auto file = f.disk.open(log_of(2), open_mode::read_write);
  REQUIRE(file.ok());
  f.disk.overwrite(
    log_of(2), make_batch().size(), std::string(make_batch().size(), '\0'));
  CHECK(look(f, 3));
  CHECK(f.log->first_lost() == offset{3});
}

TEST_CASE(
  "what is lost is cut, and fetched again", "[storage][partition_log_verify]") {
  const auto where = GENERATE(in_offset, in_length, in_records);
  const auto bad = GENERATE(int64_t{2}, int64_t{3}, int64_t{6}, int64_t{7});
  CAPTURE(where, bad);
  log_fixture f;
  fill(f);
  log_fixture other; // the replica that has it
  fill(other);
  flip(f, bad, where);
  REQUIRE(look(f, bad));
  REQUIRE(f.log->truncate_to(offset{bad}).ok());
  CHECK_FALSE(f.log->first_lost());
  REQUIRE(f.log->log_end_offset() == offset{bad});
  auto missing = other.log->read_bytes(offset{bad}, offset{8}, SIZE_MAX, false);
  REQUIRE(missing.ok());
  const auto end = f.log->append_follower(*missing, f.epoch, f.now_ms);
  REQUIRE(end.ok());
  CHECK(*end == offset{8});
  f.sync();
  CHECK(bases(*f.log) == list{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK_FALSE(look(f, 0));
}

TEST_CASE("what a start did not look at is looked at when it is read",
  "[storage][partition_log_verify]") {
  const bool clean = GENERATE(false, true);
  const auto where = GENERATE(in_offset, in_length, in_records);
  CAPTURE(clean, where);
  log_fixture f;
  fill(f);
  if (clean)
    REQUIRE(f.log->close(true).ok());
  f.hint = offset{8};
  flip(f, 3, where);
  f.open(clean);
  const auto read = [&](int64_t from) -> std::optional<size_t> {
    auto found = f.log->read(offset{from}, offset{8}, SIZE_MAX, true);
    if (!found || !f.log->verify(*found).ok())
      return std::nullopt;
    size_t bytes = 0;
    for (const auto& slice : found->slices)
      bytes += slice.size;
    CHECK(bytes == found->bytes);
    return bytes / make_batch().size();
  };
  CHECK(read(0) == 3u); // 0 to 2: whoever goes on from there is told
  CHECK(read(2) == 1u);
  CHECK_FALSE(read(3));
  CHECK(read(4) == 4u);
  CHECK(look(f, 3));
}

TEST_CASE("what was written in this life is not looked at again",
  "[storage][partition_log_verify]") {
  log_fixture f;
  fill(f);
  flip(f, 3, in_records);
  auto found = f.log->read(offset{0}, offset{8}, SIZE_MAX, true);
  REQUIRE(found.ok());
  CHECK(f.log->verify(*found).ok());
  CHECK(found->bytes == 8 * make_batch().size());
}

TEST_CASE("a log that begins within a batch of a later epoch is whole",
  "[storage][partition_log_verify]") {
  log_fixture f;
  f.open();
  for (int i = 0; i < 4; ++i) {
    // Offsets 0 to 2, 3 to 5, ...; the last two batches in epoch 2.
    f.epoch = leader_epoch{i < 2 ? 1 : 2};
    f.append_good({.count = 3});
  }
  f.sync();
  REQUIRE(f.log->finish_retention(offset{7}, 0).ok());
  CHECK_FALSE(look(f, 7));
  f.sync();
  f.close_and_open();
  auto found = f.log->read(offset{7}, offset{12}, SIZE_MAX, true);
  REQUIRE(found.ok());
  CHECK(f.log->verify(*found).ok());
  CHECK(found->bytes == 2 * make_batch({.count = 3}).size());
  CHECK_FALSE(look(f, 7));
  CHECK_FALSE(f.log->first_lost());
}
