#pragma once

// The image store's twin: an ordered map with committed generations. What is
// on "disk" is an object of its own that outlives the store, so that a crash
// returns to the last commit.

#include "storage/image_store.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace millrace {

/// What is durable, and the faults to come. Copy it to crash one run in many
/// ways.
class sim_image_disk {
public:
  using image = std::map<std::string, std::string, std::less<>>;

  /// The power goes and comes back: what is committed stays, stores opened
  /// before answer errc::offline. Ends stop_at_commit().
  void crash();
  /// The next commit fails with `code` and leaves the last one.
  void fail_next_commit(errc code = errc::io_error);
  /// The power goes during commit number `commit` (from 1). Whether it was
  /// durable by then is for the caller to say; it is answered with
  /// errc::offline, as is everything after it until crash().
  void stop_at_commit(uint64_t commit, bool durable);
  /// Commits of more than `bytes` of keys and values in all fail with
  /// errc::out_of_space.
  void limit_space(uint64_t bytes);

  /// Commits begun so far.
  [[nodiscard]] uint64_t commit_count() const {
    return commits_;
  }
  [[nodiscard]] uint64_t faults_injected() const {
    return faults_;
  }
  [[nodiscard]] const image& committed() const {
    return committed_;
  }
  /// Depends on the order, kind and bytes of every write and commit so far.
  [[nodiscard]] uint64_t trace_hash() const {
    return hash_;
  }

private:
  friend class sim_image_store;

  using changes
    = std::map<std::string, std::optional<std::string>, std::less<>>;

  static void apply(const changes& made, image& to);
  [[nodiscard]] uint64_t bytes_with(const changes& made) const;
  result<void> commit(const changes& made);
  void mix(char kind, std::string_view a, std::string_view b);

  image committed_;
  uint64_t life_ = 1;
  uint64_t commits_ = 0;
  uint64_t faults_ = 0;
  errc failure_ = errc::none;
  uint64_t stop_commit_ = UINT64_MAX;
  bool stop_durable_ = false;
  bool off_ = false;
  uint64_t space_max_ = UINT64_MAX;
  uint64_t hash_ = 0xcbf29ce484222325ull;
};

/// A store on such a disk.
class sim_image_store : public image_store {
public:
  explicit sim_image_store(std::shared_ptr<sim_image_disk> disk);

  result<void> begin() override;
  result<void> put(std::string_view key, std::string_view value) override;
  result<void> erase(std::string_view key) override;
  result<void> erase_prefix(std::string_view prefix) override;
  result<void> commit() override;
  void abort() override;
  result<void> scan(std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>&
      visit) override;

private:
  [[nodiscard]] result<void> alive() const;

  std::shared_ptr<sim_image_disk> disk_;
  uint64_t life_;
  bool open_ = false;
  // Changes of the open transaction; nothing stands for an erased key.
  sim_image_disk::changes changes_;
};

} // namespace millrace
