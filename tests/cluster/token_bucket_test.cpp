#include "cluster/token_bucket.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr quota_windows kafkas{11, 1'000};

} // namespace

TEST_CASE("a bucket holds what its rate brings in all windows",
  "[cluster][token_bucket]") {
  token_bucket bucket{2, kafkas, 1'000};
  bucket.take(22, 1'000); // 2 a second, 11 s
  CHECK(bucket.wait_ms(1'000) == 0);
  bucket.take(1, 1'000);
  CHECK(bucket.wait_ms(1'000) == 500);
  CHECK(bucket.wait_ms(1'400) == 100);
  CHECK(bucket.wait_ms(1'500) == 0);
  CHECK_FALSE(bucket.is_full(1'500 + 10'999));
  CHECK(bucket.is_full(1'500 + 11'000));
  bucket.take(23, 60'000);
  CHECK(bucket.wait_ms(60'000) == 500);
}

TEST_CASE("a new rate keeps what there is, within its own bound",
  "[cluster][token_bucket]") {
  token_bucket bucket{10, kafkas, 0};
  bucket.set_rate(1, 0); // 110 tokens become 11
  bucket.take(12, 0);
  CHECK(bucket.wait_ms(0) == 1'000);
  bucket.set_rate(4, 0);
  CHECK(bucket.wait_ms(0) == 250);
}

TEST_CASE("a strict quota lets one request owe, and refuses the next",
  "[cluster][token_bucket]") {
  token_bucket bucket{1, kafkas, 0};
  mutation_quota first{bucket, true, 0};
  CHECK(first.take(11));
  CHECK(first.take(5)); // none were owed when it came
  CHECK(first.throttle_ms() == 0);
  CHECK_FALSE(first.take(1));
  CHECK(first.throttle_ms() == 5'000);
  mutation_quota later{bucket, true, 5'000};
  CHECK(later.take(1));
}

TEST_CASE("a client that knows of no refusal waits afterwards",
  "[cluster][token_bucket]") {
  token_bucket bucket{1, kafkas, 0};
  mutation_quota quota{bucket, false, 0};
  CHECK(quota.take(11));
  CHECK(quota.throttle_ms() == 0);
  CHECK(quota.take(3));
  CHECK(quota.take(1));
  CHECK(quota.throttle_ms() == 4'000);
}

TEST_CASE("without a quota everything may change", "[cluster][token_bucket]") {
  mutation_quota none;
  CHECK(none.take(1'000'000));
  CHECK(none.throttle_ms() == 0);
}
