#include "cluster/security_answers.hpp"

#include "schema/kafka_error.hpp"

#include <set>
#include <string>

namespace millrace {

namespace {

constexpr auto disabled = static_cast<int16_t>(kafka_error::security_disabled);
constexpr const char* no_authorizer
  = "there is no authorizer: every client may do everything";
constexpr const char* no_credentials
  = "there is no SASL: nobody's credentials are kept";

} // namespace

kafka::describe_acls_response answer_without_security(
  const kafka::describe_acls_request&) {
  kafka::describe_acls_response response;
  response.error_code = disabled;
  response.error_message = no_authorizer;
  return response;
}

kafka::create_acls_response answer_without_security(
  const kafka::create_acls_request& request) {
  kafka::create_acls_response response;
  response.results.assign(request.creations.size(), {disabled, no_authorizer});
  return response;
}

kafka::delete_acls_response answer_without_security(
  const kafka::delete_acls_request& request) {
  kafka::delete_acls_response response;
  response.filter_results.assign(
    request.filters.size(), {disabled, no_authorizer, {}});
  return response;
}

kafka::describe_user_scram_credentials_response answer_without_security(
  const kafka::describe_user_scram_credentials_request&) {
  kafka::describe_user_scram_credentials_response response;
  response.error_code = disabled;
  response.error_message = no_credentials;
  return response;
}

kafka::alter_user_scram_credentials_response answer_without_security(
  const kafka::alter_user_scram_credentials_request& request) {
  std::set<std::string> users;
  for (const auto& each : request.deletions)
    users.insert(each.name);
  for (const auto& each : request.upsertions)
    users.insert(each.name);
  kafka::alter_user_scram_credentials_response response;
  for (const auto& user : users)
    response.results.push_back({user, disabled, no_credentials});
  return response;
}

} // namespace millrace
