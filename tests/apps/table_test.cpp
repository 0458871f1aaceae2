#include "apps/cli/figures.hpp"
#include "apps/cli/pairs.hpp"
#include "apps/cli/progress.hpp"
#include "apps/cli/table.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

TEST_CASE("a table aligns text left and numbers right", "[apps][table]") {
  table t{{"topic", "end_offset"}};
  t.add({std::string{"a"}, int64_t{7}});
  t.add({std::string{"orders"}, cell{}});
  CHECK(t.to_text()
        == "TOPIC   END-OFFSET\n"
           "a                7\n"
           "orders           -\n");
}

TEST_CASE("wide characters count once", "[apps][table]") {
  table t{{"a", "b"}};
  t.add({std::string{"\u00e9\u00e9"}, true});
  CHECK(t.to_text() == "A   B\n\u00e9\u00e9  true\n");
}

TEST_CASE("the same rows are objects in JSON", "[apps][table]") {
  table t{{"topic", "end", "lag", "up"}};
  t.add({std::string{"a\"b"}, int64_t{7}, cell{}, true});
  CHECK(t.to_json()
        == "[\n  {\n    \"topic\": \"a\\\"b\",\n    \"end\": 7,\n"
           "    \"lag\": null,\n    \"up\": true\n  }\n]\n");
  CHECK(table{{"x"}}.to_json() == "[]\n");
}

TEST_CASE("text that is not UTF-8 is still JSON", "[apps][table]") {
  CHECK(quote_json("\xff") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("the progress line tells records, bytes and speed", "[apps][table]") {
  CHECK(progress_text("wrote", 12000, 3400000, 500)
        == "wrote 12000 records, 3.4 MB, 6.8 MB/s");
}

TEST_CASE("a percentile is a value that was measured", "[apps][table]") {
  std::vector<int64_t> values;
  for (int64_t i = 100; i > 0; --i)
    values.push_back(i);
  CHECK(percentile(values, 50) == 51); // rank 0.5 * 99 + 0.5 = 50, from 0
  CHECK(percentile(values, 99) == 99);
  CHECK(percentile(values, 100) == 100);
  values.clear();
  CHECK(percentile(values, 50) == 0);
}

TEST_CASE("a pair is split at its first equals sign", "[apps][table]") {
  CHECK(
    *parse_pair("a=b=c") == std::pair<std::string, std::string>{"a", "b=c"});
  CHECK(parse_pair("a=")->second.empty());
  CHECK_FALSE(parse_pair("a"));
  CHECK_FALSE(parse_pair("=a"));
}
