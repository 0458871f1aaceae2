#include "apps/cli/cluster_cert.hpp"
#include "net/tls_context.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace millrace;
using namespace millrace::cli;

namespace {

std::string made_in(
  const temporary_directory& at, const std::vector<int32_t>& nodes) {
  const auto made
    = make_cluster_certificates({.directory = at.path(), .nodes = nodes});
  return made ? "" : to_string(made.error());
}

result<std::shared_ptr<const tls_context>> context_of(
  const temporary_directory& at, const std::string& name) {
  auto read = load_tls_files({at.path() + "/ca.pem",
    at.path() + "/" + name + ".pem", at.path() + "/" + name + ".key"});
  if (!read)
    return read.error();
  return tls_context::create(*read);
}

} // namespace

TEST_CASE("the certificates of a cluster are good for its nodes",
  "[apps][cluster_cert]") {
  const temporary_directory at;
  REQUIRE(made_in(at, {1, 2}).empty());
  CHECK(context_of(at, "node-1"));
  CHECK(context_of(at, "node-2"));
  CHECK_FALSE(context_of(at, "node-3"));
  for (const char* key : {"/ca.key", "/node-1.key", "/node-2.key"}) {
    struct stat found{};
    REQUIRE(::stat((at.path() + key).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a further node is signed by the authority that is there",
  "[apps][cluster_cert]") {
  const temporary_directory at;
  REQUIRE(made_in(at, {1}).empty());
  REQUIRE(made_in(at, {2}).empty());
  CHECK(context_of(at, "node-1"));
  CHECK(context_of(at, "node-2"));
}

TEST_CASE("no certificate is written over another", "[apps][cluster_cert]") {
  const temporary_directory at;
  REQUIRE(made_in(at, {1}).empty());
  CHECK_THAT(made_in(at, {1}), Catch::Contains("is there already"));
  CHECK(context_of(at, "node-1"));
  REQUIRE(::remove((at.path() + "/ca.key").c_str()) == 0);
  CHECK_THAT(made_in(at, {2}), Catch::Contains("only one is in"));
}
