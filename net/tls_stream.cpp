#include "net/tls_stream.hpp"

#include "net/system_error.hpp"
#include "schema/assert.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace millrace {

namespace {

std::string text_of(const ASN1_STRING* name) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
    static_cast<size_t>(ASN1_STRING_length(name))};
}

std::span<const char> gathered(const ssl_st* stream) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(SSL_get_wbio(stream), &bytes);
  return {bytes, static_cast<size_t>(std::max<long>(size, 0))};
}

} // namespace

void tls_stream::free_stream::operator()(ssl_st* stream) const {
  SSL_free(stream);
}

tls_stream::tls_stream(
  std::shared_ptr<const tls_context> context, int socket, tls_role role)
    : context_(std::move(context)), socket_(socket),
      stream_(SSL_new(context_->get())) {
  auto* from = BIO_new_socket(socket, BIO_NOCLOSE);
  auto* to = BIO_new(BIO_s_mem());
  MILLRACE_ASSERT(stream_ != nullptr && from != nullptr && to != nullptr,
    "there is memory for a connection");
  SSL_set_bio(stream_.get(), from, to); // owns them now
  if (role == tls_role::dialed)
    SSL_set_connect_state(stream_.get());
  else
    SSL_set_accept_state(stream_.get());
}

tls_stream::~tls_stream() = default;

bool tls_stream::is_ready() const {
  return SSL_is_init_finished(stream_.get()) == 1;
}

// Errors of the other side are of its choice: the sentence is ours.
error tls_stream::failure(int code) {
  const int number = errno;
  const bool at_end = code == SSL_ERROR_ZERO_RETURN
                      || (code == SSL_ERROR_SYSCALL && number == 0);
  if (at_end && ERR_peek_error() == 0)
    return {errc::io_error, "closed by the peer while TLS began"};
  if (code == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
    return {errc::io_error, "read: " + system_sentence(number)};
  const auto verified = SSL_get_verify_result(stream_.get());
  auto reason = tls_reason();
  if (verified != X509_V_OK)
    reason += std::string{" ("} + X509_verify_cert_error_string(verified) + ")";
  return {errc::permission, "TLS: " + reason};
}

result<void> tls_stream::shake() {
  if (is_ready())
    return {};
  ERR_clear_error();
  errno = 0;
  const int done = SSL_do_handshake(stream_.get());
  if (done == 1) {
    learn_names();
    return {};
  }
  const int code = SSL_get_error(stream_.get(), done);
  if (code == SSL_ERROR_WANT_READ)
    return {};
  return failure(code);
}

void tls_stream::learn_names() {
  const std::unique_ptr<X509, void (*)(X509*)> shown{
    SSL_get1_peer_certificate(stream_.get()), &X509_free};
  MILLRACE_ASSERT(
    shown != nullptr, "nobody gets through without a certificate");
  auto* subject = X509_get_subject_name(shown.get());
  for (int at = -1;
    (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    peer_names_.push_back(
      text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> names{
    static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(shown.get(), NID_subject_alt_name, nullptr, nullptr)),
    &GENERAL_NAMES_free};
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i)
    if (const auto* one = sk_GENERAL_NAME_value(names.get(), i);
      one->type == GEN_DNS)
      peer_names_.push_back(text_of(one->d.dNSName));
}

result<tls_stream::got> tls_stream::read(std::span<std::byte> into) {
  if (!is_ready()) {
    MILLRACE_TRY(shake());
    if (!is_ready())
      return got{.again = true};
  }
  if (into.empty())
    return got{}; // it was about the handshake
  ERR_clear_error();
  errno = 0;
  size_t bytes = 0;
  const int done = SSL_read_ex(stream_.get(), into.data(), into.size(), &bytes);
  if (done == 1)
    return got{.bytes = bytes};
  const int code = SSL_get_error(stream_.get(), done);
  if (code == SSL_ERROR_WANT_READ)
    return got{.again = true};
  if (code == SSL_ERROR_ZERO_RETURN)
    return got{.ended = true};
  return failure(code);
}

result<void> tls_stream::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    size_t taken = 0;
    const int done
      = SSL_write_ex(stream_.get(), bytes.data(), bytes.size(), &taken);
    if (done != 1)
      return failure(SSL_get_error(stream_.get(), done));
    bytes = bytes.subspan(taken);
  }
  return {};
}

void tls_stream::put_end() {
  ERR_clear_error();
  // The other side may have gone: then there is nobody to tell.
  if (is_ready() && SSL_shutdown(stream_.get()) < 0)
    ERR_clear_error();
}

size_t tls_stream::waiting() const {
  return gathered(stream_.get()).size() - flushed_;
}

result<bool> tls_stream::flush() {
  const auto all = gathered(stream_.get());
  while (flushed_ < all.size()) {
    const auto sent = ::send(socket_, all.data() + flushed_,
      all.size() - flushed_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      flushed_ += static_cast<size_t>(sent);
      continue;
    }
    if (errno == EAGAIN)
      return false;
    if (errno != EINTR)
      return system_error_of(errno, "send");
  }
  if (flushed_ > 0)
    (void)BIO_reset(SSL_get_wbio(stream_.get()));
  flushed_ = 0;
  return true;
}

} // namespace millrace
