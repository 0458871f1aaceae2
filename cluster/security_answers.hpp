#pragma once

// What is asked about ACLs and SCRAM credentials while there is neither:
// security_disabled, as Kafka answers without an authorizer, for each thing
// that was asked for.

#include "schema/kafka/alter_user_scram_credentials.hpp"
#include "schema/kafka/create_acls.hpp"
#include "schema/kafka/delete_acls.hpp"
#include "schema/kafka/describe_acls.hpp"
#include "schema/kafka/describe_user_scram_credentials.hpp"

namespace millrace {

[[nodiscard]] kafka::describe_acls_response answer_without_security(
  const kafka::describe_acls_request& request);
[[nodiscard]] kafka::create_acls_response answer_without_security(
  const kafka::create_acls_request& request);
[[nodiscard]] kafka::delete_acls_response answer_without_security(
  const kafka::delete_acls_request& request);
[[nodiscard]] kafka::describe_user_scram_credentials_response
answer_without_security(
  const kafka::describe_user_scram_credentials_request& request);
/// One result for each user, however often it is named.
[[nodiscard]] kafka::alter_user_scram_credentials_response
answer_without_security(
  const kafka::alter_user_scram_credentials_request& request);

} // namespace millrace
