#include "storage/vote_file.hpp"

#include "storage/crc32c.hpp"

#include <cstring>

namespace millrace {

namespace {

constexpr size_t slot_bytes = 512;
constexpr std::string_view magic = "mrvote01"; // the digits: its version
constexpr size_t version_at = 6;
constexpr size_t checksum_at = 48;

struct slot {
  uint64_t sequence = 0;
  vote value;
};

using slot_image = std::array<std::byte, slot_bytes>;

slot_image encode(const slot& s) {
  slot_image out{};
  std::memcpy(out.data(), magic.data(), magic.size());
  std::memcpy(out.data() + 8, &s.sequence, 8);
  std::memcpy(out.data() + 16, &s.value.term, 8);
  std::memcpy(out.data() + 24, &s.value.directory.high, 8);
  std::memcpy(out.data() + 32, &s.value.directory.low, 8);
  std::memcpy(out.data() + 40, &s.value.voted_for.value, 4);
  const auto sum = crc32c(std::span{out}.first(checksum_at));
  std::memcpy(out.data() + checksum_at, &sum, 4);
  return out;
}

std::optional<slot> decode(std::span<const std::byte> from) {
  const auto expected = crc32c(from.first(checksum_at));
  uint32_t sum = 0;
  std::memcpy(&sum, from.data() + checksum_at, 4);
  if (std::memcmp(from.data(), magic.data(), magic.size()) != 0
      || sum != expected)
    return std::nullopt;
  slot s;
  std::memcpy(&s.sequence, from.data() + 8, 8);
  std::memcpy(&s.value.term, from.data() + 16, 8);
  std::memcpy(&s.value.directory.high, from.data() + 24, 8);
  std::memcpy(&s.value.directory.low, from.data() + 32, 8);
  std::memcpy(&s.value.voted_for.value, from.data() + 40, 4);
  return s;
}

std::string fresh_content() {
  const auto first = encode({1, {}});
  std::string content(2 * slot_bytes, '\0');
  std::memcpy(content.data() + slot_bytes, first.data(), first.size());
  return content;
}

} // namespace

result<vote_file> vote_file::open(file_system& files, const std::string& path) {
  if (!files.exists(path))
    MILLRACE_TRY(replace_file(files, path, fresh_content()));
  vote_file opened;
  opened.path_ = path;
  auto handle = files.open(path, open_mode::read_write);
  if (!handle)
    return handle.error();
  opened.file_ = std::move(*handle);
  // What is read, bytes and name, may be in the page cache only (R5), also
  // after a sync that failed (R6).
  MILLRACE_TRY(opened.file_->drop_cache(0));
  MILLRACE_TRY(files.sync_directory(parent_directory(path)));
  std::array<std::byte, 2 * slot_bytes> content{};
  auto got = opened.file_->read_at(0, content);
  if (!got)
    return got.error();
  if (*got != content.size())
    return error{errc::corrupt, "vote file " + path + ": "
                                  + std::to_string(*got)
                                  + " bytes instead of 1024"};
  for (size_t i = 0; i < 2; ++i) {
    const auto found
      = decode(std::span{content}.subspan(i * slot_bytes).first(slot_bytes));
    if (found && found->sequence > opened.sequence_) {
      opened.sequence_ = found->sequence;
      opened.current_ = found->value;
    }
  }
  const std::string_view start{
    reinterpret_cast<const char*>(content.data()), magic.size()};
  if (start.substr(0, version_at) == magic.substr(0, version_at)
      && start > magic)
    return error{errc::unsupported,
      "vote file " + path + ": version " + std::string{start.substr(version_at)}
        + " is unknown to this version of Millrace, which knows 01; start "
          "the version that wrote it"};
  if (opened.sequence_ == 0)
    return error{errc::corrupt,
      "vote file " + path
        + ": no slot is whole, so this node cannot know whom it voted for; "
          "remove the node from its group and let it join anew"};
  return opened;
}

result<void> vote_file::store(const vote& next) {
  MILLRACE_ASSERT(next.term > current_.term
                    || (next.term == current_.term
                        && (current_.voted_for.value < 0 || next == current_)),
    "terms rise, and a member votes once in each");
  if (offline_)
    return error{errc::offline, "vote file " + path_ + ": failed before"};
  const slot s{sequence_ + 1, next};
  const auto image = encode(s);
  auto stored = file_->write_at(s.sequence % 2 * slot_bytes, image);
  if (stored)
    stored = file_->sync();
  if (!stored) {
    offline_ = true;
    return stored;
  }
  sequence_ = s.sequence;
  current_ = next;
  return {};
}

} // namespace millrace
