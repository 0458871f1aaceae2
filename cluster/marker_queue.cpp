#include "cluster/marker_queue.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// Whether trying again is of no use: the marker's transaction has ended in
/// that partition, so that the marker was there before.
bool is_there(kafka_error error) {
  return error == kafka_error::none
         || error == kafka_error::invalid_producer_epoch;
}

} // namespace

void marker_queue::add(int32_t coordinator, int32_t coordinator_epoch,
  const transaction_markers& markers) {
  for (const auto& partition : markers.partitions) {
    marker m;
    m.write = {.id = markers.id,
      .epoch = markers.epoch,
      .commit = markers.commit,
      .transaction_version = static_cast<int8_t>(markers.client_version),
      .coordinator_epoch = coordinator_epoch,
      .partition = partition};
    const key of{coordinator, markers.transactional_id, partition};
    if (const auto before = markers_.find(of); before != markers_.end())
      end(before);
    set_due(markers_.emplace(of, std::move(m)).first, 0);
  }
}

void marker_queue::drop(int32_t coordinator) {
  auto at = markers_.lower_bound({coordinator, {}, {}});
  while (at != markers_.end() && at->first.coordinator == coordinator)
    end(at++);
  std::erase_if(written_, [&](const written& w) {
    return w.coordinator == coordinator;
  });
}

std::vector<marker_queue::request> marker_queue::take_due(
  const target_finder& find, int64_t now_ms) {
  std::map<node_id, request> by_node;
  std::vector<request> all;
  while (!due_.empty() && due_.begin()->first <= now_ms) {
    const auto at = markers_.find(due_.begin()->second);
    auto& m = at->second;
    recall(m); // no answer came in time
    const auto target = find(m.write.partition);
    if (!target) {
      take_answer(at->first, 0, kafka_error::none, now_ms);
      continue;
    }
    if (target->leader == no_node) {
      set_due(at, now_ms + options_.retry_ms);
      continue;
    }
    auto& to = by_node[target->leader];
    if (to.writes.empty()) {
      to.to = target->leader;
      to.id = next_id_++;
      sent_[to.id].to = to.to;
    }
    m.write.leadership = target->epoch;
    m.under_way = to.id;
    to.writes.push_back(m.write);
    auto& request = sent_[to.id];
    request.keys.push_back(at->first);
    ++request.open;
    set_due(at, now_ms + options_.answer_ms);
    if (to.writes.size() >= options_.writes_max) {
      all.push_back(std::move(to));
      by_node.erase(target->leader);
    }
  }
  for (auto& [node, left] : by_node)
    all.push_back(std::move(left));
  // Those that were filled first have smaller ids than what was begun after.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.id < b.id;
  });
  return all;
}

void marker_queue::on_answer(
  uint64_t id, std::span<const kafka_error> errors, int64_t now_ms) {
  const auto answered = sent_.extract(id);
  if (answered.empty())
    return;
  const auto& keys = answered.mapped().keys;
  for (size_t i = 0; i < keys.size(); ++i)
    take_answer(keys[i], id,
      i < errors.size() ? errors[i] : kafka_error::unknown_server_error,
      now_ms);
}

void marker_queue::take_answer(
  const key& of, uint64_t id, kafka_error error, int64_t now_ms) {
  const auto at = markers_.find(of);
  if (at == markers_.end() || at->second.under_way != id)
    return; // it has been sent again since, or nobody wants it any more
  auto& m = at->second;
  m.under_way = 0;
  // A newer coordinator writes it; this one is about to hear of that.
  if (error == kafka_error::transaction_coordinator_fenced) {
    end(at);
    return;
  }
  if (!is_there(error)) {
    set_due(at, now_ms + options_.retry_ms);
    return;
  }
  const bool joins = !written_.empty()
                     && written_.back().coordinator == of.coordinator
                     && written_.back().transactional_id == of.transactional_id
                     && written_.back().epoch == m.write.epoch
                     && written_.back().id == m.write.id;
  if (!joins)
    written_.push_back(
      {of.coordinator, of.transactional_id, m.write.id, m.write.epoch, {}});
  written_.back().partitions.push_back(of.partition);
  end(at);
}

void marker_queue::review(const target_finder& find, int64_t now_ms) {
  for (auto at = markers_.begin(); at != markers_.end(); ++at) {
    const auto& m = at->second;
    if (m.under_way == 0)
      continue;
    const auto target = find(m.write.partition);
    if (!target || target->epoch != m.write.leadership
        || target->leader != sent_.at(m.under_way).to)
      set_due(at, now_ms);
  }
}

void marker_queue::recall(marker& m) {
  const auto at = sent_.find(std::exchange(m.under_way, 0));
  if (at != sent_.end() && --at->second.open == 0)
    sent_.erase(at);
}

void marker_queue::on_lost(node_id node, int64_t now_ms) {
  for (auto at = sent_.begin(); at != sent_.end();) {
    if (at->second.to != node) {
      ++at;
      continue;
    }
    for (const auto& of : at->second.keys)
      take_answer(of, at->first, kafka_error::network_exception, now_ms);
    at = sent_.erase(at);
  }
}

std::vector<marker_queue::written> marker_queue::take_written() {
  return std::exchange(written_, {});
}

std::optional<int64_t> marker_queue::next_deadline() const {
  if (due_.empty())
    return std::nullopt;
  return due_.begin()->first;
}

void marker_queue::set_due(marker_map::iterator at, int64_t due_ms) {
  due_.erase({at->second.due_ms, at->first});
  at->second.due_ms = due_ms;
  due_.emplace(due_ms, at->first);
}

void marker_queue::end(marker_map::iterator at) {
  recall(at->second);
  due_.erase({at->second.due_ms, at->first});
  markers_.erase(at);
}

} // namespace millrace
