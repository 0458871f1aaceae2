#pragma once

// OpenSSL's objects with an owner that frees them.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>

namespace millrace {

struct free_openssl {
  void operator()(BIO* x) const {
    BIO_free(x);
  }
  void operator()(X509* x) const {
    X509_free(x);
  }
  void operator()(EVP_PKEY* x) const {
    EVP_PKEY_free(x);
  }
  void operator()(X509_EXTENSION* x) const {
    X509_EXTENSION_free(x);
  }
  void operator()(X509_STORE_CTX* x) const {
    X509_STORE_CTX_free(x);
  }
};
template <class T>
using owned = std::unique_ptr<T, free_openssl>;

} // namespace millrace
