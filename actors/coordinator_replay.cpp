#include "actors/coordinator_replay.hpp"

namespace millrace {

result<coordinator_replay::step> coordinator_replay::take(
  const log_answer& answer,
  const std::function<result<void>(const record_view&)>& apply) {
  if (answer.error == kafka_error::not_leader_or_follower)
    return step::later; // it has yet to hear that it leads, or leads no more
  if (answer.error != kafka_error::none)
    return error{errc::io_error,
      std::string{to_string(answer.error)} + " " + answer.message};
  next_ = std::max(next_, answer.log_start);
  result<void> applied;
  auto end = for_each_record(
    answer.bytes.span(), next_, [&](const record_view& record) {
      if (applied.ok() && record.key && record.at >= next_)
        applied = apply(record);
    });
  if (!end)
    return end.error();
  if (!applied)
    return applied.error();
  next_ = *end;
  if (next_ < answer.high_watermark)
    return step::more;
  return next_ < answer.log_end ? step::later : step::done;
}

} // namespace millrace
