#include "net/output_queue.hpp"

#include "net/system_error.hpp"
#include "net/tls_stream.hpp"
#include "schema/assert.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace {

namespace {

/// Pieces in one system call; the kernel takes up to 1024.
constexpr size_t pieces_max = 128;
/// An outgoing up to this size is joined to the one before it.
constexpr size_t small_bytes = 1024;
constexpr size_t joined_bytes_max = 32 * 1024;
/// An empty queue keeps room for this many.
constexpr size_t kept_items = 4;

} // namespace

void output_queue::push(outgoing out) {
  auto size = out.size();
  if (size == 0)
    return;
  bytes_ += size;
  if (out.inserts.empty() && size <= small_bytes && at_.item < items_.size()) {
    auto& last = items_.back();
    if (last.inserts.empty() && last.bytes.size() + size <= joined_bytes_max) {
      last.bytes += out.bytes;
      return;
    }
  }
  items_.push_back(std::move(out));
}

void output_queue::clear() {
  items_.clear();
  items_.shrink_to_fit();
  at_ = {};
  bytes_ = 0;
}

// Moves `at` over what is finished and says what comes there.
bool output_queue::peek(cursor& at, piece& next) const {
  while (at.item < items_.size()) {
    const auto& item = items_[at.item];
    auto text_end = item.bytes.size();
    if (at.insert < item.inserts.size()) {
      const auto& insert = item.inserts[at.insert];
      MILLRACE_ASSERT(insert.at >= at.text && insert.at <= text_end,
        "the inserts of an outgoing are in order and within its bytes");
      text_end = insert.at;
      if (at.text == text_end) {
        if (at.done < insert.bytes.size()) {
          next = {insert.bytes.span().subspan(at.done)};
          return true;
        }
        if (at.done < insert.size()) {
          next = {{}, &insert.slice, at.done - insert.bytes.size()};
          return true;
        }
        ++at.insert;
        at.done = 0;
        continue;
      }
    }
    if (at.text < text_end) {
      auto text = std::span{item.bytes}.subspan(at.text, text_end - at.text);
      next = {std::as_bytes(text)};
      return true;
    }
    at = {at.item + 1};
  }
  return false;
}

// Moves `at` by `bytes` of the piece that peek() found there.
void output_queue::step(cursor& at, size_t bytes) const {
  const auto& item = items_[at.item];
  auto in_insert
    = at.insert < item.inserts.size() && item.inserts[at.insert].at == at.text;
  (in_insert ? at.done : at.text) += bytes;
}

void output_queue::advance(size_t bytes) {
  bytes_ -= bytes;
  piece next;
  auto first = at_.item;
  while (bytes > 0 && peek(at_, next)) {
    auto taken = std::min(bytes, next.size());
    step(at_, taken);
    bytes -= taken;
  }
  if (bytes_ == 0) {
    items_.clear();
    if (items_.capacity() > kept_items)
      items_.shrink_to_fit();
    at_ = {};
    return;
  }
  (void)peek(at_, next);
  for (auto i = first; i < at_.item; ++i)
    items_[i] = {}; // What it held may be wanted elsewhere.
  if (at_.item * 2 >= items_.size()) {
    items_.erase(
      items_.begin(), items_.begin() + static_cast<ptrdiff_t>(at_.item));
    at_.item = 0;
  }
}

result<output_queue::sent> output_queue::write_bytes(
  int socket, size_t bytes_max) {
  std::array<iovec, pieces_max> pieces; // NOLINT: filled below
  size_t count = 0;
  size_t size = 0;
  auto at = at_;
  piece next;
  auto more = peek(at, next);
  while (more && next.slice == nullptr && count < pieces.size()
         && size < bytes_max) {
    pieces[count++]
      = {const_cast<std::byte*>(next.bytes.data()), next.bytes.size()};
    size += next.bytes.size();
    step(at, next.bytes.size());
    more = peek(at, next);
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  // The head of a fetch shares its first packet with the records.
  auto flags = MSG_NOSIGNAL | MSG_DONTWAIT
               | (more && next.slice != nullptr ? MSG_MORE : 0);
  for (;;) {
    auto written = ::sendmsg(socket, &message, flags);
    if (written >= 0)
      return sent{
        static_cast<size_t>(written), static_cast<size_t>(written) < size};
    if (errno == EAGAIN)
      return sent{0, true};
    if (errno != EINTR)
      return system_error_of(errno, "send");
  }
}

result<output_queue::sent> output_queue::write_slice(int socket,
  const piece& next, size_t bytes_max, std::span<std::byte> scratch) const {
  const auto& slice = *next.slice;
  auto position = slice.position + next.slice_done;
  auto wanted = std::min(next.size(), bytes_max);
  auto ended = error{
    errc::truncated, "a file ended " + std::to_string(next.size())
                       + " bytes before the end of the records to send"};
  if (int file = slice.source->descriptor(); file >= 0) {
    auto from = static_cast<off_t>(position);
    auto written = ::sendfile(socket, file, &from, wanted);
    if (written > 0)
      return sent{static_cast<size_t>(written), false};
    if (written == 0)
      return ended;
    if (errno == EAGAIN || errno == EINTR)
      return sent{0, errno == EAGAIN};
    return system_error_of(errno, "sendfile");
  }
  auto into = scratch.first(std::min(scratch.size(), wanted));
  auto got = slice.source->read_at(position, into);
  if (!got)
    return got.error();
  if (*got < into.size())
    return ended;
  auto written
    = ::send(socket, into.data(), into.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (written >= 0)
    return sent{
      static_cast<size_t>(written), static_cast<size_t>(written) < into.size()};
  if (errno == EAGAIN || errno == EINTR)
    return sent{0, errno == EAGAIN};
  return system_error_of(errno, "send");
}

result<write_progress> output_queue::write(
  int socket, size_t bytes_max, std::span<std::byte> scratch) {
  write_progress progress;
  piece next;
  while (progress.bytes < bytes_max && peek(at_, next)) {
    auto left = bytes_max - progress.bytes;
    auto done = next.slice == nullptr
                  ? write_bytes(socket, left)
                  : write_slice(socket, next, left, scratch);
    if (!done)
      return done.error();
    progress.bytes += done->bytes;
    advance(done->bytes);
    if (done->full) {
      progress.socket_full = true;
      break;
    }
  }
  return progress;
}

result<size_t> output_queue::encrypt(
  tls_stream& tls, size_t bytes_max, std::span<std::byte> scratch) {
  size_t total = 0;
  piece next;
  while (total < bytes_max && peek(at_, next)) {
    auto bytes
      = next.bytes.first(std::min(next.bytes.size(), bytes_max - total));
    if (next.slice != nullptr) {
      const auto into
        = scratch.first(std::min({scratch.size(), next.size(), bytes_max}));
      const auto got = next.slice->source->read_at(
        next.slice->position + next.slice_done, into);
      if (!got)
        return got.error();
      if (*got < into.size())
        return error{errc::truncated, "a file ended before the end of the "
                                      "records to send"};
      bytes = into;
    }
    MILLRACE_TRY(tls.put(bytes));
    total += bytes.size();
    advance(bytes.size());
  }
  return total;
}

} // namespace millrace
