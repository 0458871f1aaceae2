#pragma once

// One HTTP/1.1 connection: cuts requests out of the bytes with Beast's parser,
// hands them to a handler one at a time, and answers in order. While a request
// is being worked on nothing is read, which is all the back-pressure needed.

#include "actors/http_message.hpp"
#include "net/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace millrace {

struct http_limits {
  size_t header_bytes_max = 16 * 1024; ///< above it: 431
  size_t body_bytes_max = 1024 * 1024; ///< above it: 413
  int64_t request_ms_max = 10'000;     ///< for its arrival; above it: 408
  int64_t idle_ms_max = 120'000;       ///< between requests; then closed
};

/// A malformed request is answered 400; all answers with an error of the
/// protocol close the connection. The session adds no Date: it has no clock.
class http_session final : public connection_handler {
public:
  /// @param at outlives this
  http_session(connection& at, http_handler handler, http_limits limits = {});
  ~http_session() override;

  std::span<std::byte> prepare_read() override;
  void on_read(size_t size) override;
  void on_sent(size_t still_queued) override;
  bool on_end_of_input() override;
  void on_closed(std::string_view reason) override;

  /// Closes what has been slow or idle for too long. Called now and then, at
  /// least once a second, with a clock that does not jump.
  void check_time(int64_t now_ms);

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

/// A session for each connection, all with the same handler.
[[nodiscard]] accept_function serve_http(
  http_handler handler, http_limits limits = {});

} // namespace millrace
