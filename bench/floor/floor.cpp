// millrace_floor: the least that a server can do for millrace_load's requests
// on this machine. One thread waits with epoll, cuts frames, checks and
// writes each batch, answers; fetches are answered with sendfile. It is a
// measured limit, not a product: no error, no limit, no second client.
//
//   millrace_floor PORT DIRECTORY [sync]
//
// With `sync`, produce requests of one round are answered after one fdatasync
// of each log that they wrote to: the limit for acks=all on disk.

#include "bench/floor/floor_log.hpp"
#include "schema/big_endian.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace millrace::bench {
namespace {

template <class T>
T take(char*& at) {
  T x;
  std::memcpy(&x, at, sizeof x);
  at += sizeof x;
  return big_endian(x);
}

std::string take_string(char*& at) {
  const auto size = static_cast<size_t>(take<int16_t>(at));
  return {std::exchange(at, at + size), size};
}

/// An answer with room for its size in front.
class answer {
public:
  explicit answer(int32_t correlation) {
    put(int32_t{0}).put(correlation);
  }
  template <class T>
  answer& put(T x) {
    const T wire = big_endian(x);
    bytes_.append(reinterpret_cast<const char*>(&wire), sizeof wire);
    return *this;
  }
  answer& put(const std::string& text) {
    put(static_cast<int16_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  /// @param more bytes that follow this answer's own
  std::string finish(int64_t more = 0) {
    const auto size = big_endian(static_cast<int32_t>(
      bytes_.size() - sizeof(int32_t) + static_cast<size_t>(more)));
    std::memcpy(bytes_.data(), &size, sizeof size);
    return std::move(bytes_);
  }

private:
  std::string bytes_;
};

/// The client is gone when sending fails, which its next read will tell.
void send_all(int peer, std::string_view bytes, int flags = 0) {
  while (!bytes.empty()) {
    const auto sent
      = ::send(peer, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
      continue;
    if (sent < 0)
      return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void send_file(int peer, const floor_log& log, floor_log::range what) {
  off_t at = what.position;
  while (what.size > 0) {
    const auto sent
      = ::sendfile(peer, log.descriptor(), &at, static_cast<size_t>(what.size));
    if (sent < 0 && errno == EAGAIN)
      continue;
    if (sent <= 0)
      return;
    what.size -= sent;
  }
}

class server {
public:
  server(std::string directory, bool durable)
      : logs_(std::move(directory)), durable_(durable) {}

  /// Answers one request, at once or in end_round().
  void handle(int peer, char* frame) {
    const auto key = take<int16_t>(frame);
    frame += sizeof(int16_t); // the version, which the load chooses
    const auto correlation = take<int32_t>(frame);
    take_string(frame); // client id
    switch (key) {
    case 0:
      return produce(peer, frame, correlation);
    case 1:
      return fetch(peer, frame, correlation);
    case 18:
      return send_all(
        peer, answer{correlation}.put(int16_t{0}).put(int32_t{0}).finish());
    case 19:
      return create(peer, correlation);
    default:
      fall_through("a request that the load does not send");
    }
  }

  void end_round() {
    for (auto* log : dirty_)
      log->sync();
    dirty_.clear();
    for (const auto& [peer, bytes] : parked_)
      send_all(peer, bytes);
    parked_.clear();
  }

private:
  void produce(int peer, char* at, int32_t correlation) {
    at += 2 + 2 + 4 + 4; // transactional id, acks, timeout, one topic
    const auto topic = take_string(at);
    at += sizeof(int32_t); // one partition
    const auto partition = take<int32_t>(at);
    const auto size = static_cast<size_t>(take<int32_t>(at));
    auto& log = logs_.at(topic, partition);
    if (durable_ && !log.dirty())
      dirty_.push_back(&log);
    const auto base = log.append({reinterpret_cast<std::byte*>(at), size});
    auto bytes = answer{correlation}
                   .put(int32_t{1})
                   .put(topic)
                   .put(int32_t{1})
                   .put(partition)
                   .put(int16_t{0})
                   .put(base)
                   .put(int64_t{-1})
                   .put(int64_t{0})
                   .put(int32_t{0})
                   .finish();
    if (durable_)
      parked_.emplace_back(peer, std::move(bytes));
    else
      send_all(peer, bytes);
  }

  void fetch(int peer, char* at, int32_t correlation) {
    at += 4 + 4 + 4 + 4 + 1 + 4; // replica, waits, sizes, isolation, one topic
    const auto topic = take_string(at);
    at += sizeof(int32_t); // one partition
    const auto partition = take<int32_t>(at);
    const auto from = take<int64_t>(at);
    auto& log = logs_.at(topic, partition);
    const auto found = log.find(from, take<int32_t>(at));
    auto bytes = answer{correlation}
                   .put(int32_t{0})
                   .put(int32_t{1})
                   .put(topic)
                   .put(int32_t{1})
                   .put(partition)
                   .put(int16_t{0})
                   .put(log.end())
                   .put(log.end())
                   .put(int32_t{-1})
                   .put(static_cast<int32_t>(found.size))
                   .finish(found.size);
    send_all(peer, bytes, found.size > 0 ? MSG_MORE : 0);
    send_file(peer, log, found);
  }

  static void create(int peer, int32_t correlation) {
    send_all(peer, answer{correlation}
                     .put(int32_t{0})
                     .put(int32_t{1})
                     .put(std::string{})
                     .put(int16_t{0})
                     .put(int16_t{-1})
                     .finish());
  }

  floor_logs logs_;
  bool durable_;
  std::vector<floor_log*> dirty_;
  std::vector<std::pair<int, std::string>> parked_;
};

/// What has arrived of one connection.
class connection {
public:
  /// False when the peer is gone.
  bool read(int peer, server& to) {
    const auto got = ::read(peer, in_.data() + have_, in_.size() - have_);
    if (got <= 0)
      return got < 0 && errno == EAGAIN;
    have_ += static_cast<size_t>(got);
    size_t begin = 0;
    while (have_ - begin >= sizeof(int32_t)) {
      char* at = in_.data() + begin;
      const auto size = static_cast<size_t>(take<int32_t>(at));
      if (have_ - begin < sizeof(int32_t) + size)
        break;
      to.handle(peer, at);
      begin += sizeof(int32_t) + size;
    }
    have_ -= begin;
    std::memmove(in_.data(), in_.data() + begin, have_);
    return true;
  }

private:
  std::vector<char> in_ = std::vector<char>(size_t{4} << 20);
  size_t have_ = 0;
};

int listen_at(uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = big_endian(port);
  address.sin_addr.s_addr = big_endian(uint32_t{INADDR_LOOPBACK});
  if (listener < 0
      || ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
      || ::bind(listener, reinterpret_cast<const sockaddr*>(&address),
           sizeof address)
           != 0
      || ::listen(listener, 4096) != 0)
    fall_through("listen");
  return listener;
}

[[noreturn]] void serve(int listener, server& to) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  auto watch = [poll](int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) != 0)
      fall_through("epoll_ctl");
  };
  watch(listener);
  std::map<int, connection> connections;
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int peer = events[static_cast<size_t>(i)].data.fd;
      if (peer == listener) {
        const int on = 1;
        const int accepted
          = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0
            || ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)
                 != 0)
          fall_through("accept");
        watch(accepted);
        connections.try_emplace(accepted);
      } else if (!connections[peer].read(peer, to)) {
        ::close(peer);
        connections.erase(peer);
      }
    }
    to.end_round();
  }
}

} // namespace
} // namespace millrace::bench

int main(int argc, char** argv) {
  using namespace millrace::bench;
  const bool durable = argc == 4 && std::string_view{argv[3]} == "sync";
  if (argc != 3 && !durable)
    fall_through("usage: millrace_floor PORT DIRECTORY [sync]");
  server to{argv[2], durable};
  serve(listen_at(static_cast<uint16_t>(std::atoi(argv[1]))), to);
}
