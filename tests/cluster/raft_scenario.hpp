#pragma once

// Plays a scenario of a group: lines that begin with `>` are commands, `#`
// begins a comment, and every other line is what a command must print, in the
// manner of etcd's raft tests. A network that loses nothing by itself, a disk
// that writes at once unless it is held, and a clock for each member.
//
//   nodes 3               members 1 to 3, voters; `spares 4 5` know no group
//   option NAME N         of raft_options, before `nodes`
//   terms 2: 1 1 4        member 2's log on disk, by terms, before `start`
//   voted 2 7             member 2's term on disk
//   start                 all that do not run; `nodes` alone does it too
//   campaign 1, tick 2 150, tick all 50, pause 2 5000 (no tick in between)
//   propose 1 x y, read 1 7, snapshot 1, transfer 1 2
//   change 1 voters 1 2 4 learners 3
//   deliver               everything, and what it brings about, until quiet
//   deliver once          what is under way; deliver 1->2 of one link only
//   drop [1->2]           loses what is under way
//   cut 1 | cut 1->2 | heal
//   hold 2, write 2       the disk waits; writes all that waits, and goes on
//   crash 2, restart 2, wipe 3 (restarts as 3b, with an empty directory)
//   log 2, status         prints; quiet, loud: whether the rest does

#include "tests/cluster/raft_shell.hpp"

#include <set>
#include <sstream>

namespace millrace::test {

class raft_scenario {
public:
  raft_scenario() {
    options_.snapshot_entries = 1'000'000;
    options_.kept_entries = 0;
    options_.chunk_bytes_max = 16;
  }

  /// The whole text again, with what its commands print now.
  std::string play(const std::string& text) {
    std::istringstream in{text};
    std::string all;
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || line[0] == '#')
        all += line + "\n";
      if (line.empty() || line[0] != '>')
        continue;
      all += line + "\n";
      printed_.clear();
      run(line.substr(1));
      all += printed_;
    }
    return all;
  }

