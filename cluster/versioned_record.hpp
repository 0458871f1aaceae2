#pragma once

// Keys and values of Kafka's own topics: two bytes, the kind of the key or the
// version of the value, and a body.

#include "schema/kafka_wire.hpp"
#include "schema/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace millrace {

/// @param version of the body, as its definition counts
template <class T>
std::string encode_prefixed(int16_t prefix, int16_t version, const T& body) {
  kafka_writer writer;
  writer.write_int16(prefix);
  encode(writer, version, body);
  return std::move(writer.finish().bytes);
}

/// A value, by the version that it begins with. Errors: those of the decoder,
/// naming `what`.
template <class T>
result<T> decode_versioned(std::string_view bytes, const char* what) {
  kafka_reader reader{shared_bytes::copy_of(bytes)};
  const auto version = reader.read_int16("version");
  MILLRACE_TRY(reader.status(what, version));
  T value;
  MILLRACE_TRY(decode(reader, version, value));
  return value;
}

} // namespace millrace
