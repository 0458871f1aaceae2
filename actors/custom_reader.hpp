#pragma once

// Reads topics for one custom actor: finds their partitions, follows their
// leaders, and asks for more only when the actor has room for it.

#include "actors/custom_actor.hpp"
#include "actors/custom_client.hpp"
#include "schema/kafka/fetch.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka/metadata.hpp"

#include <map>
#include <vector>

namespace millrace {

/// What came of one partition. `records` may be empty.
struct read_step {
  std::string topic;
  int32_t partition = 0;
  std::vector<topic_record> records;
  int64_t next_offset = 0; ///< where reading goes on
};

struct custom_reader_options {
  /// Reads the partitions p with p % instances == instance.
  int32_t instance = 0;
  int32_t instances = 1;
  /// Where the actor's state says that reading goes on.
  std::function<std::optional<int64_t>(const std::string&, int32_t)> position;
  std::function<bool()> has_room;
  std::function<void(const read_step&)> deliver;
  std::function<void(const std::string&)> complain;
};

class custom_reader {
public:
  custom_reader(custom_client& client, custom_reader_options options)
      : client_(client), options_(std::move(options)) {}

  /// A topic that is read already stays as it is.
  void add(const std::string& topic, read_from where);

private:
  struct source {
    std::string topic;
    int32_t partition = 0;
    int64_t next = -1; ///< not known yet
  };
  struct reading {
    read_from where = read_from::earliest;
    std::map<int32_t, source> sources;
  };

  void look_for_partitions(const std::string& topic);
  void take(const std::string& topic, const kafka::metadata_response* response);
  void begin(source& from, read_from where);
  void find_offset(
    source& of, int64_t timestamp, std::function<void(int64_t)> done);
  void fetch(source& from);
  void take(source& from, const kafka::fetch_response* response);
  void again(source& from, int64_t ms);
  void step(source& from, std::vector<topic_record> records, int64_t next);
  void find_again(source& from);

  custom_client& client_;
  custom_reader_options options_;
  std::map<std::string, reading> topics_; // nodes stay where they are
};

} // namespace millrace