private:
  using words = std::vector<std::string>;

  void print(const std::string& line) {
    if (loud_)
      printed_ += "  " + line + "\n";
  }

  void run(const std::string& line) {
    std::istringstream in{line};
    words w;
    for (std::string word; in >> word;)
      w.push_back(word);
    const auto& command = w.at(0);
    const words rest(w.begin() + 1, w.end());
    if (command == "option")
      option(rest.at(0), std::stoll(rest.at(1)));
    else if (command == "nodes" || command == "spares" || command == "start")
      make(command, rest);
    else if (command == "terms" || command == "voted")
      prepare(command, rest);
    else if (command == "deliver" || command == "drop")
      move(command, rest);
    else if (command == "cut" || command == "heal")
      link(command, rest);
    else if (command == "status" || command == "log")
      show(command, rest);
    else if (command == "quiet" || command == "loud")
      loud_ = command == "loud";
    else if (command == "tick" && rest.at(0) == "all")
      for (auto& [name, shell] : shells_)
        tick(name, std::stoll(rest.at(1)));
    else
      act(command, rest);
  }

  void option(const std::string& name, int64_t value) {
    const auto size = static_cast<size_t>(value);
    if (name == "append_bytes_max")
      options_.append_bytes_max = size;
    else if (name == "inflight_bytes_max")
      options_.inflight_bytes_max = size;
    else if (name == "inflight_count_max")
      options_.inflight_count_max = size;
    else if (name == "memory_bytes_max")
      options_.memory_bytes_max = size;
    else if (name == "chunk_bytes_max")
      options_.chunk_bytes_max = size;
    else if (name == "snapshot_entries")
      options_.snapshot_entries = size;
    else if (name == "kept_entries")
      options_.kept_entries = size;
    else if (name == "catch_up_ms")
      options_.catch_up_ms = value;
    else
      throw std::invalid_argument("no option " + name);
  }

  static raft_member member(const std::string& name) {
    return member_of(std::stoi(name), name.back() == 'b' ? 2 : 1);
  }
  static std::string name_of(const raft_member& m) {
    return std::to_string(m.node.value) + (m.directory.high == 2 ? "b" : "");
  }

  void add(const std::string& name, const raft_configuration& first) {
    auto shell = std::make_unique<raft_shell>(options_, member(name), first);
    shell->trace = [this](const std::string& line) {
      print(line);
    };
    shells_[name] = std::move(shell);
  }

  void make(const std::string& command, const words& rest) {
    raft_configuration first;
    if (command == "nodes") {
      for (int i = 1; i <= std::stoi(rest.at(0)); ++i)
        first.voters.push_back(member_of(i));
      for (const auto& m : first.voters)
        add(name_of(m), first);
    } else if (command == "spares") {
      for (const auto& name : rest)
        add(name, {});
    }
    const bool waits = !rest.empty() && rest.back() == "stopped";
    for (auto& [name, shell] : shells_)
      if (!shell->is_up() && !crashed_.contains(name) && !waits)
        start(name);
  }

  void start(const std::string& name) {
    shells_.at(name)->start(
      static_cast<uint64_t>(member(name).node.value), clocks_[name]);
    after(name);
  }

  void prepare(const std::string& command, const words& rest) {
    auto name = rest.at(0);
    if (command == "voted") {
      shells_.at(name)->disk.vote.term = std::stoull(rest.at(1));
      return;
    }
    name.pop_back(); // the colon
    auto& entries = shells_.at(name)->disk.entries;
    for (size_t i = 1; i < rest.size(); ++i)
      entries.push_back({std::stoull(rest[i]), i, raft_entry_kind::command,
        shared_bytes::copy_of(std::string_view{"old"})});
  }

  /// After an input: the disk, if it is not held, and the network.
  void after(const std::string& name) {
    auto& shell = *shells_.at(name);
    shell.drain();
    if (!held_.contains(name))
      shell.write_all();
    for (auto& message : shell.outbox)
      network_.push_back(std::move(message));
    shell.outbox.clear();
  }

  static bool is_on(const raft_message& m, const std::string& link) {
    return name_of(m.from) + "->" + name_of(m.to) == link;
  }

  void move(const std::string& command, const words& rest) {
    const auto which = rest.empty() ? "" : rest[0];
    for (int rounds = 0; !network_.empty() && rounds < 200; ++rounds) {
      auto batch = std::exchange(network_, {});
      for (auto& m : batch) {
        if (!which.empty() && which != "once" && !is_on(m, which))
          network_.push_back(m);
        else if (command == "drop")
          print("lost: " + to_string(m));
        else
          step(m);
      }
      if (!which.empty() || command == "drop")
        return;
    }
  }

  void step(const raft_message& m) {
    const auto from = name_of(m.from);
    // A wiped member's address is that of its node.
    auto to = name_of(m.to);
    if (shells_.contains(to + "b"))
      to += "b";
    if (cut_.contains(from) || cut_.contains(to)
        || cut_.contains(from + "->" + to) || !shells_.at(to)->is_up()) {
      print("lost: " + to_string(m));
      return;
    }
    print(to_string(m));
    shells_.at(to)->core().step(m);
    after(to);
  }

  void link(const std::string& command, const words& rest) {
    if (command == "heal")
      cut_.clear();
    else
      cut_.insert(rest.begin(), rest.end());
  }

  void tick(const std::string& name, int64_t ms) {
    auto& clock = clocks_[name];
    for (const auto end = clock + ms; clock < end;) {
      clock = std::min(clock + 10, end);
      if (!shells_.at(name)->is_up())
        continue;
      shells_.at(name)->core().tick(clock);
      after(name);
    }
  }

  void act(const std::string& command, const words& rest) {
    const auto& name = rest.at(0);
    auto& shell = *shells_.at(name);
    if (command == "tick")
      return tick(name, std::stoll(rest.at(1)));
    if (command == "crash") {
      shell.crash();
      crashed_.insert(name);
      return;
    }
    if (command == "restart") {
      crashed_.erase(name);
      return start(name);
    }
    if (command == "wipe") {
      shell.crash();
      crashed_.insert(name);
      add(name + "b", {});
      return start(name + "b");
    }
    if (command == "hold") {
      held_.insert(name);
      return;
    }
    ask(command, rest, shell);
    after(name);
  }

  void ask(const std::string& command, const words& rest, raft_shell& shell) {
    auto& core = shell.core();
    if (command == "campaign") {
      core.campaign();
    } else if (command == "pause") {
      clocks_[rest[0]] += std::stoll(rest.at(1));
      core.tick(clocks_[rest[0]]);
    } else if (command == "propose") {
      std::vector<shared_bytes> payloads;
      for (size_t i = 1; i < rest.size(); ++i)
        payloads.push_back(shared_bytes::copy_of(std::string_view{rest[i]}));
      refused(core.propose(payloads).refused);
    } else if (command == "read") {
      refused(core.read(std::stoull(rest.at(1))));
    } else if (command == "snapshot") {
      shell.take_snapshot();
    } else if (command == "transfer") {
      refused(core.transfer(member(rest.at(1))));
    } else if (command == "change") {
      change(core, rest);
    } else if (command == "write") {
      held_.erase(rest[0]);
    } else {
      throw std::invalid_argument("no command " + command);
    }
  }

  void change(raft_core& core, const words& rest) {
    std::vector<raft_member> voters;
    std::vector<raft_member> learners;
    auto* to = &voters;
    for (size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == "voters")
        to = &voters;
      else if (rest[i] == "learners")
        to = &learners;
      else
        to->push_back(member(rest[i]));
    }
    refused(core.change_members(voters, learners));
  }

  void refused(raft_refusal why) {
    if (why != raft_refusal::none)
      print(std::string{"refused: "} + to_string(why));
  }

  void show(const std::string& command, const words& rest) {
    const auto was_loud = std::exchange(loud_, true);
    for (const auto& [name, shell] : shells_)
      if (rest.empty() || rest[0] == name)
        print(command == "log" ? log_of(*shell) : status_of(name, *shell));
    loud_ = was_loud;
  }

  static std::string log_of(const raft_shell& shell) {
    std::string all = name_of(shell.self()) + " has";
    if (shell.disk.log_start.index > 0)
      all += " a snapshot to " + std::to_string(shell.disk.log_start.index)
             + " and";
    for (const auto& e : shell.disk.entries)
      all += " " + std::to_string(e.index) + "/t" + std::to_string(e.term);
    return all;
  }

  static std::string status_of(
    const std::string& name, const raft_shell& shell) {
    if (!shell.is_up())
      return name + " is down";
    const auto& core = shell.core();
    return name + " " + to_string(core.role()) + " t"
           + std::to_string(core.term()) + " last "
           + std::to_string(core.log().last_index()) + " committed "
           + std::to_string(core.committed()) + " "
           + to_string(core.configuration());
  }

  raft_options options_;
  std::map<std::string, std::unique_ptr<raft_shell>> shells_;
  std::map<std::string, int64_t> clocks_;
  std::vector<raft_message> network_;
  std::set<std::string> cut_;
  std::set<std::string> held_;
  std::set<std::string> crashed_;
  std::string printed_;
  bool loud_ = true;
};

} // namespace millrace::test
