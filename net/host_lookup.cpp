#include "net/host_lookup.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <csignal>
#include <memory>

namespace millrace {

namespace {

/// One lookup under way. Owned by the resolver until its notification.
struct lookup {
  std::string host;
  std::string port;
  addrinfo hints{};
  gaicb asked{};
  host_found found;
};

bool is_numeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1
         || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

void finish(sigval value) {
  const std::unique_ptr<lookup> done{static_cast<lookup*>(value.sival_ptr)};
  const int code = ::gai_error(&done->asked);
  if (code != 0) {
    done->found(error{errc::invalid_argument,
      "host \"" + done->host + "\": " + gai_strerror(code)});
    return;
  }
  auto all = addresses_of(done->asked.ar_result);
  ::freeaddrinfo(done->asked.ar_result);
  done->found(std::move(all));
}

} // namespace

void look_up(const endpoint& at, host_found found) {
  if (at.host.empty() || at.host == "localhost" || is_numeric(at.host)) {
    found(resolve(at, resolve_for::connecting));
    return;
  }
  auto one = std::make_unique<lookup>();
  one->host = at.host;
  one->port = std::to_string(at.port);
  one->hints.ai_socktype = SOCK_STREAM;
  one->asked.ar_name = one->host.c_str();
  one->asked.ar_service = one->port.c_str();
  one->asked.ar_request = &one->hints;
  one->found = std::move(found);
  sigevent told{};
  told.sigev_notify = SIGEV_THREAD;
  told.sigev_notify_function = finish;
  told.sigev_value.sival_ptr = one.get();
  std::array<gaicb*, 1> list{&one->asked};
  const int code = ::getaddrinfo_a(GAI_NOWAIT, list.data(), 1, &told);
  if (code == 0) {
    (void)one.release(); // finish() has it now
    return;
  }
  one->found(error{
    errc::invalid_argument, "host \"" + at.host + "\": " + gai_strerror(code)});
}

} // namespace millrace
