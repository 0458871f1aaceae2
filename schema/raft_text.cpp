// Messages and configurations as traces show them.

#include "schema/raft_message.hpp"

namespace millrace {

namespace {

std::string text(uint64_t value) {
  return std::to_string(value);
}

std::string name(const raft_member& member) {
  return std::to_string(member.node.value);
}

std::string list(const std::vector<raft_member>& members) {
  std::string all;
  for (const auto& member : members)
    all += (all.empty() ? "" : " ") + name(member);
  return all;
}

std::string place(const raft_position& p) {
  return text(p.index) + "/t" + text(p.term);
}

std::string body(const raft_vote_request& m) {
  return std::string{m.pre_vote ? "pre-vote? t" : "vote? t"} + text(m.term)
         + " log ends at " + place(m.last) + (m.transfer ? " (transfer)" : "");
}

std::string body(const raft_vote_answer& m) {
  return std::string{m.pre_vote ? "pre-vote " : "vote "}
         + (m.granted ? "yes" : "no") + " t" + text(m.term);
}

std::string body(const raft_append_request& m) {
  auto all = "append t" + text(m.term) + " after " + place(m.previous) + " [";
  for (const auto& entry : m.entries) {
    if (all.back() != '[')
      all += ' ';
    all += place({entry.term, entry.index});
    if (entry.kind == raft_entry_kind::configuration)
      all += "=configuration";
    else if (entry.kind == raft_entry_kind::leadership)
      all += "=leadership";
  }
  return all + "] commit " + text(m.commit) + " round " + text(m.round);
}

std::string body(const raft_append_answer& m) {
  const auto head = "appended t" + text(m.term);
  const auto tail = " round " + text(m.round);
  if (m.success)
    return head + " match " + text(m.match) + tail;
  return head + " refused " + text(m.previous) + ", try " + place(m.hint)
         + tail;
}

std::string body(const raft_snapshot_chunk& m) {
  return "snapshot t" + text(m.term) + " to " + place(m.last) + " bytes "
         + text(m.position) + "+" + text(m.bytes.size())
         + (m.done ? " done" : "");
}

std::string body(const raft_snapshot_answer& m) {
  return "snapshot t" + text(m.term) + " to " + place(m.last) + " next byte "
         + text(m.position);
}

std::string body(const raft_timeout_now& m) {
  return "timeout now t" + text(m.term);
}

} // namespace

uint64_t term_of(const raft_message& message) {
  return std::visit(
    [](const auto& m) {
      return m.term;
    },
    message.body);
}

std::string to_string(const raft_message& message) {
  return name(message.from) + "->" + name(message.to) + " "
         + std::visit(
           [](const auto& m) {
             return body(m);
           },
           message.body);
}

std::string to_string(const raft_configuration& configuration) {
  auto all = "{" + list(configuration.voters);
  if (configuration.is_joint())
    all += " | " + list(configuration.outgoing);
  all += "}";
  if (!configuration.learners.empty())
    all += " + {" + list(configuration.learners) + "}";
  return all;
}

} // namespace millrace
