#pragma once

// The real image store: one LMDB environment, opened durable.

#include "storage/image_store.hpp"

#include <lmdb.h>

namespace millrace {

struct lmdb_options {
  /// Address space for the map: a sparse reservation, never grown (R22: the
  /// map size may only change with no open transaction). Halved, down to 64
  /// MiB, while the system refuses it.
  size_t map_bytes = size_t{64} << 30;
  unsigned readers_max = 16;
};

/// Holds `path`/data.mdb and lock.mdb. The key `__format` is the store's own
/// and is refused to others.
class lmdb_image_store : public image_store {
public:
  static constexpr std::string_view format_key = "__format";
  static constexpr std::string_view format_version = "1";

  /// Opens the store, or makes it: built aside and renamed, so that a crash
  /// leaves a whole store or none. errc::unsupported names an unknown format,
  /// errc::corrupt a file that is no store: an image may then be discarded
  /// and replayed from its log (R21).
  static result<std::unique_ptr<lmdb_image_store>> open(
    const std::string& path, lmdb_options options = {});

  ~lmdb_image_store() override;
  lmdb_image_store(const lmdb_image_store&) = delete;
  lmdb_image_store& operator=(const lmdb_image_store&) = delete;

  result<void> begin() override;
  result<void> put(std::string_view key, std::string_view value) override;
  result<void> erase(std::string_view key) override;
  result<void> erase_prefix(std::string_view prefix) override;
  result<void> commit() override;
  void abort() override;
  result<void> scan(std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>&
      visit) override;

  [[nodiscard]] size_t map_bytes() const {
    return map_bytes_;
  }

private:
  explicit lmdb_image_store(std::string path) : path_(std::move(path)) {}

  result<void> open_environment(lmdb_options options);
  result<void> write_format();
  result<void> check_format();
  [[nodiscard]] error failed(int code, const char* what) const;

  std::string path_;
  size_t map_bytes_ = 0;
  MDB_env* env_ = nullptr;
  MDB_dbi db_ = 0;
  MDB_txn* writing_ = nullptr;
};

} // namespace millrace
