#include "net/tls_certificates.hpp"

#include "net/openssl_owned.hpp"
#include "net/tls_context.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace millrace {

namespace {

constexpr size_t serial_bytes = 16;

error failed(const std::string& what) {
  return {errc::io_error, "TLS: " + what + ": " + tls_reason()};
}

std::string text_of(BIO* bytes) {
  char* at = nullptr;
  const auto size = BIO_get_mem_data(bytes, &at);
  return {at, static_cast<size_t>(size)};
}

result<tls_certificate> as_text(X509* certificate, EVP_PKEY* key) {
  const owned<BIO> one{BIO_new(BIO_s_mem())};
  const owned<BIO> two{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_X509(one.get(), certificate) != 1
      || PEM_write_bio_PKCS8PrivateKey(
           two.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
           != 1)
    return failed("writing a certificate");
  return tls_certificate{text_of(one.get()), text_of(two.get())};
}

bool extend(X509* to, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const owned<X509_EXTENSION> made{
    X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
  return made != nullptr && X509_add_ext(to, made.get(), -1) == 1;
}

bool number(X509* certificate) {
  std::array<unsigned char, serial_bytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return false;
  bytes[0] &= 0x7f; // positive
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> value{
    BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), &BN_free};
  return value != nullptr
         && BN_to_ASN1_INTEGER(value.get(), X509_get_serialNumber(certificate))
              != nullptr;
}

/// All of it but what tells an authority from a node.
owned<X509> blank(
  const std::string& name, EVP_PKEY* key, const tls_validity& validity) {
  owned<X509> made{X509_new()};
  auto* subject = made == nullptr ? nullptr : X509_get_subject_name(made.get());
  const bool good
    = subject != nullptr && X509_set_version(made.get(), X509_VERSION_3) == 1
      && number(made.get())
      && X509_gmtime_adj(X509_getm_notBefore(made.get()), validity.begins_s)
           != nullptr
      && X509_gmtime_adj(X509_getm_notAfter(made.get()), validity.ends_s)
           != nullptr
      && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0)
           == 1
      && X509_set_pubkey(made.get(), key) == 1;
  return good ? std::move(made) : nullptr;
}

} // namespace

result<tls_certificate> make_tls_authority(
  const std::string& name, const tls_validity& validity) {
  const owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  if (key == nullptr)
    return failed("making a key");
  const auto made = blank(name, key.get(), validity);
  if (made == nullptr
      || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()))
           != 1
      || !extend(made.get(), made.get(), NID_basic_constraints,
        "critical,CA:TRUE,pathlen:0")
      || !extend(
        made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign")
      || !extend(made.get(), made.get(), NID_subject_key_identifier, "hash")
      || X509_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return failed("making an authority");
  return as_text(made.get(), key.get());
}

result<tls_certificate> make_tls_certificate(const tls_certificate& authority,
  const std::vector<std::string>& names, const tls_validity& validity) {
  if (names.empty())
    return error{errc::invalid_argument, "TLS: a certificate names somebody"};
  auto in_memory = [](const std::string& pem) {
    return owned<BIO>{
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  };
  const owned<X509> issuer{PEM_read_bio_X509(
    in_memory(authority.certificate).get(), nullptr, nullptr, nullptr)};
  const owned<EVP_PKEY> issuer_key{PEM_read_bio_PrivateKey(
    in_memory(authority.key).get(), nullptr, nullptr, nullptr)};
  if (issuer == nullptr || issuer_key == nullptr)
    return error{errc::invalid_argument,
      "TLS: the authority cannot be read: " + tls_reason()};
  const owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  if (key == nullptr)
    return failed("making a key");
  std::string alternatives;
  for (const auto& name : names)
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  const auto made = blank(names.front(), key.get(), validity);
  auto* to = made.get();
  if (made == nullptr
      || X509_set_issuer_name(to, X509_get_subject_name(issuer.get())) != 1
      || !extend(to, issuer.get(), NID_basic_constraints, "critical,CA:FALSE")
      || !extend(to, issuer.get(), NID_key_usage, "critical,digitalSignature")
      || !extend(to, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth")
      || !extend(to, issuer.get(), NID_subject_alt_name, alternatives)
      || !extend(to, issuer.get(), NID_subject_key_identifier, "hash")
      || !extend(to, issuer.get(), NID_authority_key_identifier, "keyid")
      || X509_sign(to, issuer_key.get(), EVP_sha256()) == 0)
    return failed("making a certificate for " + names.front());
  return as_text(to, key.get());
}

} // namespace millrace
