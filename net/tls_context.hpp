#pragma once

// Who this node is in TLS, and whom it trusts. Both sides show a certificate,
// and each must be signed by the same authority: a stranger gets no further
// than the handshake.

#include "schema/result.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace millrace {

/// PEM texts: the authority's certificate, one's own with what leads from it
/// to the authority, and its key.
struct tls_identity {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// Where those are kept.
struct tls_files {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// Errors: not_found, permission, io_error, each naming the file.
[[nodiscard]] result<tls_identity> load_tls_files(const tls_files& files);

/// TLS 1.3, for both roles; the other side must show a certificate of the
/// same authority. May be shared by loops and threads.
class tls_context {
public:
  /// Errors: invalid_argument: a text is no PEM, the key is another
  /// certificate's, the certificate is not of the authority or has expired.
  [[nodiscard]] static result<std::shared_ptr<const tls_context>> create(
    const tls_identity& identity);

  [[nodiscard]] ssl_ctx_st* get() const {
    return context_.get();
  }

private:
  struct free_context {
    void operator()(ssl_ctx_st* context) const;
  };

  tls_context() = default;
  [[nodiscard]] result<void> open(const tls_identity& identity);

  std::unique_ptr<ssl_ctx_st, free_context> context_;
};

/// The reason of the last failed call to OpenSSL on this thread, and clears
/// what it keeps of it.
[[nodiscard]] std::string tls_reason();

} // namespace millrace
