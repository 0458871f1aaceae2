// A whole node in this process with all its threads: what the simulation,
// which has one, cannot show. Under ThreadSanitizer it looks for races.
#include "actors/node.hpp"
#include "apps/client/fetcher.hpp"
#include "apps/client/group_member.hpp"
#include "apps/client/producer.hpp"
#include "apps/client/topic_admin.hpp"
#include "net/blocking_socket.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace millrace;
using namespace millrace::client;

namespace {

constexpr int records_each = 300;
constexpr int timeout_ms = 60'000;

std::unique_ptr<node> start_node(const std::string& directory) {
  auto config = parse_node_config(
    {{"log.dirs", directory}, {"listeners", "PLAINTEXT://127.0.0.1:0"},
      {"millrace.http.listeners", "127.0.0.1:0"},
      {"offsets.topic.num.partitions", "2"},
      {"group.initial.rebalance.delay.ms", "0"}});
  REQUIRE(config);
  auto started = node::start(std::move(*config));
  INFO((started ? "" : to_string(started.error())));
  REQUIRE(started);
  return std::move(*started);
}

endpoint end_at(const std::string& address) {
  auto parsed = parse_endpoint(address, 0);
  MILLRACE_ASSERT(parsed, "a node tells addresses that can be read");
  return *parsed;
}

/// What went wrong in threads; Catch2 may be used in the main one only.
class complaints {
public:
  template <class T>
  bool check(const result<T>& done, const std::string& what) {
    if (!done)
      add(what + ": " + to_string(done.error()));
    return done.ok();
  }
  void add(std::string what) {
    const std::scoped_lock lock{mutex_};
    all_.push_back(std::move(what));
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& each : all_)
      text += each + "\n";
    return text;
  }

private:
  std::mutex mutex_;
  std::vector<std::string> all_;
};

void produce(cluster& nodes, const std::string& topic, int16_t acks,
  const std::string& value, complaints& wrong) {
  auto opened = producer::open(
    nodes, {.topic = topic, .acks = acks, .batch_bytes_max = 500});
  if (!wrong.check(opened, "opening a producer of " + topic))
    return;
  for (int i = 0; i < records_each; ++i) {
    if (!wrong.check(
          opened->add({.value = value + std::to_string(i), .partition = i % 2}),
          "adding to " + topic))
      return;
    if (i % 10 == 9 && !wrong.check(opened->flush(), "flushing " + topic))
      return;
  }
}

/// Reads both partitions from the beginning; how often each value is there.
std::map<std::string, int> read_all(
  cluster& nodes, const std::string& topic, size_t count, complaints& wrong) {
  std::map<std::string, int> values;
  fetcher reader{nodes, {}};
  if (!wrong.check(
        reader.assign({{{topic, 0}, 0}, {{topic, 1}, 0}}), "assigning"))
    return values;
  for (size_t seen = 0; seen < count;) {
    auto records = reader.poll(500);
    if (!wrong.check(records, "reading " + topic))
      break;
    seen += records->size();
    for (const auto& record : *records)
      ++values[record.value.value_or("")];
  }
  return values;
}

/// One client: writes to a topic of its own and to one that all write to,
/// reads its own back, and commits in a group of its own.
void live(
  const endpoint& bootstrap, const std::string& name, complaints& wrong) {
  cluster nodes{
    {.bootstrap = {bootstrap}, .client_id = name, .timeout_ms = timeout_ms}};
  if (!wrong.check(
        create_topic(nodes, {.name = name, .partitions = 2}, false), name))
    return;
  produce(nodes, name, -1, name + "-", wrong);
  produce(nodes, "shared", 1, name + "-", wrong);
  for (const auto& [value, times] : read_all(nodes, name, records_each, wrong))
    if (times != 1)
      wrong.add(value + " is there " + std::to_string(times) + " times");
  client::group_member member{
    nodes, {.group = "group-" + name, .topics = {name}}};
  while (true) {
    auto fresh = member.keep_up();
    if (!wrong.check(fresh, "joining a group"))
      return;
    if (!member.assignment().empty())
      break;
  }
  wrong.check(member.commit({{{name, 0}, 7}}), "committing");
  member.leave();
  auto committed = fetch_committed(nodes, "group-" + name, {{name, 0}});
  if (wrong.check(committed, "asking for offsets")
      && *committed != committed_offsets{{{name, 0}, 7}})
    wrong.add(name + ": a committed offset is not there");
}

