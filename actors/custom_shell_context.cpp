#include "actors/custom_shell.hpp"
#include "actors/log.hpp"

#include <stdexcept>

// What the actor itself may call.

namespace millrace {

actor_state& custom_shell::state() {
  if (!is_placed())
    throw std::logic_error{
      "an actor that runs on every node has no state that outlives it"};
  return *this;
}

void custom_shell::read(std::string topic, read_from where) {
  reader_->add(topic, where);
}

void custom_shell::write(new_record record) {
  waiting_write write{std::move(record.topic), record.partition,
    std::move(record.key), std::move(record.value)};
  const auto number = is_placed() ? memory_.add_write(write) : next_number_++;
  effects_.push_back(write_effect{number, std::move(write)});
}

void custom_shell::send_letter(
  const actor_address& to, uint64_t type, shared_bytes body) {
  effects_.push_back(actor_letter{to, options_.address, type, std::move(body)});
}

void custom_shell::set_timer(
  int64_t ms, std::function<void()> what, bool is_users) {
  const auto number = next_timer_++;
  timers_.emplace(number, timer{std::move(what), is_users});
  self_->delayed_send(self_, std::chrono::milliseconds{ms}, host_timer{number});
}

void custom_shell::after(
  std::chrono::milliseconds wait, std::function<void()> what) {
  set_timer(std::max<int64_t>(wait.count(), 0), std::move(what), true);
}

int64_t custom_shell::now_ms() const {
  return monotonic_ms(*self_);
}

int64_t custom_shell::wall_clock_ms() {
  return env_.wall_clock_ms();
}

uint64_t custom_shell::random() {
  return env_.random();
}

void custom_shell::log(std::string_view line) {
  log::info("actor {}: {}", to_string(options_.address), line);
}

std::optional<std::string> custom_shell::get(std::string_view key) const {
  const auto* value = memory_.find(key);
  return value == nullptr ? std::nullopt : std::optional{*value};
}

void custom_shell::put(std::string_view key, std::string value) {
  memory_.put(key, std::move(value));
}

void custom_shell::erase(std::string_view key) {
  memory_.erase(key);
}

void custom_shell::for_each(std::string_view prefix,
  const std::function<void(std::string_view, const std::string&)>& visit)
  const {
  memory_.for_each(prefix, visit);
}

} // namespace millrace
