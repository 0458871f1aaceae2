#pragma once

// Several nodes' consensus and controller actors on one test scheduler, each
// with disks of its own, over a network that the test cuts.

#include "actors/consensus.hpp"
#include "actors/controller.hpp"
#include "actors/log.hpp"
#include "actors/metadata_recovery.hpp"
#include "actors/tell.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <map>
#include <set>

namespace millrace {

/// Brings an envelope to the other node at once, unless one of them is cut off.
class test_network {
public:
  class end final : public node_link {
  public:
    end(test_network& network, node_id self)
        : node_link(self), network_(network) {
      network_.ends_[self] = this;
    }
    ~end() override {
      network_.ends_.erase(self());
    }
    void introduce(node_id, const endpoint&) override {}

  protected:
    void ship(node_id to, envelope message) override {
      network_.carry(self(), to, message);
    }

  private:
    friend class test_network;
    test_network& network_;
  };

  std::set<node_id> cut_off;
  /// What is lost besides.
  std::function<bool(node_id to, const envelope&)> loses;
  uint64_t carried = 0;

  /// Everybody's connections to `node` are refused.
  void refuse(node_id node) {
    for (const auto& [id, end] : ends_)
      if (id != node)
        end->tell_state(node, link_state::refused);
  }
  void connect(node_id node) {
    for (const auto& [id, end] : ends_)
      if (id != node) {
        end->tell_state(node, link_state::up);
        ends_.at(node)->tell_state(id, link_state::up);
      }
  }

private:
  void carry(node_id from, node_id to, const envelope& message) {
    const auto at = ends_.find(to);
    if (at == ends_.end() || cut_off.contains(from) || cut_off.contains(to)
        || (loses && loses(to, message)))
      return;
    ++carried;
    auto copy = decode_envelope(encode(message));
    REQUIRE(copy.ok());
    at->second->deliver(from, std::move(*copy));
  }

  std::map<node_id, end*> ends_;
};

/// Hears what the controller of a node tells those who hold an image.
struct image_holder_state {
  static inline const char* name = "image_holder";
  metadata_image image;
  std::map<uint64_t, admin_answer> answers;
  bool left = false;
};

struct metadata_group : actor_fixture {
  struct member {
    explicit member(int32_t number, uint64_t seed)
        : id{number}, own_disks(seed), own_env(own_disks, seed, [] {
            return int64_t{1000};
          }) {}

    node_id id;
    sim_disks own_disks;
    sim_environment own_env;
    std::unique_ptr<data_directory> directory;
    std::shared_ptr<test_network::end> link;
    image_keeper_actor keeper;
    consensus_disk_actor disk;
    consensus_actor consensus_;
    controller_actor controller_;
    uuid incarnation;
    caf::actor holder;
    image_holder_state* seen = nullptr;
  };

  test_network network;
  std::map<int32_t, std::unique_ptr<member>> members;
  raft_options raft;
  std::string voters = "1@a:1,2@b:1,3@c:1";
  uint64_t next_ticket = 1;
  uint64_t seed = 100;

  ~metadata_group() {
    for (auto& [number, m] : members)
      if (m->link != nullptr)
        stop(number);
  }

  /// Starts a node on what its disk holds.
  void start(int32_t number) {
    auto& slot = members[number];
    if (slot == nullptr)
      slot = std::make_unique<member>(number, ++seed);
    auto& m = *slot;
    auto config = parse_node_config({{"node.id", std::to_string(number)},
      {"millrace.cluster.listener", "h:1"},
      {"millrace.cluster.plaintext", "true"},
      {"broker.heartbeat.interval.ms", "100"},
      {"broker.session.timeout.ms", "1000"},
      {"controller.quorum.voters", voters}});
    REQUIRE(config.ok());
    const auto shared = std::make_shared<const node_config>(*config);
    auto opened = data_directory::open(m.own_disks.files, "/data",
      {.node = m.id,
        .fresh_cluster = {7, 7},
        .fresh_directory = m.own_env.random_uuid(),
        .cluster = std::nullopt});
    REQUIRE(opened.ok());
    m.directory = std::move(*opened);
    auto recovered = recover_metadata(m.own_env, *m.directory, *shared);
    REQUIRE(recovered.ok());
    m.link = std::make_shared<test_network::end>(network, m.id);
    m.keeper = system.spawn(
      image_keeper, std::make_shared<std::unique_ptr<image_store>>(
                      std::move(recovered->store)));
    m.disk = system.spawn(
      consensus_disk, std::make_shared<std::unique_ptr<consensus_files>>(
                        std::move(recovered->files)));
    const auto log_id = m.directory->identity().directory;
    consensus_options options{.group = "metadata",
      .self = {m.id, log_id},
      .raft = raft,
      .restart = std::move(recovered->restart),
      .seed = static_cast<uint64_t>(number),
      .disk = m.disk,
      .link = m.link};
    for (const auto& c : shared->controllers)
      options.controllers.push_back(c.id);
    m.consensus_ = system.spawn(consensus, std::move(options));
    m.controller_ = system.spawn(controller, &m.own_env,
      controller_options{.config = shared,
        .image = std::move(recovered->image),
        .log_id = log_id,
        .incarnation = m.incarnation = m.own_env.random_uuid(),
        .consensus = m.consensus_,
        .keeper = m.keeper,
        .link = m.link});
    m.holder = system.spawn(
      [&m](caf::stateful_actor<image_holder_state>* self) -> caf::behavior {
        m.seen = &self->state;
        tell(self, m.controller_, subscribe_metadata{});
        return {
          [self](const metadata_snapshot& all) {
            self->state.image = *all.image;
          },
          [self](const metadata_update& update) {
            for (const auto& command : *update.commands)
              apply_to(self->state.image, command);
            pass_to(self->state.image, update);
          },
          [self](left_cluster) {
            self->state.left = true;
          },
          [self](const admin_answer& answer) {
            self->state.answers[answer.ticket] = answer;
          },
        };
      });
    run();
    network.connect(m.id);
  }

