#pragma once

// An open file of the simulated file system.

#include "simulation/sim_file_state.hpp"
#include "storage/file.hpp"

namespace millrace {

/// Dead (errc::offline) after a crash of its file system.
class sim_file_handle : public file {
public:
  sim_file_handle(std::shared_ptr<sim_file_state> state,
    sim_inode::pointer node, std::string path, bool writable);
  ~sim_file_handle() override;
  sim_file_handle(const sim_file_handle&) = delete;
  sim_file_handle& operator=(const sim_file_handle&) = delete;

  using file::write_at;
  result<void> write_at(uint64_t position,
    std::span<const std::span<const std::byte>> parts) override;
  result<void> sync() override;
  result<void> drop_cache(uint64_t from) override;
  [[nodiscard]] uint64_t device() const override;
  result<void> truncate(uint64_t size) override;
  result<void> reserve(uint64_t position, uint64_t size) override;
  [[nodiscard]] result<uint64_t> size() const override;
  [[nodiscard]] bool resident(uint64_t position, uint64_t size) const override;
  [[nodiscard]] int descriptor() const override;
  [[nodiscard]] result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override;

private:
  [[nodiscard]] bool dead() const {
    return life_ != state_->life;
  }
  [[nodiscard]] error no_space() const;
  [[nodiscard]] error read_only(const char* what) const;

  std::shared_ptr<sim_file_state> state_;
  sim_inode::pointer node_;
  std::string path_;
  uint64_t life_;
  bool writable_;
};

} // namespace millrace
