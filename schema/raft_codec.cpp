#include "schema/raft_codec.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/raft_configuration_codec.hpp"

#include <limits>

namespace millrace {

namespace {

using wire_message = wire::RaftMessage;

// Writing: one function for each body; entries and chunks leave their bytes
// in `runs`.

void put(wire::Position::Builder to, const raft_position& p) {
  to.setTerm(p.term);
  to.setIndex(p.index);
}

struct body_writer {
  wire_message::Builder to;
  std::vector<shared_bytes>& runs;

  void operator()(const raft_vote_request& m) {
    auto body = to.initVoteRequest();
    put(body.initLast(), m.last);
    body.setPreVote(m.pre_vote);
    body.setTransfer(m.transfer);
  }
  void operator()(const raft_vote_answer& m) {
    auto body = to.initVoteAnswer();
    body.setGranted(m.granted);
    body.setPreVote(m.pre_vote);
  }
  void operator()(const raft_append_request& m) {
    auto body = to.initAppendRequest();
    put(body.initPrevious(), m.previous);
    body.setCommit(m.commit);
    body.setRound(m.round);
    auto heads = body.initEntries(static_cast<unsigned>(m.entries.size()));
    for (unsigned i = 0; i < heads.size(); ++i) {
      heads[i].setTerm(m.entries[i].term);
      heads[i].setKind(static_cast<uint8_t>(m.entries[i].kind));
      runs.push_back(m.entries[i].payload);
    }
  }
  void operator()(const raft_append_answer& m) {
    auto body = to.initAppendAnswer();
    body.setSuccess(m.success);
    body.setMatch(m.match);
    body.setPrevious(m.previous);
    put(body.initHint(), m.hint);
    body.setRound(m.round);
  }
  void operator()(const raft_snapshot_chunk& m) {
    auto body = to.initSnapshotChunk();
    put(body.initLast(), m.last);
    write_to(body.initConfiguration(), m.configuration);
    body.setPosition(m.position);
    body.setDone(m.done);
    body.setRound(m.round);
    runs.push_back(m.bytes);
  }
  void operator()(const raft_snapshot_answer& m) {
    auto body = to.initSnapshotAnswer();
    put(body.initLast(), m.last);
    body.setPosition(m.position);
    body.setRound(m.round);
  }
  void operator()(const raft_timeout_now&) {
    to.setTimeoutNow();
  }
};

// Reading.

error corrupt(const std::string& what) {
  return {errc::corrupt, "consensus message: " + what};
}

raft_position position(wire::Position::Reader from) {
  return {from.getTerm(), from.getIndex()};
}

result<raft_entry> read_entry(
  wire::EntryHead::Reader head, uint64_t index, const shared_bytes& payload) {
  raft_entry entry{head.getTerm(), index,
    static_cast<raft_entry_kind>(head.getKind()), payload};
  switch (entry.kind) {
  case raft_entry_kind::command:
  case raft_entry_kind::leadership:
    return entry;
  case raft_entry_kind::configuration:
    MILLRACE_TRY(decode_raft_configuration(payload));
    return entry;
  }
  return error{errc::unsupported, "consensus message: an entry of kind "
                                    + std::to_string(head.getKind())
                                    + ", of a newer version"};
}

result<raft_body> read_append(wire::AppendRequest::Reader from, uint64_t term,
  const std::vector<shared_bytes>& runs) {
  raft_append_request m{.term = term,
    .previous = position(from.getPrevious()),
    .commit = from.getCommit(),
    .round = from.getRound()};
  const auto heads = from.getEntries();
  if (heads.size() != runs.size())
    return corrupt("entries without their bytes");
  if (m.previous.index > std::numeric_limits<uint64_t>::max() / 2)
    return corrupt("an index out of range");
  auto before = m.previous;
  for (unsigned i = 0; i < heads.size(); ++i) {
    auto entry = read_entry(heads[i], before.index + 1, runs[i]);
    MILLRACE_TRY(entry);
    if (entry->term < before.term || entry->term > term)
      return corrupt("terms that fall");
    before = {entry->term, entry->index};
    m.entries.push_back(std::move(*entry));
  }
  return raft_body{std::move(m)};
}

result<raft_body> read_chunk(wire::SnapshotChunk::Reader from, uint64_t term,
  const std::vector<shared_bytes>& runs) {
  if (runs.size() != 1)
    return corrupt("a chunk without its bytes");
  auto configuration = read_from(from.getConfiguration());
  MILLRACE_TRY(configuration);
  raft_snapshot_chunk m{.term = term,
    .last = position(from.getLast()),
    .configuration = std::move(*configuration),
    .position = from.getPosition(),
    .done = from.getDone(),
    .round = from.getRound(),
    .bytes = runs[0]};
  if (m.last.term > term || m.last.index == 0
      || m.position > std::numeric_limits<uint64_t>::max() / 2)
    return corrupt("a chunk of no snapshot");
  return raft_body{std::move(m)};
}

result<raft_body> read_body(
  wire_message::Reader from, const std::vector<shared_bytes>& runs) {
  const auto term = from.getTerm();
  const auto which = from.which();
  const bool is_answer = which == wire_message::VOTE_ANSWER;
  if (term == 0 && !is_answer)
    return corrupt("no term");
  if (which == wire_message::APPEND_REQUEST)
    return read_append(from.getAppendRequest(), term, runs);
  if (which == wire_message::SNAPSHOT_CHUNK)
    return read_chunk(from.getSnapshotChunk(), term, runs);
  if (!runs.empty())
    return corrupt("bytes that belong to nothing");
  switch (which) {
  case wire_message::VOTE_REQUEST: {
    const auto m = from.getVoteRequest();
    return raft_body{raft_vote_request{
      term, position(m.getLast()), m.getPreVote(), m.getTransfer()}};
  }
  case wire_message::VOTE_ANSWER: {
    const auto m = from.getVoteAnswer();
    return raft_body{raft_vote_answer{term, m.getGranted(), m.getPreVote()}};
  }
  case wire_message::APPEND_ANSWER: {
    const auto m = from.getAppendAnswer();
    return raft_body{raft_append_answer{term, m.getSuccess(), m.getMatch(),
      m.getPrevious(), position(m.getHint()), m.getRound()}};
  }
  case wire_message::SNAPSHOT_ANSWER: {
    const auto m = from.getSnapshotAnswer();
    return raft_body{raft_snapshot_answer{
      term, position(m.getLast()), m.getPosition(), m.getRound()}};
  }
  case wire_message::TIMEOUT_NOW:
    return raft_body{raft_timeout_now{term}};
  case wire_message::NONE:
    return corrupt("it says nothing");
  default:
    return error{errc::unsupported, "consensus message of a newer version"};
  }
}

} // namespace

envelope encode(std::string_view group, const raft_message& message) {
  envelope e{.conversation = conversation::raft};
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<wire_message>();
  root.setGroup(text(std::string{group}));
  write_to(root.initFrom(), message.from);
  write_to(root.initTo(), message.to);
  root.setTerm(term_of(message));
  std::visit(body_writer{root, e.runs}, message.body);
  e.message = to_shared_bytes(builder);
  return e;
}

result<raft_group_message> decode_raft_message(const envelope& from) {
  if (from.conversation != conversation::raft)
    return corrupt("not of this conversation");
  return read_capnp<wire_message>(from.message, "consensus message",
    [&](wire_message::Reader root) -> result<raft_group_message> {
      auto body = read_body(root, from.runs);
      MILLRACE_TRY(body);
      return raft_group_message{string_of(root.getGroup()),
        {read_from(root.getFrom()), read_from(root.getTo()), std::move(*body)}};
    });
}

} // namespace millrace
