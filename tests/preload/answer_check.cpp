#include "tests/preload/answer_check.hpp"

#include "storage/record_reader.hpp"
#include "tests/preload/record_values.hpp"

namespace millrace::preload {

answer_check::answer_check(
  const recording& record, const history& done, const recorded_disk& disk)
    : record_(record), done_(done), disk_(disk) {
  for (size_t i = 0; i < done.size(); ++i)
    if (done[i].kind == operation_kind::produce && done[i].acks == -1
        && done[i].acknowledged)
      answers_.emplace(done[i].when.answered, i);
}

std::string answer_check::check(size_t place) {
  const auto [begin, end] = answers_.equal_range(place);
  for (auto at = begin; at != end; ++at) {
    ++answer_count_;
    if (auto problem = check_produce(done_[at->second]); !problem.empty())
      return "entry " + std::to_string(place) + " of the record: " + problem;
  }
  const auto& e = record_.entries()[place];
  if (e.begins() && e.head.kind == call_kind::send_file)
    return check_sent_file(place);
  return {};
}

std::string answer_check::check_produce(const operation& o) const {
  const auto name = to_string(o.at);
  std::map<int64_t, int64_t> durable; // offset -> number, of this batch's
  for (const auto& bytes : disk_.durable_files(name, ".log")) {
    auto read = for_each_record(std::as_bytes(std::span{bytes}), offset{0},
      [&](const record_view& record) {
        if (record.at.value < o.base_offset
            || record.at.value >= o.base_offset + o.count || !record.value)
          return;
        if (const auto n = number_of(std::string{*record.value}))
          durable[record.at.value] = *n;
      });
    if (!read)
      return name + ": " + to_string(read.error());
  }
  for (int32_t i = 0; i < o.count; ++i) {
    const auto at = durable.find(o.base_offset + i);
    if (at == durable.end() || at->second != o.value + i)
      return "record " + std::to_string(o.value + i) + " is acknowledged at "
             + name + ", offset " + std::to_string(o.base_offset + i)
             + ", and was not on disk";
  }
  return {};
}

/// R8: consumers see only what is durable.
std::string answer_check::check_sent_file(size_t place) {
  const auto& head = record_.entries()[place].head;
  const auto* file = disk_.open_file(head.other);
  const auto sent = record_.result_of(place);
  if (file == nullptr || sent <= 0)
    return {};
  const auto range = [&](const std::string& content) {
    const auto begin
      = std::min(content.size(), static_cast<size_t>(head.position));
    return std::string_view{content}.substr(begin, static_cast<size_t>(sent));
  };
  consumed_bytes_ += static_cast<size_t>(sent);
  if (range(file->durable()) == range(file->cached()))
    return {};
  return "entry " + std::to_string(place)
         + " of the record: records are sent to a consumer before they are "
           "on disk";
}

} // namespace millrace::preload
