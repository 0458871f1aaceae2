#include "simulation/raft_promises.hpp"

#include "actors/consensus.hpp"
#include "schema/raft_codec.hpp"
#include "simulation/actor_state.hpp"
#include "storage/vote_file.hpp"

namespace millrace {

namespace {

constexpr const char* vote_path = "/data/millrace.metadata/vote";

/// What a start would read if the power went now.
std::optional<vote> durable_vote(const sim_file_system& disk) {
  sim_file_system copy;
  const auto bytes = disk.durable_content(vote_path);
  if (!copy.make_directory("/data"))
    return std::nullopt;
  auto file = copy.open("/data/vote", open_mode::create);
  if (!file || !(*file)->write_at(0, std::as_bytes(std::span{bytes})))
    return std::nullopt;
  auto votes = vote_file::open(copy, "/data/vote");
  return votes ? std::optional{votes->current()} : std::nullopt;
}

/// The term and the vote that a message shows, if any.
std::optional<raft_vote> shown_by(const raft_message& m) {
  if (const auto* ask = std::get_if<raft_vote_request>(&m.body);
    ask != nullptr && !ask->pre_vote)
    return raft_vote{ask->term, m.from};
  if (const auto* answer = std::get_if<raft_vote_answer>(&m.body);
    answer != nullptr && answer->granted && !answer->pre_vote)
    return raft_vote{answer->term, m.to};
  if (const auto* append = std::get_if<raft_append_request>(&m.body))
    return raft_vote{append->term, std::nullopt};
  if (const auto* answer = std::get_if<raft_append_answer>(&m.body))
    return raft_vote{answer->term, std::nullopt};
  return std::nullopt;
}

} // namespace

void raft_promises::fail(int32_t node, const std::string& what) {
  if (violation_.empty())
    violation_ = what + " (node " + std::to_string(node + 1) + ", "
                 + std::to_string(cluster_.world().now() / sim_ms) + " ms)";
}

void raft_promises::forget(int32_t node) {
  terms_.erase(node);
}

void raft_promises::said(int32_t node, const envelope& message) {
  if (message.conversation != conversation::raft)
    return;
  const auto decoded = decode_raft_message(message);
  if (!decoded)
    return; // how groups find one another is said in it too
  const auto& m = decoded->message;
  if (const auto shown = shown_by(m))
    check_vote(node, *shown);
  const auto* answer = std::get_if<raft_append_answer>(&m.body);
  if (answer == nullptr || !answer->success)
    return;
  auto& known = acknowledged_[m.from];
  if (answer->term > known.term)
    known = {answer->term, answer->match};
  else if (answer->term == known.term)
    known.match = std::max(known.match, answer->match);
}

/// R23: nothing is said before term and vote are durable.
void raft_promises::check_vote(int32_t node, const raft_vote& said) {
  auto& known = terms_[node];
  if (!said.voted_for && said.term <= known)
    return;
  ++votes_checked_;
  const auto stored = durable_vote(cluster_.node(node).disks().files);
  const bool kept = stored && stored->term >= said.term
                    && (!said.voted_for || stored->term > said.term
                        || (stored->voted_for == said.voted_for->node
                            && stored->directory == said.voted_for->directory));
  if (!kept)
    fail(node,
      "a vote that is told is on the disk: term " + std::to_string(said.term));
  known = std::max(known, said.term);
}

void raft_promises::check(int32_t node, caf::actor_id actor) {
  if (!cluster_.node(node).running())
    return;
  const auto& member = cluster_.node(node).core().consensus;
  if (member == nullptr || member->id() != actor)
    return;
  const auto* s = state_of<consensus_state>(member);
  if (s == nullptr || s->core == nullptr)
    return;
  const auto at = acknowledged_.find(s->core->self());
  if (at == acknowledged_.end() || s->core->term() != at->second.term)
    return;
  if (s->core->log().durable() < at->second.match)
    fail(node, "what is acknowledged stays while its leader leads: entry "
                 + std::to_string(at->second.match) + ", "
                 + std::to_string(s->core->log().durable())
                 + " is on the disk");
}

} // namespace millrace
