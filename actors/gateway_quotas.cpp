// What a gateway does about quotas: who is held to which, what is charged,
// and when a client is to wait.

#include "actors/gateway_core.hpp"
#include "actors/kafka/session.hpp"
#include "cluster/quota_address.hpp"

namespace millrace {

metered_request* gateway_core::metered(const reply_slot& slot) const {
  const auto at = sessions_.find(slot.session);
  return at == sessions_.end() ? nullptr : at->second->metered(slot.number);
}

void gateway_core::begin_work(
  const reply_slot& slot, std::string_view client_id) {
  const auto at = sessions_.find(slot.session);
  if (at == sessions_.end())
    return; // another node asks
  auto& account = at->second->account();
  if (account == nullptr || account->looked_up_in != image_.quotas()
      || account->client.client_id != client_id)
    account = wiring_.quotas->open(
      image_.quotas(), {anonymous_user, std::string{client_id}}, now_ms_);
  if (auto* request = at->second->metered(slot.number))
    request->account = account;
  if (account->work)
    work_ = {slot, account, wiring_.env->thread_time_ns()};
}

void gateway_core::end_work() {
  if (!work_)
    return;
  const auto work
    = (wiring_.env->thread_time_ns() - work_->since_ns) / work_unit_ns;
  if (auto* request = metered(work_->slot))
    request->work += work;
  else // it has been answered; what that took counts too
    work_->account->work.bucket->add(work, now_ms_);
  work_.reset();
}

int32_t gateway_core::charge_work(const reply_slot& slot) {
  auto* request = metered(slot);
  if (request == nullptr || request->account == nullptr
      || !request->account->work)
    return 0;
  if (work_ && work_->slot.session == slot.session
      && work_->slot.number == slot.number) {
    const auto now_ns = wiring_.env->thread_time_ns();
    request->work += (now_ns - work_->since_ns) / work_unit_ns;
    work_->since_ns = now_ns;
  }
  const auto& held = request->account->work;
  held.bucket->add(std::exchange(request->work, 0), now_ms_);
  // A request is never held up for more than a window, as in Kafka.
  const auto wait_ms
    = std::min(held.wait_ms(now_ms_), held.bucket->windows().length_ms);
  if (wait_ms > 0)
    counters().throttled_requests.add();
  return static_cast<int32_t>(wait_ms);
}

int32_t gateway_core::charge_produce(const reply_slot& slot) {
  auto* request = metered(slot);
  if (request == nullptr || request->account == nullptr
      || !request->account->produced)
    return 0;
  const auto& held = request->account->produced;
  held.bucket->add(static_cast<int64_t>(request->bytes), now_ms_);
  const auto wait_ms = held.wait_ms(now_ms_);
  if (wait_ms > 0)
    counters().throttled_produces.add();
  return static_cast<int32_t>(wait_ms);
}

int32_t gateway_core::charge_fetch(const reply_slot& slot, int64_t bytes) {
  auto* request = metered(slot);
  if (request == nullptr || request->account == nullptr
      || !request->account->fetched || bytes == 0)
    return 0;
  const auto& held = request->account->fetched;
  // A batch may be more than the quota ever allows: who has had nothing
  // lately gets it, or would never get on.
  const bool is_first = held.bucket->usage(now_ms_).amount == 0;
  const auto wait_ms = is_first ? 0 : held.wait_ms(now_ms_, bytes);
  if (wait_ms > 0)
    counters().throttled_fetches.add();
  else
    held.bucket->add(bytes, now_ms_);
  return static_cast<int32_t>(wait_ms);
}

int32_t gateway_core::fetch_bound(const reply_slot& slot) const {
  const auto* request = metered(slot);
  if (request == nullptr || request->account == nullptr
      || !request->account->fetched)
    return INT32_MAX;
  const auto& held = request->account->fetched;
  return static_cast<int32_t>(
    std::min<double>(burst_of(held.bucket->windows(), held.rate), INT32_MAX));
}

void gateway_core::mute(const reply_slot& slot, int32_t for_ms) {
  const auto at = sessions_.find(slot.session);
  if (for_ms <= 0 || at == sessions_.end())
    return;
  counters().mutes.add();
  counters().muted_ms.add(for_ms);
  at->second->mute_until(now_ms_ + for_ms);
}

int32_t gateway_core::charge_connection(const endpoint& remote) {
  const auto address = canonical_address(remote.host);
  if (!address)
    return 0; // not by the network
  const auto held
    = wiring_.quotas->connections(*image_.quotas(), *address, now_ms_);
  if (!held)
    return 0;
  const auto wait_ms
    = std::min(held.wait_ms(now_ms_, 1), held.bucket->windows().length_ms);
  if (wait_ms > 0)
    counters().throttled_connections.add();
  else
    held.bucket->add(1, now_ms_);
  return static_cast<int32_t>(wait_ms);
}

} // namespace millrace
