// What storage/image_store.hpp promises, on LMDB and on its twin.

#include "simulation/sim_image_store.hpp"
#include "storage/lmdb_image_store.hpp"
#include "storage/posix_file_system.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

struct real_store {
  temporary_directory directory;
  std::string path = directory.path() + "/image";
  std::unique_ptr<image_store> store;

  real_store() {
    reopen();
  }
  void reopen() {
    store = nullptr;
    auto opened = lmdb_image_store::open(path);
    if (!opened)
      FAIL(to_string(opened.error()));
    store = std::move(*opened);
  }
};

struct simulated_store {
  std::shared_ptr<sim_image_disk> disk = std::make_shared<sim_image_disk>();
  std::unique_ptr<image_store> store;

  simulated_store() {
    reopen();
  }
  void reopen() {
    disk->crash();
    store = std::make_unique<sim_image_store>(disk);
  }
};

std::string all(image_store& store, std::string_view prefix = "") {
  std::string text;
  REQUIRE(store.scan(prefix, [&](std::string_view key, std::string_view value) {
    text += std::string{key} + "=" + std::string{value} + ";";
    return true;
  }));
  return text;
}

} // namespace

TEMPLATE_TEST_CASE("what is committed is seen, in order of the keys",
  "[storage][image_store]", real_store, simulated_store) {
  TestType env;
  auto& store = *env.store;
  CHECK(all(store).empty());
  REQUIRE(store.begin());
  REQUIRE(store.put("b/2", "two"));
  REQUIRE(store.put("a", "x"));
  REQUIRE(store.put("b/1", "one"));
  REQUIRE(store.put("b/1", "uno"));
  REQUIRE(store.put("\xff", ""));
  REQUIRE(store.put("c", "gone"));
  REQUIRE(store.erase("c"));
  REQUIRE(store.erase("never"));
  CHECK(all(store).empty()); // a scan sees what is committed
  REQUIRE(store.commit());
  CHECK(all(store) == "a=x;b/1=uno;b/2=two;\xff=;");
  CHECK(all(store, "b/") == "b/1=uno;b/2=two;");
  CHECK(all(store, "b/3").empty());
  int seen = 0;
  REQUIRE(store.scan("", [&](std::string_view, std::string_view) {
    return ++seen < 2;
  }));
  CHECK(seen == 2);
}

TEMPLATE_TEST_CASE("what is not committed is gone after a restart",
  "[storage][image_store]", real_store, simulated_store) {
  TestType env;
  REQUIRE(env.store->begin());
  REQUIRE(env.store->put("k", "1"));
  REQUIRE(env.store->commit());
  REQUIRE(env.store->begin());
  REQUIRE(env.store->put("k", "2"));
  env.store->abort();
  env.store->abort();
  CHECK(all(*env.store) == "k=1;");
  REQUIRE(env.store->begin());
  REQUIRE(env.store->put("k", "3"));
  env.reopen();
  CHECK(all(*env.store) == "k=1;");
  REQUIRE(env.store->begin());
  REQUIRE(env.store->put("k", std::string(1 << 20, 'v')));
  REQUIRE(env.store->commit());
  env.reopen();
  CHECK(all(*env.store).size() == (1 << 20) + 3);
}

TEMPLATE_TEST_CASE("a prefix is erased, committed keys and fresh ones",
  "[storage][image_store]", real_store, simulated_store) {
  TestType env;
  auto& store = *env.store;
  REQUIRE(store.begin());
  for (int i = 0; i < 2000; ++i)
    REQUIRE(store.put("p/" + std::to_string(i), std::string(50, 'v')));
  REQUIRE(store.put("o", "1"));
  REQUIRE(store.put("q", "2"));
  REQUIRE(store.commit());
  REQUIRE(store.begin());
  REQUIRE(store.put("p/fresh", "x"));
  REQUIRE(store.erase_prefix("p/"));
  REQUIRE(store.put("p/after", "y"));
  REQUIRE(store.commit());
  CHECK(all(store) == "o=1;p/after=y;q=2;");
  REQUIRE(store.begin());
  REQUIRE(store.erase_prefix(""));
  REQUIRE(store.commit());
  CHECK(all(store).empty());
  env.reopen();
  CHECK(all(*env.store).empty());
}

