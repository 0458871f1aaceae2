#include "simulation/sim_file_system.hpp"
#include "storage/data_directory.hpp"
#include "storage/posix_file_system.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

const data_directory_options first_node{
  .node = node_id{3}, .fresh_cluster = {1, 2}, .fresh_directory = {3, 4}};

std::unique_ptr<data_directory> must_open(
  file_system& files, const std::string& path = "/a/data") {
  auto opened = data_directory::open(files, path, first_node);
  if (!opened)
    FAIL(to_string(opened.error()));
  return std::move(*opened);
}

error refused(file_system& files,
  const data_directory_options& options = first_node,
  const std::string& path = "/a/data") {
  auto opened = data_directory::open(files, path, options);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().context, Catch::Contains(path));
  return opened.error();
}

void put(
  file_system& files, const std::string& path, const std::string& content) {
  REQUIRE(make_directory_durable(files, parent_directory(path)));
  REQUIRE(replace_file(files, path, content));
}

} // namespace

TEST_CASE("a fresh data directory gets its ids and keeps them (R16, R24)",
  "[storage][data_directory]") {
  temporary_directory directory;
  posix_file_system files;
  const auto path = directory.path() + "/a/data";
  {
    auto opened = must_open(files, path);
    CHECK(opened->fresh());
    CHECK_FALSE(opened->stopped_cleanly());
    CHECK(opened->identity() == directory_identity{{1, 2}, node_id{3}, {3, 4}});
  }
  auto options = first_node;
  options.fresh_cluster = {7, 7};
  options.fresh_directory = {8, 8};
  auto opened = data_directory::open(files, path, options);
  REQUIRE(opened);
  CHECK_FALSE((*opened)->fresh());
  CHECK(
    (*opened)->identity() == directory_identity{{1, 2}, node_id{3}, {3, 4}});
  CHECK(*read_file(files, path + "/meta.properties")
        == "version=1\n"
           "cluster.id=AAAAAAAAAAEAAAAAAAAAAg\n"
           "node.id=3\n"
           "directory.id=AAAAAAAAAAMAAAAAAAAABA\n"
           "millrace.format=1\n");
  const auto why = refused(files, options, path);
  CHECK(why.code == errc::locked);
  CHECK_THAT(why.context, Catch::Contains("in use")
                            && Catch::Contains("process ")
                            && Catch::Contains("--data-dir"));
}

TEST_CASE("a directory of another node or cluster is refused with a sentence",
  "[storage][data_directory]") {
  sim_file_system files;
  must_open(files);
  auto other = first_node;
  other.node = node_id{4};
  CHECK(refused(files, other).code == errc::invalid_argument);
  CHECK_THAT(refused(files, other).context,
    Catch::Contains("belongs to node 3, and this is node 4; start it with "
                    "--node-id 3"));
  other = first_node;
  other.cluster = uuid{9, 9};
  CHECK_THAT(refused(files, other).context,
    Catch::Contains("belongs to cluster AAAAAAAAAAEAAAAAAAAAAg"));
  other.cluster = uuid{1, 2};
  CHECK(data_directory::open(files, "/a/data", other));
}

TEST_CASE("an unknown format, a Kafka directory and broken ids are refused",
  "[storage][data_directory]") {
  sim_file_system files;
  const std::string file = "/a/data/meta.properties";
  put(files, file, "version=1\nnode.id=3\nmillrace.format=2\n");
  CHECK(refused(files).code == errc::unsupported);
  CHECK_THAT(refused(files).context, Catch::Contains("start the version"));
  put(files, file, "#\n#Mon\ncluster.id=x\nversion=1\nnode.id=3\n");
  CHECK(refused(files).code == errc::unsupported);
  CHECK_THAT(refused(files).context, Catch::Contains("written by Kafka"));
  put(files, file, "");
  CHECK(refused(files).code == errc::corrupt);
  put(files, file, "version=1\nnode.id=x\nmillrace.format=1\n");
  CHECK_THAT(refused(files).context, Catch::Contains("cluster.id is missing"));
  put(files, file,
    "version=1\ncluster.id=AAAAAAAAAAEAAAAAAAAAAg\nnode.id=x\n"
    "millrace.format=1\n");
  CHECK_THAT(
    refused(files).context, Catch::Contains("node.id is 'x', not a number"));
  put(files, file,
    "# ours\r\nversion = 1\r\ncluster.id=AAAAAAAAAAEAAAAAAAAAAg\r\n"
    "node.id=3\r\ndirectory.id=AAAAAAAAAAMAAAAAAAAABA\r\n"
    "millrace.format=1");
  CHECK(data_directory::open(files, "/a/data", first_node));
}

TEST_CASE(
  "logs without an owner are not adopted", "[storage][data_directory]") {
  sim_file_system files;
  REQUIRE(files.make_directory("/a/data/orders-0"));
  CHECK(refused(files).code == errc::corrupt);
  CHECK_THAT(refused(files).context, Catch::Contains("orders-0"));
}

