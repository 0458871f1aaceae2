// A log's directory as a bad disk or a stranger left it: opening it says so
// or makes a log of it that holds together, takes records, and is the same
// after another start.
#include "schema/assert.hpp"
#include "simulation/sim_file_system.hpp"
#include "storage/partition_log.hpp"
#include "storage/record_builder.hpp"
#include "tests/fuzz/input_reader.hpp"

#include <array>
#include <cstdio>
#include <cstring>

namespace {

using namespace millrace;

const std::string directory = "/data/t-0";
constexpr std::array names{"00000000000000000000.log",
  "00000000000000000003.log", "00000000000000000000.index",
  "00000000000000000003.index", "00000000000000000000.timeindex",
  "00000000000000000003.timeindex", "00000000000000000003.snapshot",
  "leader-epoch-checkpoint", "millrace.lost-ranges", "partition.metadata",
  "00000000000000000004.log", "00000000000000000003.log.deleted"};

shared_bytes one_batch(int count, int64_t timestamp_ms) {
  record_builder builder;
  record_view record;
  record.key = "k";
  record.value = "value";
  for (int i = 0; i < count; ++i) {
    record.timestamp_ms = timestamp_ms + i;
    builder.add(record);
  }
  auto made = builder.finish();
  MILLRACE_ASSERT(made, "a batch can be made");
  return *made;
}

/// Pieces, each for one file: bytes as they are, or a sound batch.
void write_files(sim_file_system& disk, input_reader& input) {
  std::array<uint64_t, names.size()> ends{};
  for (int pieces = 0; !input.empty() && pieces < 64; ++pieces) {
    const auto head = input.byte();
    const size_t which = head % names.size();
    const size_t size = input.byte();
    auto handle = disk.open(directory + "/" + names[which], open_mode::create);
    MILLRACE_ASSERT(handle, "a simulated file opens");
    std::span<const std::byte> bytes = std::as_bytes(input.take(size));
    shared_bytes sound;
    if (head >= 128) { // `bytes` say: offset, epoch; and with a bad bit in it
      sound = one_batch(static_cast<int>(size % 4) + 1, 1000);
      for (size_t i = 0; i < std::min<size_t>(bytes.size(), 16); ++i)
        sound.writable()[i < 8 ? i : i + 4] = bytes[i];
      if (bytes.size() > 40)
        patch_crc(sound.writable());
      bytes = sound.span();
    }
    MILLRACE_ASSERT(
      (*handle)->write_at(ends[which], bytes), "a simulated write succeeds");
    ends[which] += bytes.size();
  }
}

/// All that can be read; the offsets of its batches never go back.
std::vector<int64_t> read_all(const partition_log& log) {
  std::vector<int64_t> bases;
  int refused = 0;
  auto next = log.log_start_offset();
  while (next < log.log_end_offset()) {
    auto bytes = log.read_bytes(next, log.log_end_offset(), 1 << 20, true);
    if (!bytes) {
      MILLRACE_ASSERT(bytes.error().code == errc::corrupt, "it is lost");
      next = next + int64_t{1};
      if (++refused > 300)
        break;
      continue;
    }
    MILLRACE_ASSERT(!bytes->empty(), "no reader waits for what is there");
    size_t at = 0;
    while (bytes->size() - at >= batch_view::header_size) {
      const batch_view view{bytes->span().subspan(at)};
      if (!view.plausible() || view.size() > int64_t(bytes->size() - at))
        return bases;
      MILLRACE_ASSERT(view.last_offset() + int64_t{1} > next
                        || view.last_offset() < log.log_start_offset(),
        "offsets go up");
      bases.push_back(view.base_offset().value);
      next = view.last_offset() + int64_t{1};
      at += static_cast<size_t>(view.size());
    }
    if (at == 0)
      break;
  }
  return bases;
}

/// A log that opened: everything that can be asked of it.
void use(partition_log& log) {
  MILLRACE_ASSERT(log.log_start_offset() >= offset{0}, "no negative offsets");
  MILLRACE_ASSERT(
    log.log_start_offset() <= log.log_end_offset(), "it begins before it ends");
  MILLRACE_ASSERT(log.durable_end_offset() == log.log_end_offset(),
    "what recovery announces is durable (R5)");
  static_cast<void>(log.find_by_time(1001));
  static_cast<void>(log.max_timestamp());
  static_cast<void>(log.end_offset_for(leader_epoch{1}));
  static_cast<void>(log.producers());
  static_cast<void>(read_all(log));
}

void append_one(partition_log& log) {
  if (log.log_end_offset().value > INT64_MAX - 10)
    return;
  const auto end = log.log_end_offset();
  std::array<append_item, 1> items;
  items[0].batch = one_batch(2, 2000);
  log.append(
    items, leader_epoch{std::max(log.last_epoch().value, 0)}, 1'000'000);
  MILLRACE_ASSERT(
    items[0].error == kafka_error::none, "an open log takes a batch");
  MILLRACE_ASSERT(items[0].base_offset == end, "at its end");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input_reader input{{data, size}};
  sim_file_system disk;
  MILLRACE_ASSERT(make_directory_durable(disk, directory), "there is room");
  const auto choice = input.byte();
  partition_log::opening opening;
  opening.files = &disk;
  opening.directory = directory;
  opening.name = {"t", 0};
  opening.config.compacted = (choice & 1) != 0;
  opening.config.index_interval_bytes = 100;
  opening.clean = (choice & 2) != 0;
  opening.now_ms = 1'000'000;
  if ((choice & 4) != 0)
    opening.durable_hint = offset{input.byte()};
  if ((choice & 8) != 0)
    opening.log_start = offset{input.byte()};
  write_files(disk, input);
  auto first = partition_log::open(opening);
  if (!first)
    return 0;
  use(**first);
  append_one(**first);
  const auto end = (*first)->log_end_offset();
  const auto records = read_all(**first);
  opening.log_start = (*first)->log_start_offset();
  MILLRACE_ASSERT((*first)->close((choice & 16) != 0), "an open log closes");
  first->reset();
  opening.clean = (choice & 16) != 0;
  opening.durable_hint = end;
  auto again = partition_log::open(opening);
  if (!again)
    std::fprintf(stderr, "%s\n", to_string(again.error()).c_str());
  MILLRACE_ASSERT(again, "a log that was closed opens");
  use(**again);
  MILLRACE_ASSERT(
    (*again)->log_end_offset() == end, "a second start finds the same end");
  MILLRACE_ASSERT((*again)->log_start_offset() == *opening.log_start,
    "a second start finds the same start");
  MILLRACE_ASSERT(
    read_all(**again) == records, "a second start finds the same batches");
  return 0;
}