TEMPLATE_TEST_CASE("keys hold 1 to 500 bytes (R22)", "[storage][image_store]",
  real_store, simulated_store) {
  TestType env;
  auto& store = *env.store;
  REQUIRE(store.begin());
  CHECK(store.put("", "v").error().code == errc::invalid_argument);
  CHECK(store.put(std::string(501, 'k'), "v").error().code
        == errc::invalid_argument);
  CHECK(store.put("__format", "v").error().code == errc::invalid_argument);
  CHECK(store.put(std::string(500, 'k'), "v"));
  CHECK(store.erase(std::string(501, 'k')));
  CHECK(store.erase_prefix(std::string(600, 'k')));
  REQUIRE(store.commit());
  CHECK(all(store, std::string(600, 'k')).empty());
  CHECK(all(store).size() == 503);
}

TEST_CASE("a store of an unknown format is refused with a sentence",
  "[storage][image_store]") {
  temporary_directory directory;
  const auto path = directory.path() + "/image";
  REQUIRE(lmdb_image_store::open(path));
  MDB_env* env = nullptr;
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_open(env, path.c_str(), 0, 0644) == 0);
  MDB_txn* txn = nullptr;
  MDB_dbi db = 0;
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, nullptr, 0, &db) == 0);
  std::string name = "__format";
  std::string version = "99";
  MDB_val key{name.size(), name.data()};
  MDB_val value{version.size(), version.data()};
  REQUIRE(mdb_put(txn, db, &key, &value, 0) == 0);
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
  auto opened = lmdb_image_store::open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::unsupported);
  CHECK_THAT(opened.error().context, Catch::Contains("format 99"));
}

TEST_CASE("what is no store is called corrupt", "[storage][image_store]") {
  temporary_directory directory;
  const auto path = directory.path() + "/image";
  posix_file_system files;
  REQUIRE(files.make_directory(path));
  CHECK(lmdb_image_store::open(path).error().code == errc::corrupt);
  REQUIRE(replace_file(files, path + "/data.mdb", std::string(8192, 'x')));
  CHECK(lmdb_image_store::open(path).error().code == errc::corrupt);
}

TEST_CASE("a small map fills up and says so", "[storage][image_store]") {
  temporary_directory directory;
  auto opened = lmdb_image_store::open(
    directory.path() + "/image", {.map_bytes = 1 << 20});
  REQUIRE(opened);
  auto& store = **opened;
  REQUIRE(store.begin());
  auto put = store.put("big", std::string(2 << 20, 'v'));
  REQUIRE_FALSE(put);
  CHECK(put.error().code == errc::out_of_space);
  store.abort();
  REQUIRE(store.begin());
  REQUIRE(store.put("small", "v"));
  REQUIRE(store.commit());
}

TEST_CASE(
  "a simulated commit fails or is cut by a crash", "[storage][image_store]") {
  auto disk = std::make_shared<sim_image_disk>();
  const auto write
    = [](image_store& store, std::string_view value) -> result<void> {
    MILLRACE_TRY(store.begin());
    MILLRACE_TRY(store.put("k", value));
    return store.commit();
  };
  sim_image_store first{disk};
  REQUIRE(write(first, "1"));
  disk->fail_next_commit();
  CHECK(write(first, "2").error().code == errc::io_error);
  CHECK(all(first) == "k=1;");
  for (const bool durable : {false, true}) {
    sim_image_store store{disk};
    disk->stop_at_commit(disk->commit_count() + 1, durable);
    CHECK(write(store, "3").error().code == errc::offline);
    CHECK(store.begin().error().code == errc::offline);
    disk->crash();
    CHECK(store.begin().error().code == errc::offline);
    sim_image_store next{disk};
    CHECK(all(next) == (durable ? "k=3;" : "k=1;"));
  }
  sim_image_store last{disk};
  disk->limit_space(3);
  CHECK(write(last, "123").error().code == errc::out_of_space);
  CHECK(write(last, "12"));
  CHECK(disk->faults_injected() == 3);
}
