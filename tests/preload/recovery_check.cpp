#include "tests/preload/recovery_check.hpp"

#include "apps/client/fetcher.hpp"
#include "apps/client/group_member.hpp"
#include "apps/client/positions.hpp"
#include "schema/kafka_error.hpp"
#include "tests/preload/record_values.hpp"
#include "tests/preload/requests.hpp"

namespace millrace::preload {

namespace {

constexpr int timeout_ms = 10'000;

using records_by_partition
  = std::map<topic_partition, std::vector<found_record>>;

class recovered_server {
public:
  recovered_server(const endpoint& server, const promises& expected)
      : nodes_({.bootstrap = {server}, .timeout_ms = timeout_ms}),
        expected_(expected) {}

  std::string check() {
    const auto steps = [&]() -> result<void> {
      MILLRACE_TRY(check_topics());
      MILLRACE_TRY(check_records());
      MILLRACE_TRY(check_commits());
      MILLRACE_TRY(check_producer_id());
      return check_duplicates();
    };
    auto done = steps();
    return done ? std::string{} : done.error().context;
  }

private:
  static result<void> verdict(const std::string& problem) {
    if (problem.empty())
      return {};
    return error{errc::corrupt, problem};
  }

  result<void> check_topics() {
    auto topics = nodes_.fetch_topics(std::nullopt);
    if (!topics)
      return topics.error();
    std::set<std::string> names;
    for (const auto& topic : *topics) {
      if (topic.internal)
        continue;
      names.insert(topic.name);
      for (const auto& p : topic.partitions)
        records_[{topic.name, p.index}];
    }
    return verdict(expected_.check_topics(names));
  }

  result<void> check_records() {
    client::fetcher reader{nodes_, {}};
    std::map<topic_partition, int64_t> from;
    for (const auto& [at, records] : records_)
      from[at] = 0;
    MILLRACE_TRY(reader.assign(std::move(from)));
    do {
      auto some = reader.poll(0);
      if (!some)
        return some.error();
      for (const auto& r : *some)
        records_[{r.topic, r.partition}].push_back(
          {r.offset, number_of(r.value).value_or(-1)});
    } while (!reader.at_end());
    for (const auto& [at, records] : records_)
      MILLRACE_TRY(verdict(expected_.check_records(at, records)));
    return {};
  }

  result<void> check_commits() {
    for (const auto& [group, at] : expected_.commits()) {
      auto committed = client::fetch_committed(nodes_, group, {at});
      if (!committed)
        return committed.error();
      const auto found = committed->find(at);
      MILLRACE_TRY(verdict(expected_.check_commit(
        group, at, found == committed->end() ? -1 : found->second)));
    }
    return {};
  }

  result<void> check_producer_id() {
    auto to = nodes_.any();
    if (!to)
      return to.error();
    auto answer = (*to)->call(producer_id_request(), timeout_ms);
    if (!answer)
      return answer.error();
    if (answer->error_code != 0)
      return verdict(
        "no producer id: error " + std::to_string(answer->error_code));
    return verdict(expected_.check_producer_id(answer->producer_id));
  }

  /// R13: a batch that comes again is answered like the original.
  result<void> check_duplicates() {
    std::map<topic_partition, int64_t> at_end;
    for (const auto& o : expected_.last_produces()) {
      auto to = nodes_.any();
      if (!to)
        return to.error();
      auto answer
        = (*to)->call(produce_to(o.at, o.acks,
                        make_batch({o.producer, o.sequence, o.value, o.count})),
          timeout_ms);
      if (!answer)
        return answer.error();
      const auto& part = answer_of(*answer);
      const auto code = static_cast<kafka_error>(part.error_code);
      const bool like_before
        = code == kafka_error::none && part.base_offset == o.base_offset;
      if (!like_before && code != kafka_error::duplicate_sequence_number)
        return verdict("record " + std::to_string(o.value) + ", sent again to "
                       + to_string(o.at) + ", is answered with "
                       + to_string(code) + " and offset "
                       + std::to_string(part.base_offset));
      at_end[o.at] = client::latest_timestamp;
    }
    auto ends = client::find_offsets(nodes_, at_end);
    if (!ends)
      return ends.error();
    for (const auto& [at, end] : *ends)
      if (end != static_cast<int64_t>(records_.at(at).size()))
        return verdict(to_string(at)
                       + ": a batch that was sent again has "
                         "been written twice");
    return {};
  }

  client::cluster nodes_;
  const promises& expected_;
  records_by_partition records_;
};

} // namespace

std::string check_recovered(const endpoint& server, const promises& expected) {
  return recovered_server{server, expected}.check();
}

} // namespace millrace::preload
