#pragma once

#include <optional>
#include <string>

namespace millrace {

/// An IP address in the one form in which all that are equal are alike: what
/// an IPv4 address is to an IPv6 socket (::ffff:1.2.3.4) is that IPv4 address.
/// None for what is no address, names included: nothing here resolves.
[[nodiscard]] std::optional<std::string> canonical_address(
  const std::string& text);

} // namespace millrace
