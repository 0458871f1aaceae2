#include "actors/controller_log.hpp"

#include "actors/controller_lead.hpp"
#include "actors/log.hpp"
#include "actors/tell.hpp"
#include "cluster/metadata_difference.hpp"

namespace millrace {

namespace {

using self_pointer = controller_actor::stateful_pointer<controller_actor_state>;

constexpr auto save_delay = std::chrono::seconds{1};

void arm_save(self_pointer self) {
  auto& s = self->state;
  if (s.save_armed || s.unsaved.empty())
    return;
  s.save_armed = true;
  self->delayed_send(self, save_delay, save_image{});
}

/// Applies one entry. False, and the end of the actor, if it cannot be read:
/// whoever does not know a command must not skip it.
bool apply(self_pointer self, const raft_entry& entry,
  std::vector<committed_command>& told) {
  auto& s = self->state;
  const auto index = static_cast<int64_t>(entry.index);
  const auto term = static_cast<int64_t>(entry.term);
  if (index <= s.image.applied_index())
    return true; // an image or a snapshot had it
  switch (entry.kind) {
  case raft_entry_kind::leadership:
    s.image.pass(index, term);
    return true;
  case raft_entry_kind::configuration: {
    auto members = decode_raft_configuration(entry.payload);
    MILLRACE_ASSERT(members.ok(), "configurations are checked on their way");
    s.image.change_members(std::move(*members), index, term);
    s.unsaved.note_head();
    return true;
  }
  case raft_entry_kind::command:
    break;
  }
  auto command = decode_metadata_command(entry.payload);
  if (!command) {
    log::error("entry {} of the metadata log cannot be followed: {}",
      entry.index, to_string(command.error()));
    self->quit(caf::exit_reason::unhandled_exception);
    return false;
  }
  s.image.apply(*command, index, term);
  s.unsaved.note(*command, s.image);
  told.push_back({entry.index, entry.term, std::move(*command)});
  return true;
}

void tell_subscribers(
  self_pointer self, std::vector<committed_command> commands) {
  auto& s = self->state;
  const metadata_update update{
    std::make_shared<const std::vector<committed_command>>(std::move(commands)),
    static_cast<uint64_t>(s.image.applied_index()),
    static_cast<uint64_t>(s.image.applied_term())};
  for (const auto& subscriber : s.subscribers)
    tell(self, subscriber, update);
}

} // namespace

void on_log_committed(self_pointer self, const log_committed& news) {
  if (news.entries->empty())
    return;
  std::vector<committed_command> told;
  for (const auto& entry : *news.entries)
    if (!apply(self, entry, told))
      return;
  tell_subscribers(self, std::move(told));
  on_applied(self, news.entries->back());
  arm_save(self);
}

void subscribe(self_pointer self) {
  auto& s = self->state;
  tell(self, self->current_sender(),
    metadata_snapshot{std::make_shared<const metadata_image>(s.image)});
  s.subscribers.push_back(self->current_sender());
}

void save_now(self_pointer self) {
  auto& s = self->state;
  if (s.snapshot_wanted)
    s.unsaved.note_head();
  if (s.unsaved.empty() || s.installing != 0)
    return;
  const auto ticket = s.next_ticket++;
  s.saving[ticket] = static_cast<uint64_t>(s.image.applied_index());
  tell(self, s.options.keeper,
    image_commit{ticket, s.unsaved.take(s.image, s.options.log_id), {}});
}

void on_saved(self_pointer self, uint64_t ticket) {
  auto& s = self->state;
  if (ticket == s.installing) {
    s.installing = 0;
    tell(self, s.options.consensus, state_installed{});
    return;
  }
  const auto at = s.saving.find(ticket);
  if (at == s.saving.end())
    return;
  const auto index = at->second;
  s.saving.erase(at);
  if (!s.snapshot_wanted)
    return;
  s.snapshot_wanted = false;
  tell(self, s.options.consensus, snapshot_made{index});
}

void install(self_pointer self, const install_state& snapshot) {
  auto& s = self->state;
  auto image = decode_image(snapshot.bytes);
  const auto& last = snapshot.head.last;
  if (!image || image->applied_index() != static_cast<int64_t>(last.index)) {
    log::error("a snapshot of the metadata cannot be used: {}",
      image ? "it is of another entry" : to_string(image.error()));
    self->quit(caf::exit_reason::unhandled_exception);
    return;
  }
  image->change_members(snapshot.head.configuration,
    static_cast<int64_t>(last.index), static_cast<int64_t>(last.term));
  std::vector<committed_command> told;
  for (auto& command : difference(s.image, *image))
    told.push_back({0, last.term, std::move(command)});
  s.image = std::move(*image);
  s.unsaved = {};
  s.saving.clear();
  tell_subscribers(self, std::move(told));
  // Everything that is in the store goes in the same transaction (R21).
  s.installing = s.next_ticket++;
  tell(self, s.options.keeper,
    image_commit{s.installing, all_image_writes(s.image, s.options.log_id),
      std::string{metadata_image_prefix}});
}

} // namespace millrace
