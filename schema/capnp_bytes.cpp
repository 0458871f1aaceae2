#include "schema/capnp_bytes.hpp"

#include <kj/io.h>

namespace millrace {

shared_bytes to_shared_bytes(capnp::MessageBuilder& message) {
  const auto words = capnp::computeSerializedSizeInWords(message);
  auto bytes = shared_bytes::allocate(words * sizeof(capnp::word));
  kj::ArrayOutputStream out{
    kj::arrayPtr(reinterpret_cast<kj::byte*>(bytes.data()), bytes.size())};
  capnp::writeMessage(out, message);
  return bytes;
}

shared_bytes aligned(const shared_bytes& bytes) {
  const auto address = reinterpret_cast<uintptr_t>(bytes.data());
  if (address % alignof(uint64_t) == 0)
    return bytes;
  return shared_bytes::copy_of(bytes.span());
}

capnp::ReaderOptions reader_options(size_t size) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 4 * (size / sizeof(capnp::word)) + 64;
  options.nestingLimit = 16;
  return options;
}

} // namespace millrace
