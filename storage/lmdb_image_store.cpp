#include "storage/lmdb_image_store.hpp"

#include "storage/posix_file_system.hpp"

#include <cerrno>

namespace millrace {

namespace {

constexpr size_t key_bytes_max = 500;
constexpr size_t map_bytes_min = size_t{64} << 20;

MDB_val value_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string_view text_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

bool starts_with(const MDB_val& key, std::string_view prefix) {
  return text_of(key).substr(0, prefix.size()) == prefix;
}

// Closed on every way out of a function.
struct open_cursor {
  MDB_cursor* cursor = nullptr;
  ~open_cursor() {
    if (cursor != nullptr)
      mdb_cursor_close(cursor);
  }
};

struct read_transaction {
  MDB_txn* txn = nullptr;
  ~read_transaction() {
    if (txn != nullptr)
      mdb_txn_abort(txn);
  }
};

} // namespace

error lmdb_image_store::failed(int code, const char* what) const {
  errc kind = errc::io_error;
  if (code == MDB_MAP_FULL)
    kind = errc::out_of_space;
  else if (code == MDB_CORRUPTED || code == MDB_INVALID
           || code == MDB_PAGE_NOTFOUND)
    kind = errc::corrupt;
  else if (code == MDB_VERSION_MISMATCH)
    kind = errc::unsupported;
  else if (code == MDB_BAD_VALSIZE)
    kind = errc::invalid_argument;
  else if (code > 0)
    kind = errc_of_errno(code);
  return {
    kind, "image store " + path_ + ": " + what + ": " + mdb_strerror(code)};
}

result<std::unique_ptr<lmdb_image_store>> lmdb_image_store::open(
  const std::string& path, lmdb_options options) {
  posix_file_system files;
  if (!files.exists(path)) {
    const auto aside = path + ".new";
    if (files.exists(aside))
      MILLRACE_TRY(remove_tree(files, aside));
    MILLRACE_TRY(files.make_directory(aside));
    {
      lmdb_image_store fresh{aside};
      MILLRACE_TRY(fresh.open_environment(options));
      MILLRACE_TRY(fresh.write_format());
    }
    MILLRACE_TRY(files.sync_directory(aside));
    MILLRACE_TRY(files.rename(aside, path));
    MILLRACE_TRY(files.sync_directory(parent_directory(path)));
  }
  std::unique_ptr<lmdb_image_store> store{new lmdb_image_store{path}};
  if (!files.exists(path + "/data.mdb"))
    return error{
      errc::corrupt, "image store " + path + ": data.mdb is missing"};
  MILLRACE_TRY(store->open_environment(options));
  MILLRACE_TRY(store->check_format());
  return store;
}

lmdb_image_store::~lmdb_image_store() {
  abort();
  if (env_ != nullptr)
    mdb_env_close(env_);
}

result<void> lmdb_image_store::open_environment(lmdb_options options) {
  for (map_bytes_ = options.map_bytes;; map_bytes_ /= 2) {
    int code = mdb_env_create(&env_);
    if (code != 0)
      return failed(code, "create environment");
    mdb_env_set_maxreaders(env_, options.readers_max);
    code = mdb_env_set_mapsize(env_, map_bytes_);
    if (code == 0)
      code = mdb_env_open(env_, path_.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0644);
    if (code == 0)
      break;
    mdb_env_close(env_);
    env_ = nullptr;
    if (code != ENOMEM || map_bytes_ / 2 < map_bytes_min)
      return failed(code, "open");
  }
  // A reader slot of a process that was killed would keep pages for ever.
  int dead = 0;
  int code = mdb_reader_check(env_, &dead);
  if (code != 0)
    return failed(code, "check readers");
  MDB_txn* txn = nullptr;
  code = mdb_txn_begin(env_, nullptr, 0, &txn);
  if (code != 0)
    return failed(code, "begin");
  code = mdb_dbi_open(txn, nullptr, 0, &db_);
  if (code != 0) {
    mdb_txn_abort(txn);
    return failed(code, "open the database");
  }
  code = mdb_txn_commit(txn);
  if (code != 0)
    return failed(code, "commit");
  return {};
}

result<void> lmdb_image_store::write_format() {
  MILLRACE_TRY(begin());
  MDB_val key = value_of(format_key);
  MDB_val value = value_of(format_version);
  const int code = mdb_put(writing_, db_, &key, &value, 0);
  if (code != 0)
    return failed(code, "write the format");
  return commit();
}

result<void> lmdb_image_store::check_format() {
  read_transaction reading;
  int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reading.txn);
  if (code != 0)
    return failed(code, "begin");
  MDB_val key = value_of(format_key);
  MDB_val value{};
  code = mdb_get(reading.txn, db_, &key, &value);
  if (code == MDB_NOTFOUND)
    return error{
      errc::corrupt, "image store " + path_ + ": its format is not recorded"};
  if (code != 0)
    return failed(code, "read the format");
  if (text_of(value) != format_version)
    return error{errc::unsupported,
      "image store " + path_ + ": format " + std::string{text_of(value)}
        + " is unknown to this version, which knows "
        + std::string{format_version} + "; start the version that wrote it"};
  return {};
}

