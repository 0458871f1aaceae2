#include "actors/quota_ledger.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace millrace;

namespace {

constexpr quota_windows kafkas{11, 1'000};

std::shared_ptr<const client_quotas> default_client_quota(double rate) {
  client_quotas quotas;
  quotas.apply(
    {{{{{quota_client_id, std::nullopt}}, {{producer_byte_rate, rate}}}}});
  return std::make_shared<const client_quotas>(std::move(quotas));
}

} // namespace

TEST_CASE("what was added counts for as long as its window does",
  "[actors][quota_ledger]") {
  quota_bucket bucket{kafkas};
  bucket.add(100, 50'100);
  bucket.add(20, 50'900);
  bucket.add(3, 51'000);
  CHECK(bucket.usage(51'000).amount == 123);
  CHECK(bucket.usage(51'000, 1'000).amount == 1'123);
  CHECK(bucket.usage(51'000).amount == 123); // asking adds nothing
  CHECK(bucket.usage(61'999).amount == 123);
  CHECK(bucket.usage(62'000).amount == 3);
  CHECK(bucket.usage(63'000).amount == 0);
  // The slot of the 50th second is the 62nd's.
  bucket.add(7, 62'500);
  CHECK(bucket.usage(62'500).amount == 10);
}

TEST_CASE("a clock that is a little behind does not forget what others added",
  "[actors][quota_ledger]") {
  quota_bucket bucket{kafkas};
  bucket.add(5, 1'000'000);
  CHECK(bucket.usage(999'999).amount == 0); // it is still to come
  bucket.add(5, 999'999);
  CHECK(bucket.usage(1'000'000).amount == 10);
}

TEST_CASE(
  "more than fits is counted as the most that fits", "[actors][quota_ledger]") {
  quota_bucket bucket{kafkas};
  for (int i = 0; i < 4; ++i)
    bucket.add(int64_t{1} << 35, 1'000);
  CHECK(bucket.usage(1'000).amount == (int64_t{1} << 36) - 1);
}

TEST_CASE("who shares a quota shares its bucket", "[actors][quota_ledger]") {
  quota_ledger ledger{kafkas};
  const auto quotas = default_client_quota(7);
  const auto a = ledger.open(quotas, {"u", "a"}, 0);
  const auto again = ledger.open(quotas, {"v", "a"}, 0);
  const auto b = ledger.open(quotas, {"u", "b"}, 0);
  CHECK(a->produced.rate == 7);
  CHECK(a->produced.bucket == again->produced.bucket);
  CHECK(a->produced.bucket != b->produced.bucket);
  CHECK_FALSE(a->fetched);
  CHECK_FALSE(a->work);
  // A new rate goes on with what was used.
  const auto faster = ledger.open(default_client_quota(9), {"u", "a"}, 0);
  CHECK(faster->produced.rate == 9);
  CHECK(faster->produced.bucket == a->produced.bucket);
}

TEST_CASE("clients that come and go leave nothing, but not before what they "
          "used is forgotten",
  "[actors][quota_ledger]") {
  quota_ledger ledger{kafkas};
  const auto quotas = default_client_quota(1);
  int64_t now = 100'000;
  for (int i = 0; i < 100'000; ++i) {
    const auto account
      = ledger.open(quotas, {"u", std::to_string(i)}, now += 10);
    account->produced.bucket->add(1'000, now);
  }
  // At 100 a second 1200 are remembered; the table may be twice as big
  // before it is swept.
  CHECK(ledger.size() < 5'000);
  const auto last = ledger.open(quotas, {"u", "99999"}, now);
  CHECK(last->produced.bucket->usage(now).amount == 1'000);
}
