#pragma once

// What stands in front of every request and every response.

#include "schema/kafka/apis.hpp"
#include "schema/kafka_wire.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::kafka {

/// The header of a request in versions 1 and 2, which differ by the tagged
/// fields at the end alone.
struct request_header {
  int16_t api_key = 0;
  int16_t api_version = 0;
  int32_t correlation_id = 0;
  std::optional<std::string> client_id;

  bool operator==(const request_header&) const = default;
};

/// Reads a header; its version follows from API and version of the request
/// (KIP-482). That of an unknown API is taken for version 1, so that its
/// correlation id is there for the reply.
/// Errors: truncated, corrupt. Then `out` holds what had been read.
[[nodiscard]] result<void> decode(kafka_reader& reader, request_header& out);

/// Writes a header, for clients.
void encode(kafka_writer& writer, const request_header& header);

/// Writes the header of a response: the correlation id, and no tagged fields
/// in flexible versions. Never flexible for ApiVersions (KIP-511), which a
/// client must be able to read before it knows what the server can do.
void encode_response_header(kafka_writer& writer, int16_t api_key,
  int16_t api_version, int32_t correlation_id);

/// Reads the header of a response, for clients.
[[nodiscard]] result<int32_t> decode_response_header(
  kafka_reader& reader, int16_t api_key, int16_t api_version);

} // namespace millrace::kafka
