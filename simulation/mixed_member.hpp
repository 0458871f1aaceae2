#pragma once

// A member of a consumer group in a run, in one life of it: what is common to
// both protocols. It owns what the coordinator says while its session lasts,
// and commits for it.

#include "schema/kafka_error.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/owner_book.hpp"

#include <optional>
#include <set>

namespace millrace {

/// What the members of a group have in common.
struct mixed_group {
  cluster_clients& all;
  owner_book book;
  std::string name = "mixed";
  bool is_cooperative = false; ///< classic members keep what they can
  uuid topic = {};             ///< the run's
  bool is_over = false;        ///< members do nothing any more

  [[nodiscard]] const std::string& topic_name() const {
    return all.topic;
  }
};

class mixed_member {
public:
  explicit mixed_member(mixed_group& group);
  virtual ~mixed_member();
  mixed_member(const mixed_member&) = delete;
  mixed_member& operator=(const mixed_member&) = delete;

  void start();
  /// Says that it goes, if it can; what it is still told counts no more.
  void leave();
  /// Does nothing for so long, and knows not that time passes. Then it goes on
  /// with a commit.
  void hang(sim_time span);
  [[nodiscard]] const std::string& last_answer() const {
    return last_answer_;
  }

protected:
  /// When a question went out, and by which leadership of the coordinator's
  /// partition it is answered; -1: by none that is known to count.
  struct question {
    sim_time asked = 0;
    int32_t node = -1;
    int32_t epoch = -1;
  };

  /// What it does next, with a coordinator that is known.
  virtual void act() = 0;
  /// Of a member with a coordinator, which may not know it.
  virtual void say_goodbye() = 0;
  virtual int32_t epoch_or_generation() const = 0;

  /// Calls go_on() within `ms_max`.
  void later(int64_t ms_max);
  void go_on();
  [[nodiscard]] question ask() const;
  /// Whether the answer is of the one coordinator that there is.
  [[nodiscard]] bool counts(const question& q) const;
  /// The coordinator has told it that these are its own.
  void take_over(const std::set<int32_t>& partitions, const question& q);
  /// The coordinator goes on with its session.
  void keep(const question& q);
  void give_up(int32_t partition);
  void give_up_all();
  void lose_coordinator(const std::string& why);
  void note(const char* what, kafka_error error);

  mixed_group& group_;
  std::optional<cluster_client> client_;
  int32_t coordinator_ = -1;
  std::string id_;
  std::set<int32_t> owned_;

private:
  void find_coordinator();
  void commit_now_and_then();
  void commit(int32_t partition);
  void look(const std::set<int32_t>& partitions);
  [[nodiscard]] int32_t current_epoch() const;

  owner_book::member number_;
  bool hangs_ = false;
  bool has_left_ = false;
  std::string last_answer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace millrace
