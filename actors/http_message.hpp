#pragma once

// A request of HTTP and its answer, as handlers see them.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_request {
  std::string method; ///< in capitals: GET, POST, HEAD, ...
  std::string path;   ///< the target up to the question mark, as it came
  std::string query;  ///< what follows the question mark, as it came
  http_headers headers;
  std::string body;

  /// The value of the first header of that name (in any case), or nothing.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct http_response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Beside those that the session writes by itself (Content-Type,
  /// Content-Length, Connection). No line breaks in them.
  http_headers headers;
};

/// Takes the answer; called once, in the loop's thread, at once or later. Of
/// no effect when the client has gone.
using http_respond = std::function<void(http_response)>;

/// Works on a request and calls `http_respond`. Requests of one connection
/// come one after the other.
using http_handler = std::function<void(http_request, http_respond)>;

} // namespace millrace
