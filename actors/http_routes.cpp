#include "actors/http_routes.hpp"

namespace millrace {

void http_routes::add(
  std::string method, std::string path, http_handler handler) {
  paths_[std::move(path)][std::move(method)] = std::move(handler);
}

http_response http_routes::not_found(const http_request& request) const {
  http_response answer;
  answer.status = 404;
  answer.body = "There is nothing at " + request.path + "; there is:\n";
  for (const auto& [path, methods] : paths_)
    answer.body += "  " + path + "\n";
  return answer;
}

void http_routes::operator()(
  http_request request, const http_respond& respond) const {
  auto path = paths_.find(request.path);
  if (path == paths_.end()) {
    respond(not_found(request));
    return;
  }
  const auto& methods = path->second;
  auto found = methods.find(request.method);
  if (found == methods.end() && request.method == "HEAD")
    found = methods.find("GET");
  if (found != methods.end()) {
    found->second(std::move(request), respond);
    return;
  }
  http_response answer;
  answer.status = 405;
  std::string allowed;
  for (const auto& [method, handler] : methods)
    allowed += (allowed.empty() ? "" : ", ") + method;
  answer.body = request.path + " takes " + allowed + ".\n";
  answer.headers.emplace_back("Allow", allowed);
  respond(std::move(answer));
}

} // namespace millrace