  /// kill -9.
  void stop(int32_t number) {
    auto& m = *members.at(number);
    const auto end = [](auto& actor) {
      caf::anon_send_exit(actor, caf::exit_reason::kill);
      actor = nullptr;
    };
    end(m.holder);
    end(m.controller_);
    end(m.consensus_);
    end(m.disk);
    end(m.keeper);
    m.seen = nullptr;
    m.link.reset();
    m.directory.reset();
    run();
    m.own_disks.kill();
    network.refuse(m.id);
  }
  /// Its disk is gone, too.
  void wipe(int32_t number) {
    stop(number);
    members.erase(number);
  }

  void pass_ms(int64_t ms) {
    for (int64_t i = 0; i < ms; i += 5)
      pass(std::chrono::milliseconds{5});
  }

  [[nodiscard]] quorum_view quorum(int32_t number) {
    quorum_view view;
    caf::scoped_actor asker{system};
    asker->send(members.at(number)->consensus_, ask_quorum{});
    run();
    asker->receive([&](const quorum_view& v) {
      view = v;
    });
    return view;
  }
  [[nodiscard]] int32_t leader() {
    for (const auto& [number, m] : members)
      if (m->link != nullptr && !network.cut_off.contains(m->id)) {
        const auto view = quorum(number);
        if (view.leader == m->id)
          return number;
      }
    return -1;
  }

  uint64_t ask(int32_t number, admin_question question,
    std::optional<quota_client> client = {}) {
    const auto ticket = next_ticket++;
    auto& m = *members.at(number);
    tell(m.controller_,
      admin_ask{ticket, 7, std::move(question), std::move(client)},
      caf::actor_cast<caf::strong_actor_ptr>(m.holder), nullptr);
    run();
    return ticket;
  }
  void leave(int32_t number) {
    auto& m = *members.at(number);
    tell(m.controller_, leave_cluster{},
      caf::actor_cast<caf::strong_actor_ptr>(m.holder), nullptr);
    run();
  }
  [[nodiscard]] bool has_left(int32_t number) {
    return members.at(number)->seen->left;
  }

  /// What was answered, if it was.
  template <class Reply>
  [[nodiscard]] const Reply* answer(int32_t number, uint64_t ticket) {
    const auto& answers = members.at(number)->seen->answers;
    const auto at = answers.find(ticket);
    return at == answers.end() ? nullptr
                               : std::get_if<Reply>(&at->second.reply);
  }
  /// Its directory, as the one that leads has it.
  [[nodiscard]] uuid directory_of(int32_t number) {
    for (const auto view = quorum(leader()); const auto& m : view.members)
      if (m.id.node == node_id{number})
        return m.id.directory;
    return {};
  }
  [[nodiscard]] std::set<int32_t> who_votes() {
    std::set<int32_t> all;
    for (const auto view = quorum(leader()); const auto& m : view.members)
      if (m.is_voter)
        all.insert(m.id.node.value);
    return all;
  }

  /// The error of a topic's creation, or none if it was not answered yet.
  [[nodiscard]] std::optional<kafka_error> created(
    int32_t number, uint64_t ticket) {
    const auto& answers = members.at(number)->seen->answers;
    const auto at = answers.find(ticket);
    if (at == answers.end())
      return std::nullopt;
    if (const auto* error = std::get_if<kafka_error>(&at->second.reply))
      return *error;
    const auto& response
      = std::get<kafka::create_topics_response>(at->second.reply);
    return static_cast<kafka_error>(response.topics.front().error_code);
  }
  uint64_t ask_for_topic(int32_t number, const std::string& name) {
    kafka::create_topics_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    return ask(number, request);
  }
  uint64_t ask_to_register(int32_t number) {
    const auto& m = *members.at(number);
    register_broker request;
    request.id = m.id;
    request.incarnation = m.incarnation;
    request.directories = {m.directory->identity().directory};
    return ask(number, std::move(request));
  }
  /// As it was told, which is without the members of the group.
  [[nodiscard]] metadata_image image(int32_t number) {
    auto image = members.at(number)->seen->image;
    image.change_members({}, image.applied_index(), image.applied_term());
    return image;
  }
};

} // namespace millrace