TEST_CASE("a directory that cannot be written is refused with a cure",
  "[storage][data_directory]") {
  sim_file_system files;
  must_open(files);
  files.fail_at(files.operation_count() + 3, errc::permission); // the lock
  const auto why = refused(files);
  CHECK(why.code == errc::permission);
  CHECK_THAT(why.context, Catch::Contains("cannot be written")
                            && Catch::Contains("write permission"));
}

TEST_CASE("a clean stop is seen once", "[storage][data_directory]") {
  sim_file_system files;
  {
    auto opened = must_open(files);
    REQUIRE(opened->mark_clean_stop());
  }
  files.crash(crash_policy::lose_unsynced);
  CHECK(must_open(files)->stopped_cleanly());
  // The mark must not come back by a crash.
  files.crash(crash_policy::lose_unsynced);
  CHECK_FALSE(must_open(files)->stopped_cleanly());
}

TEST_CASE("a log is offline until it is cleared, over restarts (R6)",
  "[storage][data_directory]") {
  sim_file_system files;
  auto opened = must_open(files);
  CHECK(opened->offline().empty());
  REQUIRE(opened->set_offline("orders-0"));
  REQUIRE(opened->set_offline("orders-0"));
  REQUIRE(opened->set_offline("b-1"));
  files.crash(crash_policy::lose_unsynced);
  opened = must_open(files);
  CHECK(opened->offline() == std::set<std::string>{"b-1", "orders-0"});
  REQUIRE(opened->clear_offline("b-1"));
  REQUIRE(opened->clear_offline("c-1"));
  opened = nullptr;
  CHECK(must_open(files)->offline() == std::set<std::string>{"orders-0"});
  put(files, "/a/data/millrace.offline", "1\nx\n");
  CHECK(refused(files).code == errc::unsupported);
  put(files, "/a/data/millrace.offline", "0\n\n");
  CHECK(refused(files).code == errc::corrupt);
}

TEST_CASE("a directory knows its last starts", "[storage][data_directory]") {
  sim_file_system files;
  const uuid first{1, 1};
  const uuid second{2, 2};
  const uuid third{3, 3};
  auto opened = must_open(files);
  CHECK(opened->starts().empty());
  REQUIRE(opened->note_start(first));
  files.crash(crash_policy::lose_unsynced);
  opened = must_open(files);
  CHECK(opened->starts() == std::vector{first});
  REQUIRE(opened->note_start(second));
  REQUIRE(opened->note_start(third));
  files.crash(crash_policy::lose_unsynced);
  opened = must_open(files);
  // The cluster may know any of them.
  CHECK(opened->starts() == std::vector{first, second, third});
  REQUIRE(opened->confirm_start(third));
  files.crash(crash_policy::lose_unsynced);
  opened = must_open(files);
  CHECK(opened->starts() == std::vector{first, second, third});
  CHECK(*read_file(files, "/a/data/millrace.starts")
        == "0\nAAAAAAAAAAEAAAAAAAAAAQ\nAAAAAAAAAAIAAAAAAAAAAg\n"
           "AAAAAAAAAAMAAAAAAAAAAw\n");
  // None goes before a later one was let in, however many there are.
  uuid last;
  for (uint64_t n = 10; n < 110; ++n)
    REQUIRE(opened->note_start(last = {n, n}));
  CHECK(opened->starts().size() == 103);
  REQUIRE(opened->confirm_start(last));
  files.crash(crash_policy::lose_unsynced);
  opened = must_open(files);
  CHECK(opened->starts().size() == 64);
  CHECK(opened->starts().back() == last);
}

TEST_CASE("a directory of a release that kept no starts begins to",
  "[storage][data_directory]") {
  sim_file_system files;
  REQUIRE(must_open(files)->confirm_start({1, 1}));
  CHECK(must_open(files)->starts() == std::vector{uuid{1, 1}});
}

TEST_CASE(
  "nothing runs on an older copy of a directory", "[storage][data_directory]") {
  sim_file_system files;
  REQUIRE(must_open(files)->mark_outdated());
  files.crash(crash_policy::lose_unsynced);
  const auto why = refused(files);
  CHECK(why.code == errc::invalid_argument);
  CHECK_THAT(why.context, Catch::Contains("is an older copy of itself")
                            && Catch::Contains("node 3")
                            && Catch::Contains("empty the directory"));
  for (const auto* bad : {"", "0", "0\nx\n", "0\nAAAAAAAAAAMAAAAAAAAAAw"}) {
    put(files, "/a/data/millrace.starts", bad);
    CHECK(refused(files).code == errc::corrupt);
  }
  put(files, "/a/data/millrace.starts", "1\n");
  CHECK(refused(files).code == errc::unsupported);
}

