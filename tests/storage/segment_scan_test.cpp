#include "storage/segment_scan.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

std::shared_ptr<file> file_of(
  sim_file_system& disk, const std::vector<shared_bytes>& parts) {
  auto made = disk.open("/f", open_mode::create_fresh);
  REQUIRE(made.ok());
  uint64_t at = 0;
  for (const auto& part : parts) {
    REQUIRE((*made)->write_at(at, part.span()).ok());
    at += part.size();
  }
  return *made;
}

shared_bytes numbered(int64_t base) {
  auto batch = make_batch({.value_size = 300});
  patch_base_offset(batch.writable(), offset{base});
  return batch;
}

} // namespace

TEST_CASE("a walk sees every batch, however little it reads at once",
  "[storage][segment_scan]") {
  sim_file_system disk;
  const auto source = file_of(disk, {numbered(0), numbered(1), numbered(2)});
  const uint64_t size = *source->size();
  batch_walker walker{source, 0, size, GENERATE(1, 100, 400, 1 << 20)};
  for (int64_t i = 0; i < 3; ++i) {
    auto batch = walker.next();
    REQUIRE(batch.ok());
    REQUIRE(*batch);
    CHECK((*batch)->header.base_offset() == offset{i});
    auto whole = walker.whole();
    REQUIRE(whole.ok());
    const batch_view view{*whole};
    CHECK(view.crc() == view.computed_crc());
  }
  auto end = walker.next();
  REQUIRE(end.ok());
  CHECK_FALSE(*end);
}

TEST_CASE(
  "a walk stops where the bytes are no batch", "[storage][segment_scan]") {
  sim_file_system disk;
  const auto size = numbered(0).size();
  const auto source = file_of(disk, {numbered(0), numbered(1).slice(0, 200)});
  batch_walker walker{source, 0, size + 200};
  REQUIRE(walker.next().ok());
  CHECK(walker.next().error().code == errc::corrupt);
  CHECK(walker.position() == size);
}

TEST_CASE("the next sound batch is found behind any rubbish",
  "[storage][segment_scan]") {
  sim_file_system disk;
  auto rubbish = shared_bytes::allocate(300000);
  std::mt19937_64 rng{3};
  for (auto& b : rubbish.writable())
    b = static_cast<std::byte>(rng());
  auto spoiled = numbered(4);
  spoiled.writable()[100] ^= std::byte{1};
  const auto size = spoiled.size();
  const auto source
    = file_of(disk, {rubbish, spoiled, numbered(3), numbered(5)});
  const auto find = [&](uint64_t from, int64_t lowest) {
    auto found
      = find_sound_batch(source, from, *source->size(), offset{lowest});
    REQUIRE(found.ok());
    return *found;
  };
  CHECK(find(0, 0) == 300000 + size);
  CHECK(find(0, 4) == 300000 + 2 * size);
  CHECK_FALSE(find(0, 6));
  CHECK_FALSE(find(300000 + 2 * size + 1, 0));
}