result<void> lmdb_image_store::begin() {
  MILLRACE_ASSERT(writing_ == nullptr, "no write transaction is open");
  const int code = mdb_txn_begin(env_, nullptr, 0, &writing_);
  if (code != 0) {
    writing_ = nullptr;
    return failed(code, "begin");
  }
  return {};
}

result<void> lmdb_image_store::put(
  std::string_view key, std::string_view value) {
  MILLRACE_ASSERT(writing_ != nullptr, "a write transaction is open");
  if (key.empty() || key.size() > key_bytes_max || key == format_key)
    return error{errc::invalid_argument,
      "image store " + path_ + ": a key of " + std::to_string(key.size())
        + " bytes; 1 to 500 are allowed, and not __format"};
  MDB_val k = value_of(key);
  MDB_val v = value_of(value);
  const int code = mdb_put(writing_, db_, &k, &v, 0);
  if (code != 0)
    return failed(code, "put");
  return {};
}

result<void> lmdb_image_store::erase(std::string_view key) {
  MILLRACE_ASSERT(writing_ != nullptr, "a write transaction is open");
  if (key.empty() || key.size() > key_bytes_max || key == format_key)
    return {};
  MDB_val k = value_of(key);
  const int code = mdb_del(writing_, db_, &k, nullptr);
  if (code != 0 && code != MDB_NOTFOUND)
    return failed(code, "erase");
  return {};
}

result<void> lmdb_image_store::erase_prefix(std::string_view prefix) {
  MILLRACE_ASSERT(writing_ != nullptr, "a write transaction is open");
  if (prefix.size() > key_bytes_max)
    return {};
  open_cursor at;
  int code = mdb_cursor_open(writing_, db_, &at.cursor);
  if (code != 0)
    return failed(code, "open a cursor");
  MDB_val key = value_of(prefix);
  MDB_val value{};
  code = mdb_cursor_get(
    at.cursor, &key, &value, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0 && starts_with(key, prefix)) {
    if (text_of(key) != format_key) {
      code = mdb_cursor_del(at.cursor, 0);
      if (code != 0)
        break;
    }
    code = mdb_cursor_get(at.cursor, &key, &value, MDB_NEXT);
  }
  if (code != 0 && code != MDB_NOTFOUND)
    return failed(code, "erase a prefix");
  return {};
}

result<void> lmdb_image_store::commit() {
  MILLRACE_ASSERT(writing_ != nullptr, "a write transaction is open");
  // Frees the transaction whether it succeeds or not.
  const int code = mdb_txn_commit(writing_);
  writing_ = nullptr;
  if (code != 0)
    return failed(code, "commit");
  return {};
}

void lmdb_image_store::abort() {
  if (writing_ != nullptr)
    mdb_txn_abort(writing_);
  writing_ = nullptr;
}

result<void> lmdb_image_store::scan(std::string_view prefix,
  const std::function<bool(std::string_view, std::string_view)>& visit) {
  if (prefix.size() > key_bytes_max)
    return {};
  read_transaction reading;
  int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reading.txn);
  if (code != 0)
    return failed(code, "begin");
  open_cursor at;
  code = mdb_cursor_open(reading.txn, db_, &at.cursor);
  if (code != 0)
    return failed(code, "open a cursor");
  MDB_val key = value_of(prefix);
  MDB_val value{};
  code = mdb_cursor_get(
    at.cursor, &key, &value, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0 && starts_with(key, prefix)) {
    if (text_of(key) != format_key && !visit(text_of(key), text_of(value)))
      return {};
    code = mdb_cursor_get(at.cursor, &key, &value, MDB_NEXT);
  }
  if (code != 0 && code != MDB_NOTFOUND)
    return failed(code, "scan");
  return {};
}

} // namespace millrace
