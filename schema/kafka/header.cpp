#include "schema/kafka/header.hpp"

namespace millrace::kafka {

namespace {

bool is_flexible(int16_t api_key, int16_t api_version) {
  const auto* found = find_api(api_key);
  return found != nullptr && api_version >= found->flexible_from;
}

bool is_flexible_response(int16_t api_key, int16_t api_version) {
  return api_key != static_cast<int16_t>(api_key::api_versions)
         && is_flexible(api_key, api_version);
}

void skip_tagged_fields(kafka_reader& reader) {
  for (auto left = reader.read_tag_count(); left > 0 && reader.ok(); --left)
    reader.end_tagged(reader.begin_tagged(), false);
}

} // namespace

result<void> decode(kafka_reader& reader, request_header& out) {
  out.api_key = reader.read_int16("request_api_key");
  out.api_version = reader.read_int16("request_api_version");
  out.correlation_id = reader.read_int32("correlation_id");
  const bool flexible = is_flexible(out.api_key, out.api_version);
  // Not compact even in version 2, so that any server can read it.
  out.client_id = reader.read_string("client_id", false, true);
  if (flexible)
    skip_tagged_fields(reader);
  return reader.status("request header", flexible ? 2 : 1);
}

void encode(kafka_writer& writer, const request_header& header) {
  writer.write_int16(header.api_key);
  writer.write_int16(header.api_version);
  writer.write_int32(header.correlation_id);
  writer.write_string(false, header.client_id, true);
  if (is_flexible(header.api_key, header.api_version))
    writer.write_uvarint(0);
}

void encode_response_header(kafka_writer& writer, int16_t api_key,
  int16_t api_version, int32_t correlation_id) {
  writer.write_int32(correlation_id);
  if (is_flexible_response(api_key, api_version))
    writer.write_uvarint(0);
}

result<int32_t> decode_response_header(
  kafka_reader& reader, int16_t api_key, int16_t api_version) {
  const bool flexible = is_flexible_response(api_key, api_version);
  const auto correlation_id = reader.read_int32("correlation_id");
  if (flexible)
    skip_tagged_fields(reader);
  MILLRACE_TRY(reader.status("response header", flexible ? 1 : 0));
  return correlation_id;
}

} // namespace millrace::kafka
