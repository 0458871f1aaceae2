#pragma once

// Cap'n Proto messages as shared_bytes: built straight into a block, read in
// place, with a bound on what reading may traverse (R29). The library's
// exceptions end here.

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <string>

namespace millrace {

/// A string as a Text and back, with the zero bytes within it: a conversion by
/// its C string ends at the first, and clients' names may have them. A Text is
/// one while its string lives.
[[nodiscard]] inline capnp::Text::Reader text(const std::string& s) {
  return {s.c_str(), s.size()};
}
[[nodiscard]] inline std::string string_of(capnp::Text::Reader t) {
  return {t.begin(), t.size()};
}

/// The message as one flat run of whole words.
[[nodiscard]] shared_bytes to_shared_bytes(capnp::MessageBuilder& message);

/// `bytes` itself if Cap'n Proto can read it in place, else an aligned copy.
[[nodiscard]] shared_bytes aligned(const shared_bytes& bytes);

/// Bounds for reading a message of `size` bytes: every word a few times,
/// which no honest reader exceeds.
[[nodiscard]] capnp::ReaderOptions reader_options(size_t size);

/// Runs `read` on the root of the message and returns what it returns.
/// `read` takes a `typename Root::Reader` and returns a result.
/// Errors: corrupt (named after `what`), and those of `read`.
template <class Root, class Read>
auto read_capnp(const shared_bytes& bytes, const char* what, Read&& read)
  -> decltype(read(std::declval<typename Root::Reader>())) {
  if (bytes.size() % sizeof(capnp::word) != 0)
    return error{errc::corrupt, std::string{what} + ": "
                                  + std::to_string(bytes.size())
                                  + " bytes are no whole number of words"};
  const auto in_place = aligned(bytes);
  try {
    capnp::FlatArrayMessageReader reader{
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(in_place.data()),
        in_place.size() / sizeof(capnp::word)),
      reader_options(in_place.size())};
    return read(reader.getRoot<Root>());
  } catch (const kj::Exception& e) {
    return error{
      errc::corrupt, std::string{what} + ": " + e.getDescription().cStr()};
  }
}

} // namespace millrace