/// Reads the metrics over and over, as they are of all threads.
void scrape(
  const endpoint& http, const std::atomic<bool>& done, complaints& wrong) {
  while (!done) {
    auto socket = blocking_socket::connect(http, timeout_ms);
    if (!wrong.check(socket, "connecting for metrics")
        || !wrong.check(socket->write_all("GET /metrics HTTP/1.1\r\nHost: x\r\n"
                                          "Connection: close\r\n\r\n",
                          timeout_ms),
          "asking for metrics"))
      return;
    std::string page;
    std::array<std::byte, 4096> buffer{};
    while (true) {
      auto got = socket->read_some(buffer, timeout_ms);
      if (!wrong.check(got, "reading metrics"))
        return;
      if (*got == 0)
        break;
      page.append(reinterpret_cast<const char*>(buffer.data()), *got);
    }
    if (!page.starts_with("HTTP/1.1 200"))
      wrong.add("metrics: " + page.substr(0, 100));
  }
}

void serve_many(const node& served, int first_client, complaints& wrong) {
  const auto kafka = end_at(served.kafka_addresses().front());
  const auto http = end_at(served.http_addresses().front());
  std::atomic<bool> done = false;
  std::thread scraper{[&] {
    scrape(http, done, wrong);
  }};
  std::vector<std::thread> clients;
  for (int i = first_client; i < first_client + 4; ++i)
    clients.emplace_back([&, name = "client" + std::to_string(i)] {
      live(kafka, name, wrong);
    });
  for (auto& client : clients)
    client.join();
  done = true;
  scraper.join();
}

} // namespace

TEST_CASE("a node with all its threads serves many clients at once, stops, and "
          "has everything after a restart",
  "[actors][node]") {
  const temporary_directory directory;
  complaints wrong;
  auto served = start_node(directory.path());
  {
    cluster nodes{{.bootstrap = {end_at(served->kafka_addresses().front())}}};
    REQUIRE(create_topic(nodes, {.name = "shared", .partitions = 2}, false));
  }
  serve_many(*served, 0, wrong);
  REQUIRE(wrong.all() == "");
  REQUIRE(served->stop());
  served = start_node(directory.path());
  serve_many(*served, 4, wrong);
  cluster nodes{{.bootstrap = {end_at(served->kafka_addresses().front())}}};
  const auto values = read_all(nodes, "shared", 8 * records_each, wrong);
  CHECK(wrong.all() == "");
  CHECK(values.size() == size_t{8} * records_each);
}

TEST_CASE("a node stops while clients send, and keeps what it acknowledged",
  "[actors][node]") {
  const temporary_directory directory;
  auto served = start_node(directory.path());
  const auto kafka = end_at(served->kafka_addresses().front());
  std::atomic<int64_t> acknowledged = 0;
  std::atomic<bool> stopping = false;
  std::vector<std::thread> clients;
  {
    cluster nodes{{.bootstrap = {kafka}}};
    REQUIRE(create_topic(nodes, {.name = "t", .partitions = 2}, false));
  }
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      // On a busy machine a time-out may come before the node goes.
      while (!stopping) {
        cluster nodes{{.bootstrap = {kafka}, .timeout_ms = 2000}};
        auto opened = producer::open(nodes, {.topic = "t"});
        while (opened && opened->add({.value = "v", .partition = 0})
               && opened->flush())
          ++acknowledged;
      }
    });
  while (acknowledged < 50)
    std::this_thread::yield();
  stopping = true;
  CHECK(served->stop());
  served.reset();
  for (auto& client : clients)
    client.join();
  served = start_node(directory.path());
  cluster nodes{{.bootstrap = {end_at(served->kafka_addresses().front())}}};
  complaints wrong;
  const auto count = static_cast<size_t>(acknowledged);
  const auto values = read_all(nodes, "t", count, wrong);
  CHECK(wrong.all() == "");
  CHECK(static_cast<size_t>(values.at("v")) >= count);
}
