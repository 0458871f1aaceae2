#include "net/event_loop.hpp"

#include "net/event_loop_impl.hpp"

namespace millrace {

event_loop::event_loop(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

event_loop::~event_loop() = default;

result<std::unique_ptr<event_loop>> event_loop::create(loop_options options) {
  auto made = std::make_unique<impl>(std::move(options));
  MILLRACE_TRY(made->open());
  return std::unique_ptr<event_loop>{new event_loop{std::move(made)}};
}

result<uint16_t> event_loop::listen(
  const endpoint& at, accept_function accept, listen_options options) {
  return impl_->listen(at, std::move(accept), std::move(options));
}

void event_loop::stop_listening() {
  impl_->stop_listening();
}

size_t event_loop::poll(int timeout_ms, const std::function<void()>& on_woken) {
  return impl_->poll(timeout_ms, on_woken);
}

void event_loop::flush() {
  impl_->flush();
}

void event_loop::wake() {
  impl_->wake();
}

void event_loop::acknowledge_wake() {
  impl_->acknowledge_wake();
}

void event_loop::adopt(descriptor fd, accept_function accept,
  std::shared_ptr<const tls_context> tls) {
  impl_->adopt(std::move(fd), std::move(accept), std::move(tls));
}

uint64_t event_loop::dial(const socket_address& to, accept_function connected,
  std::function<void(const dial_failure&)> failed,
  std::shared_ptr<const tls_context> tls) {
  return impl_->dial(
    to, std::move(connected), std::move(failed), std::move(tls));
}

void event_loop::cancel_dial(uint64_t id) {
  impl_->cancel_dial(id);
}

connection* event_loop::find(uint64_t id) const {
  return impl_->find(id);
}

chunk_pool& event_loop::chunks() {
  return impl_->chunks;
}

const loop_counters& event_loop::counters() const {
  return impl_->counters;
}

size_t event_loop::connection_count() const {
  return impl_->connection_count();
}

} // namespace millrace
