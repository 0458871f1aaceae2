#include "net/tls_context.hpp"

#include "net/openssl_owned.hpp"
#include "net/system_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

namespace millrace {

namespace {

/// What one system call brings of a file; certificates are shorter.
constexpr size_t read_bytes = 64 * 1024;
/// Read ahead: one system call for several records of 16 KiB.
constexpr size_t ahead_bytes = 128 * 1024;

error bad(const std::string& what) {
  return {errc::invalid_argument, "TLS: " + what + ": " + tls_reason()};
}

owned<BIO> bytes_of(const std::string& pem) {
  return owned<BIO>{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

owned<X509> certificate_from(BIO* bytes) {
  return owned<X509>{PEM_read_bio_X509(bytes, nullptr, nullptr, nullptr)};
}

result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file{
    std::fopen(path.c_str(), "rbe"), &std::fclose};
  if (file == nullptr)
    return error{
      errno == ENOENT ? errc::not_found : system_error_of(errno, {}).code,
      path + ": " + system_sentence(errno)};
  std::string text(read_bytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return error{errc::io_error, path + ": cannot be read"};
  return text;
}

/// A node finds its own mistakes before its peers do.
result<void> check_chain(SSL_CTX* context, X509* own) {
  const owned<X509_STORE_CTX> check{X509_STORE_CTX_new()};
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  if (check == nullptr
      || X509_STORE_CTX_init(
           check.get(), SSL_CTX_get_cert_store(context), own, chain)
           != 1)
    return bad("checking one's own certificate");
  if (X509_verify_cert(check.get()) == 1)
    return {};
  return error{errc::invalid_argument,
    std::string{"TLS: this node's own certificate is not good: "}
      + X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()))};
}

} // namespace

std::string tls_reason() {
  // The first is the cause, those behind it say what failed because of it.
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

result<tls_identity> load_tls_files(const tls_files& files) {
  tls_identity identity;
  for (const auto& [path, text] : {std::pair{&files.ca, &identity.ca},
         {&files.certificate, &identity.certificate},
         {&files.key, &identity.key}}) {
    auto read = read_file(*path);
    if (!read)
      return read.error();
    *text = std::move(*read);
  }
  return identity;
}

void tls_context::free_context::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

result<std::shared_ptr<const tls_context>> tls_context::create(
  const tls_identity& identity) {
  std::shared_ptr<tls_context> made{new tls_context};
  ERR_clear_error();
  MILLRACE_TRY(made->open(identity));
  return std::shared_ptr<const tls_context>{std::move(made)};
}

result<void> tls_context::open(const tls_identity& identity) {
  context_.reset(SSL_CTX_new(TLS_method()));
  auto* context = context_.get();
  if (context == nullptr
      || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
    return bad("no TLS 1.3 in this build of OpenSSL");
  // Ends without a farewell are ends: frames know their length.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, ahead_bytes);
  SSL_CTX_set_verify(
    context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const auto authority_text = bytes_of(identity.ca);
  const auto authority = certificate_from(authority_text.get());
  if (authority == nullptr
      || X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get())
           != 1
      || SSL_CTX_add_client_CA(context, authority.get()) != 1)
    return bad("the authority's certificate cannot be read");
  const auto own_text = bytes_of(identity.certificate);
  const auto own = certificate_from(own_text.get());
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1)
    return bad("this node's certificate cannot be read");
  while (const auto between = certificate_from(own_text.get()))
    if (SSL_CTX_add1_chain_cert(context, between.get()) != 1)
      return bad("this node's certificate chain cannot be read");
  ERR_clear_error(); // the end of the chain
  const auto key_text = bytes_of(identity.key);
  const owned<EVP_PKEY> key{
    PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
  if (key == nullptr)
    return bad("this node's key cannot be read");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1
      || SSL_CTX_check_private_key(context) != 1)
    return bad("this node's key is not that of its certificate");
  return check_chain(context, own.get());
}

} // namespace millrace
