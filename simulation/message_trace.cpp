#include "simulation/message_trace.hpp"

#include <cstdio>

namespace millrace::testing {

namespace {

constexpr size_t lines_max = 10'000;

std::string hex(uint64_t number) {
  char text[19];
  std::snprintf(
    text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

std::string node_text(node_id node) {
  return "node " + std::to_string(node.value);
}

} // namespace

void message_trace::teach(uint64_t type, std::string name,
  std::function<std::string(const shared_bytes&)> show) {
  types_.try_emplace(type, known_type{std::move(name), std::move(show)});
}

void message_trace::add(sim_time at, std::string line) {
  char time[32];
  std::snprintf(time, sizeof time, "%12.6f s  ",
    static_cast<double>(at) / static_cast<double>(sim_second));
  if (lines_.size() == lines_max) {
    lines_.pop_front();
    ++dropped_;
  }
  lines_.push_back(time + std::move(line));
}

void message_trace::note(
  sim_time at, const std::string& who, const std::string& what) {
  add(at, who + "  " + what);
}

std::string message_trace::text_of(const actor_letter& letter) const {
  const auto at = types_.find(letter.type);
  const auto body = at == types_.end()
                      ? "type " + hex(letter.type) + ", "
                          + std::to_string(letter.body.size()) + " bytes"
                      : at->second.name + " " + at->second.show(letter.body);
  return to_string(letter.from) + " -> " + to_string(letter.to) + "  " + body;
}

void message_trace::arrived(
  sim_time at, node_id from, node_id to, const envelope& message) {
  const auto way = node_text(from) + " -> " + node_text(to) + "  ";
  if (message.conversation == conversation::custom)
    if (const auto custom = decode_custom_message(message); custom)
      if (const auto* letter = std::get_if<actor_letter>(&custom.value())) {
        add(at, way + text_of(*letter));
        return;
      }
  if (everything_)
    add(at, way + to_string(message.conversation)
              + (message.is_answer ? " answer " : " ")
              + std::to_string(message.request_id) + ", "
              + std::to_string(frame_size(message)) + " bytes");
}

std::string message_trace::last(size_t count) const {
  const auto shown = std::min(count, lines_.size());
  const auto before = dropped_ + (lines_.size() - shown);
  std::string text;
  if (before > 0)
    text = "  (" + std::to_string(before) + " earlier lines)\n";
  for (auto at = lines_.end() - static_cast<ptrdiff_t>(shown);
    at != lines_.end(); ++at)
    text += *at + "\n";
  return text;
}

} // namespace millrace::testing
