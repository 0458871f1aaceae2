#pragma once

// Which handler works on which path: an exact table, with the answers for what
// is not in it.

#include "actors/http_message.hpp"

#include <map>
#include <string>

namespace millrace {

/// Itself an http_handler. HEAD goes where GET goes; an unknown path is 404
/// with the list of paths, a method that a path lacks 405 with `Allow`.
class http_routes {
public:
  /// `method` in capitals; `path` without a query.
  void add(std::string method, std::string path, http_handler handler);
  void operator()(http_request request, const http_respond& respond) const;

private:
  [[nodiscard]] http_response not_found(const http_request& request) const;

  std::map<std::string, std::map<std::string, http_handler>> paths_;
};

} // namespace millrace