TEST_CASE("names of copies on their way say whose they are",
  "[storage][data_directory]") {
  const auto name = future_directory_name("orders-12", uuid{1, 2});
  CHECK(name == "orders-12.00000000000000010000000000000002-future");
  CHECK(parse_future_directory_name(name) == topic_partition{"orders", 12});
  for (const char* wrong : {"orders-12-future", "orders-12.5-future", "-future",
         ".00000000000000010000000000000002-future",
         "orders.00000000000000010000000000000002-future",
         "orders-12.00000000000000010000000000000002-delete"})
    CHECK_FALSE(parse_future_directory_name(wrong));
  // A name that had to be cut does not say it any more.
  const std::string longest = std::string(249, 'x') + "-0";
  CHECK_FALSE(
    parse_future_directory_name(future_directory_name(longest, uuid{1, 2})));
}

TEST_CASE("log directories are told from deleted ones and strays (R17)",
  "[storage][data_directory]") {
  sim_file_system files;
  auto opened = must_open(files);
  for (const char* name : {"orders-0", "orders-12", "a-delete-3",
         "x-0.1-delete", "millrace.consensus", "lost+found", "stray",
         "bad name-0", "o-01", "o-2147483648", "-1", "o-", "future-0.5-future"})
    REQUIRE(files.make_directory("/a/data/" + std::string{name}));
  REQUIRE(write_topic_id(files, "/a/data/orders-0", {5, 6}));
  CHECK(files.content("/a/data/orders-0/partition.metadata")
        == "version: 0\ntopic_id: AAAAAAAAAAUAAAAAAAAABg\n");
  auto listed = opened->list_logs();
  REQUIRE(listed);
  REQUIRE(listed->logs.size() == 3);
  CHECK(listed->logs[0].partition == topic_partition{"a-delete", 3});
  CHECK_FALSE(listed->logs[0].topic_id);
  CHECK(listed->logs[1].partition == topic_partition{"orders", 0});
  CHECK(listed->logs[1].topic_id == uuid{5, 6});
  CHECK(listed->logs[2].name == "orders-12");
  CHECK(listed->deleted == std::vector<std::string>{"x-0.1-delete"});
  CHECK(listed->strays
        == std::vector<std::string>{
          "-1", "bad name-0", "o-", "o-01", "o-2147483648", "stray"});
  CHECK(listed->future == std::vector<std::string>{"future-0.5-future"});
  put(
    files, "/a/data/orders-12/partition.metadata", "version: 0\ntopic_id: x\n");
  listed = opened->list_logs();
  CHECK_FALSE(listed->logs.at(2).topic_id);
  REQUIRE(listed->broken.size() == 1);
  CHECK_THAT(listed->broken[0].context, Catch::Contains("orders-12"));
  CHECK(parse_partition_metadata("version: 1\ntopic_id: x\n", "n").error().code
        == errc::unsupported);
  CHECK(parse_partition_metadata("version: 0\n", "n").error().code
        == errc::corrupt);
  CHECK(parse_partition_metadata("", "n").error().code == errc::corrupt);
}

TEST_CASE("a deleted directory's name keeps to 255 bytes (R17)",
  "[storage][data_directory]") {
  CHECK(deleted_directory_name("orders-0", {1, 0xabcdef})
        == "orders-0.00000000000000010000000000abcdef-delete");
  std::string name;
  while (name.size() < 249)
    name += 't';
  const auto longest = deleted_directory_name(name + "-10", {});
  CHECK(longest.size() == 255);
  CHECK(longest.ends_with("-delete"));
}

TEST_CASE("checkpoints are kept under Kafka's names (R10, R16, R18)",
  "[storage][data_directory]") {
  sim_file_system files;
  auto opened = must_open(files);
  int64_t n = 0;
  for (const auto kind :
    {checkpoint_kind::recovery_point, checkpoint_kind::log_start,
      checkpoint_kind::high_watermark, checkpoint_kind::durable_offsets}) {
    CHECK(opened->read(kind)->empty());
    REQUIRE(opened->write(kind, {{{"t", 0}, offset{++n}}}));
  }
  CHECK(opened->read(checkpoint_kind::log_start)->at({"t", 0}) == offset{2});
  for (const char* name :
    {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
      "replication-offset-checkpoint", "millrace.durable-offsets"})
    CHECK(files.exists("/a/data/" + std::string{name}));
}

TEST_CASE("opening survives a stop at each of its operations",
  "[storage][data_directory]") {
  uint64_t stops = 0;
  for (uint64_t n = 1;; ++n) {
    sim_file_system files{std::mt19937_64{n}};
    files.stop_at(n);
    const bool done = data_directory::open(files, "/a/data", first_node).ok();
    if (done)
      break;
    ++stops;
    for (uint64_t way = 0; way < 20; ++way) {
      auto one = files.clone();
      one->reseed(std::mt19937_64{way});
      if (way == 0)
        one->kill();
      else
        one->crash(crash_policy::random_subset);
      auto options = first_node;
      options.fresh_directory = {9, 9};
      directory_identity identity;
      {
        auto opened = data_directory::open(*one, "/a/data", options);
        REQUIRE(opened);
        identity = (*opened)->identity();
      }
      one->crash(crash_policy::lose_unsynced);
      CHECK(must_open(*one)->identity() == identity);
    }
  }
  CHECK(stops >= 8);
}
