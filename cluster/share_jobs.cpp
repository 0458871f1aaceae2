#include "cluster/share_jobs.hpp"

namespace millrace {

void share_jobs::start(group_turn& turn,
  std::vector<share_state_question> questions, continuation done) {
  if (questions.empty()) {
    done(turn, {});
    return;
  }
  const auto id = next_job_++;
  auto& j = jobs_[id];
  j.open = questions.size();
  j.done = std::move(done);
  for (auto& question : questions) {
    orders_[next_order_] = {id, j.answers.size()};
    j.answers.push_back({question.key, {}});
    turn.effects.share_orders.push_back({next_order_++, std::move(question)});
  }
}

void share_jobs::take(
  group_turn& turn, uint64_t order_id, share_state_answer answer) {
  const auto order = orders_.extract(order_id);
  if (order.empty())
    return;
  const auto at = jobs_.find(order.mapped().job);
  at->second.answers[order.mapped().index].answer = std::move(answer);
  if (--at->second.open > 0)
    return;
  const auto finished = std::move(at->second);
  jobs_.erase(at);
  finished.done(turn, finished.answers);
}

void share_jobs::fail_all(group_turn& turn, kafka_error error) {
  while (!orders_.empty())
    take(turn, orders_.begin()->first, {error, "", {}});
}

} // namespace millrace
