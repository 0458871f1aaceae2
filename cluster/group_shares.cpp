// The part of group_registry that serves share groups (KIP-932).

#include "cluster/group_answers.hpp"
#include "cluster/group_names.hpp"
#include "cluster/group_registry.hpp"
#include "cluster/share_group_heartbeat.hpp"

namespace millrace {

namespace {

constexpr const char* no_group_id = "The group id is invalid.";

} // namespace

bool group_registry::is_other_than_share(const std::string& id) const {
  return groups_.contains(id) || consumers_.find(id);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::share_group_heartbeat_request& request) {
  auto turn = begin_turn(who);
  const auto& id = request.group_id;
  if (is_other_than_share(id) && !check_heartbeat(request)) {
    turn.reply(
      who.token, share_heartbeat_refused({kafka_error::group_id_not_found,
                   "Group " + id + " is not a share group."}));
    return end_turn(turn);
  }
  auto answer = shares_.heartbeat(turn, who, request);
  run_after(answer.after, turn,
    [token = who.token, response = std::move(answer.response)](
      group_turn& later, kafka_error error) {
      later.reply(
        token, error == kafka_error::none
                 ? response
                 : share_heartbeat_refused({group_append_error(error), ""}));
    });
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::describe_share_group_offsets_request& request) {
  auto turn = begin_turn(who);
  shares_.describe_offsets(turn, who, request);
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::alter_share_group_offsets_request& request) {
  auto turn = begin_turn(who);
  const auto& id = request.group_id;
  kafka::alter_share_group_offsets_response refusal;
  if (!is_group_id(id)) {
    refusal.error_code = code_of(kafka_error::invalid_group_id);
    refusal.error_message = no_group_id;
  } else if (is_other_than_share(id)) {
    refusal.error_code = code_of(kafka_error::group_id_not_found);
    refusal.error_message = "Group " + id + " is not a share group.";
  } else {
    shares_.alter_offsets(turn, who.token, request);
    return end_turn(turn);
  }
  turn.reply(who.token, std::move(refusal));
  return end_turn(turn);
}

group_effects group_registry::handle(const group_request_context& who,
  const kafka::delete_share_group_offsets_request& request) {
  auto turn = begin_turn(who);
  const auto& id = request.group_id;
  kafka::delete_share_group_offsets_response refusal;
  if (!is_group_id(id)) {
    refusal.error_code = code_of(kafka_error::invalid_group_id);
    refusal.error_message = no_group_id;
  } else if (is_other_than_share(id)) {
    refusal.error_code = code_of(kafka_error::group_id_not_found);
    refusal.error_message = "Group " + id + " is not a share group.";
  } else {
    shares_.delete_offsets(turn, who.token, request);
    return end_turn(turn);
  }
  turn.reply(who.token, std::move(refusal));
  return end_turn(turn);
}

group_effects group_registry::on_share_state(uint64_t order_id,
  share_state_answer answer, int64_t now_ms, int64_t wall_ms) {
  if (!loaded_)
    return {}; // it moved away meanwhile
  auto turn = begin_turn(now_ms, wall_ms);
  shares_.on_share_state(turn, order_id, std::move(answer));
  return end_turn(turn);
}

} // namespace millrace
