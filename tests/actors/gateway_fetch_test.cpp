// How the room of a fetch is shared among its partitions, as Kafka does.

#include "tests/actors/gateway_fixture.hpp"

#include <cstring>

using namespace millrace;
using kafka::api_key;

namespace {

class bytes_source : public slice_source {
public:
  explicit bytes_source(shared_bytes bytes) : bytes_(std::move(bytes)) {}
  int descriptor() const override {
    return -1;
  }
  result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override {
    const auto all = bytes_.span();
    const auto at = std::min<size_t>(position, all.size());
    const auto size = std::min(into.size(), all.size() - at);
    std::memcpy(into.data(), all.data() + at, size);
    return size;
  }
  bool resident(uint64_t, uint64_t) const override {
    return true;
  }

private:
  shared_bytes bytes_;
};

int32_t batch_size() {
  return static_cast<int32_t>(one_record().size());
}

/// What a partition with one batch answers; `more`: it has another one.
fetch_answer one_batch(uint64_t ticket, bool more) {
  fetch_answer answer;
  answer.ticket = ticket;
  answer.high_watermark = answer.last_stable = offset{more ? 2 : 1};
  answer.log_start = offset{0};
  answer.aborted.push_back(
    {.producer = {7}, .first = offset{0}, .marker = offset{1}});
  answer.slices.push_back({std::make_shared<bytes_source>(one_record()), 0,
    static_cast<uint32_t>(batch_size())});
  answer.bytes = static_cast<size_t>(batch_size());
  answer.more = more;
  return answer;
}

/// What a read_committed fetch of `here` and `there`, in this order, tells of
/// the second one.
struct second_of_two : gateway_fixture {
  kafka::fetch_response::partition_data told(
    int32_t bytes_max, bool first_has_more = false) {
    auto request = fetch_of("here");
    request.topics.push_back(fetch_of("there").topics.at(0));
    request.max_bytes = bytes_max;
    request.isolation_level = 1;
    send(api_key::fetch, 12, request);
    std::vector<fetch_answer> answers;
    partition->receive([&](const fetch_asks& asked) {
      for (const auto& ask : asked.asks)
        answers.push_back(
          one_batch(ask.ticket, answers.empty() && first_has_more));
    });
    REQUIRE(answers.size() == 2);
    caf::anon_send(subject, fetch_answers{std::move(answers)});
    run();
    const auto response = take<kafka::fetch_response>(api_key::fetch, 12);
    REQUIRE(response.responses.size() == 2);
    CHECK(response.responses[0].partitions.at(0).records.bytes.size()
          == static_cast<size_t>(batch_size()));
    return response.responses[1].partitions.at(0);
  }
};

} // namespace

TEST_CASE(
  "a batch that fits behind another one is told", "[actors][gateway][fetch]") {
  second_of_two f;
  const auto p = f.told(2 * batch_size());
  CHECK(p.records.bytes.size() == static_cast<size_t>(batch_size()));
  CHECK(p.aborted_transactions->size() == 1);
}

TEST_CASE("where there is room, but for no batch, aborted transactions are not "
          "looked for",
  "[actors][gateway][fetch]") {
  second_of_two f;
  const auto p = f.told(2 * batch_size() - 1);
  CHECK(p.records.bytes.size() == 0);
  CHECK_FALSE(p.aborted_transactions.has_value());
}

TEST_CASE("where there is no room at all aborted transactions are told",
  "[actors][gateway][fetch]") {
  second_of_two f;
  const auto p = f.told(batch_size());
  CHECK(p.records.bytes.size() == 0);
  REQUIRE(p.aborted_transactions.has_value());
  CHECK(p.aborted_transactions->at(0).producer_id == 7);
}

TEST_CASE("a partition with more than fits leaves no room to the others",
  "[actors][gateway][fetch]") {
  second_of_two f;
  const auto p = f.told(2 * batch_size(), true);
  CHECK(p.records.bytes.size() == 0);
  CHECK(p.aborted_transactions.has_value());
}
