#include "actors/controller.hpp"

#include "actors/controller_forward.hpp"
#include "actors/controller_lead.hpp"
#include "actors/controller_log.hpp"
#include "actors/controller_quorum.hpp"
#include "actors/tell.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;

constexpr auto tick_period = std::chrono::milliseconds{50};

/// A node that is alone loses no message and shuts nobody out.
void arm_tick(self_pointer self) {
  if (self->state.options.config->is_clustered())
    self->delayed_send(self, tick_period, controller_tick{});
}

} // namespace

controller_actor::behavior_type controller(
  self_pointer self, environment* env, controller_options options) {
  auto& state = self->state;
  state.env = env;
  state.options = std::move(options);
  state.image = std::move(state.options.image);
  // Not those of an earlier incarnation, whose answers may still come.
  state.next_request = env->random() >> 16;
  state.options.link->bind(
    conversation::controller, caf::strong_actor_ptr{self->ctrl()});
  state.options.link->watch(caf::strong_actor_ptr{self->ctrl()});
  tell(self, state.options.consensus, follow_log{});
  arm_tick(self);
  return {
    [=](admin_ask& ask) {
      on_admin_ask(self, ask);
    },
    [=](const placed& where) {
      on_placed(self, where);
    },
    [=](const log_committed& news) {
      on_log_committed(self, news);
    },
    [=](const role_changed& role) {
      on_role(self, role);
    },
    [=](snapshot_wanted) {
      self->state.snapshot_wanted = true;
      save_now(self);
    },
    [=](state_wanted) {
      const auto& image = self->state.image;
      tell(self, self->current_sender(),
        state_told{{{static_cast<uint64_t>(image.applied_term()),
                      static_cast<uint64_t>(image.applied_index())},
                     image.configuration()},
          encode_image(image)});
    },
    [=](const install_state& snapshot) {
      install(self, snapshot);
    },
    [=](const quorum_view& view) {
      on_quorum_view(self, view);
    },
    [=](const member_changed& done) {
      on_member_changed(self, done);
    },
    [=](const from_node& from) {
      on_controller_message(self, from);
    },
    [=](const link_change& change) {
      on_link(self, change);
    },
    [=](const load_measured& measured) {
      self->state.load = measured.load;
    },
    [=](leave_cluster) {
      begin_to_leave(self);
    },
    [=](controller_tick) {
      look_after_brokers(self);
      look_after_balance(self);
      look_after_questions(self);
      arm_tick(self);
    },
    [=](subscribe_metadata) {
      subscribe(self);
    },
    [=](save_image) {
      self->state.save_armed = false;
      save_now(self);
    },
    [=](const image_committed& done) {
      on_saved(self, done.ticket);
    },
  };
}

} // namespace millrace
