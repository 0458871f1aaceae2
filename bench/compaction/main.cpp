// How fast a log is compacted, and in how much memory: writes a log in which
// every key comes several times, in an order that no cache likes, compacts it
// until nothing is dirty, and prints bytes a second of processor time.
//
//   millrace_compaction_bench --keys 100000000 --map-mib 256 /data/there
//   millrace_compaction_bench --keep --only write /data/there   for another

#include "storage/compaction_job.hpp"
#include "storage/partition_log.hpp"
#include "storage/posix_file_system.hpp"
#include "storage/record_builder.hpp"

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <numeric>
#include <string>

using namespace millrace;

namespace {

struct options {
  std::string directory;
  uint64_t keys = 1'000'000;
  uint64_t rounds = 2; // values of each key
  int batch_records = 100;
  size_t value_bytes = 100;
  size_t map_mib = 128;
  int64_t segment_mib = 256;
  std::string codec = "none";
  std::string only;
  bool keep = false;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
         + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec)
             * 1e-6;
}

int64_t resident_kib_max() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss;
}

[[noreturn]] void fail(const error& why) {
  std::fprintf(stderr, "%s\n", to_string(why).c_str());
  std::exit(1);
}

compression_codec codec_of(const std::string& name) {
  for (const auto codec : {compression_codec::none, compression_codec::gzip,
         compression_codec::snappy, compression_codec::lz4,
         compression_codec::zstd})
    if (name == to_string(codec))
      return codec;
  fail({errc::invalid_argument, "there is no codec " + name});
}

std::unique_ptr<partition_log> open(file_system& files, const options& o) {
  log_config config;
  config.compacted = true;
  config.segment_bytes = o.segment_mib << 20;
  auto log = partition_log::open({.files = &files,
    .directory = o.directory,
    .name = {"bench", 0},
    .config = config});
  if (!log)
    fail(log.error());
  return std::move(*log);
}

/// Steps of this length meet each of `keys` once before they begin again.
uint64_t stride_over(uint64_t keys) {
  auto stride = static_cast<uint64_t>(static_cast<double>(keys) * 0.618) | 1;
  while (std::gcd(stride, keys) != 1)
    stride += 2;
  return stride;
}

/// Goes through all keys in each round, each time in another order.
void write(const options& o, partition_log& log) {
  const auto codec = codec_of(o.codec);
  const auto stride = stride_over(o.keys);
  std::string value(o.value_bytes, 'v');
  uint64_t mixed = 1;
  int64_t now_ms = 1'700'000'000'000;
  for (uint64_t round = 0; round < o.rounds; ++round)
    for (uint64_t i = 0; i < o.keys;) {
      record_builder builder{codec};
      for (int r = 0; r < o.batch_records && i < o.keys; ++r, ++i) {
        mixed = static_cast<uint64_t>(
          (static_cast<unsigned __int128>(i) * stride + round * 7919) % o.keys);
        const auto key = "key-" + std::to_string(mixed++);
        for (size_t at = 0; at + 8 <= value.size(); at += 16) {
          mixed ^= mixed << 13;
          mixed ^= mixed >> 7;
          mixed ^= mixed << 17;
          value.replace(at, 8, reinterpret_cast<const char*>(&mixed), 8);
        }
        builder.add({.timestamp_ms = now_ms, .key = key, .value = value});
      }
      auto batch = builder.finish();
      if (!batch)
        fail(batch.error());
      append_item item;
      item.batch = std::move(*batch);
      item.origin = append_origin::coordinator;
      log.append(std::span{&item, 1}, leader_epoch{0}, now_ms);
      if (item.error != kafka_error::none)
        fail({errc::io_error, item.message});
      ++now_ms;
    }
  if (auto rolled = log.roll_if_due(now_ms + (int64_t{8} * 24 * 3600 * 1000));
    !rolled)
    fail(rolled.error());
}

struct totals {
  uint64_t read = 0;
  uint64_t written = 0;
  uint64_t keys = 0;
  int passes = 0;
};

/// One pass; returns where the dirty part begins then.
offset pass(const options& o, file_system& files, partition_log& log,
  const compaction_plan& plan, offset_map& map, totals& sum) {
  auto order = log.begin_compaction(plan, 0);
  if (!order)
    fail(order.error());
  const auto gate = order->gate;
  compaction_job job{
    std::move(*order), {.map_bytes_max = o.map_mib << 20}, map};
  while (true) {
    auto step = job.step();
    if (!step)
      fail(step.error());
    sum.read += step->bytes_read;
    sum.written += step->bytes_written;
    if (step->ready != nullptr) {
      auto gone = log.finish_compaction(std::move(*step->ready), gate);
      if (!gone)
        fail(gone.error());
      for (const auto& path : gone->paths_to_remove)
        if (auto removed = files.remove(path); !removed)
          fail(removed.error());
    }
    if (step->done)
      break;
  }
  sum.keys += job.keys();
  ++sum.passes;
  return job.clean_until();
}

void compact(const options& o, file_system& files, partition_log& log) {
  const auto before = log.size_bytes();
  offset_map map{1};
  totals sum;
  offset clean{0};
  const auto cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    auto plan = log.plan_compaction(clean, log.log_end_offset(), 0);
    if (!plan)
      fail(plan.error());
    if (!*plan)
      break;
    clean = pass(o, files, log, **plan, map, sum);
  }
  const auto used = cpu_seconds() - cpu;
  const std::chrono::duration<double> took
    = std::chrono::steady_clock::now() - begin;
  const auto mb = [](uint64_t bytes) {
    return static_cast<double>(bytes) / 1e6;
  };
  std::printf(
    "%llu records, %llu keys noted, %d passes, map %zu MiB, resident %lld MiB\n"
    "log %.1f MB -> %.1f MB; read %.1f MB, written %.1f MB\n"
    "%.2f s of processor time, %.2f s in all\n"
    "%.1f MB/s of dirty log a core; %.1f MB/s read a core\n",
    static_cast<unsigned long long>(o.keys * o.rounds),
    static_cast<unsigned long long>(sum.keys), sum.passes,
    map.memory_bytes() >> 20, static_cast<long long>(resident_kib_max() >> 10),
    mb(before), mb(log.size_bytes()), mb(sum.read), mb(sum.written), used,
    took.count(), mb(before) / used, mb(sum.read) / used);
}

} // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Writes a log with keys, and compacts it."};
  app.add_option("directory", o.directory, "of the log; made")->required();
  app.add_option("--keys", o.keys);
  app.add_option("--rounds", o.rounds, "values of each key");
  app.add_option("--batch", o.batch_records, "records in a batch");
  app.add_option("--value", o.value_bytes, "bytes");
  app.add_option("--map-mib", o.map_mib, "memory for keys");
  app.add_option("--segment-mib", o.segment_mib);
  app.add_option("--codec", o.codec);
  app.add_option("--only", o.only, "write or compact");
  app.add_flag("--keep", o.keep, "the log");
  CLI11_PARSE(app, argc, argv);
  posix_file_system files;
  if (auto made = make_directory_durable(files, o.directory); !made)
    fail(made.error());
  {
    auto log = open(files, o);
    if (o.only != "compact")
      write(o, *log);
    if (o.only != "write")
      compact(o, files, *log);
    if (auto closed = log->close(true); !closed)
      fail(closed.error());
  }
  if (!o.keep)
    if (auto removed = remove_tree(files, o.directory); !removed)
      fail(removed.error());
  return 0;
}
