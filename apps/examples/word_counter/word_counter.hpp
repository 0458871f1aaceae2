#pragma once

// Counts the words of the topic `text`, and writes how often each has come to
// the topic `counts`. One instance in the whole cluster: when its node dies,
// another one goes on with the counts as they were, and counts no word twice.

#include "actors/custom_actor.hpp"

namespace word_counter {

inline constexpr const char* counter_name = "word_counter";

class counter : public millrace::custom_actor {
public:
  using custom_actor::custom_actor;

  void on_start() override;
  void on_record(const millrace::topic_record& record) override;
  void on_message(const millrace::actor_message& message) override;

private:
  void count(std::string_view word);
  /// What is kept under `key`, and adds to it.
  uint64_t add_to(const std::string& key, uint64_t more);
  [[nodiscard]] uint64_t number_at(const std::string& key);
};

} // namespace word_counter
