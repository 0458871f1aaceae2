#include "actors/custom_client.hpp"

namespace millrace {

namespace {

constexpr size_t length_bytes = 4;

} // namespace

shared_bytes custom_client::frame_of(const outgoing& out) {
  auto bytes = flatten(out);
  MILLRACE_ASSERT(bytes.ok(), "a request is in memory");
  return shared_bytes::copy_of(std::string_view{*bytes}.substr(length_bytes));
}

void custom_client::open(front_ask ask, int64_t wait_ms, taker take) {
  ask.ticket = next_ticket_++;
  const auto ticket = ask.ticket;
  open_.emplace(ticket, std::move(take));
  send_(std::move(ask));
  timer_(wait_ms, [this, ticket] {
    this->take(front_answer{ticket, {}});
  });
}

void custom_client::take(const front_answer& answer) {
  auto open = open_.extract(answer.ticket);
  if (!open.empty()) // else it has come too late
    open.mapped()(answer.frame);
}

} // namespace millrace
