#pragma once

// Makes what a cluster's TLS needs: an authority of its own, and a certificate
// for each node that the authority has signed.

#include "schema/result.hpp"

#include <string>
#include <vector>

namespace millrace {

/// A certificate and its key, as PEM.
struct tls_certificate {
  std::string certificate;
  std::string key;
};

/// From when to when a certificate is good, in seconds from now.
struct tls_validity {
  long begins_s = -300; // clocks differ
  long ends_s = 0;
};

/// A new authority: an EC key (P-256) and its own signature.
/// Errors: io_error, with the library's reason.
[[nodiscard]] result<tls_certificate> make_tls_authority(
  const std::string& name, const tls_validity& validity);

/// A certificate for either side of a connection, signed by `authority`.
/// @param names the first is the common name as well; all stand as DNS names
/// Errors: invalid_argument (no name, or `authority` cannot be read), io_error.
[[nodiscard]] result<tls_certificate> make_tls_certificate(
  const tls_certificate& authority, const std::vector<std::string>& names,
  const tls_validity& validity);

} // namespace millrace
