#include "bench/inner/fixtures.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka/produce.hpp"
#include "schema/kafka_reader.hpp"
#include "schema/kafka_writer.hpp"

#include <benchmark/benchmark.h>

namespace millrace::bench {
namespace {

constexpr int16_t classic_version = 7;
constexpr int16_t flexible_version = 9;

kafka::produce_request request_of(int64_t partitions) {
  kafka::produce_request request;
  request.acks = -1;
  request.timeout_ms = 30000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = "orders";
  for (int32_t p = 0; p < partitions; ++p) {
    auto& partition = topic.partition_data.emplace_back();
    partition.index = p;
    partition.records.bytes = batch_of(1);
  }
  return request;
}

void decode_produce_request(benchmark::State& state) {
  const auto version = static_cast<int16_t>(state.range(0));
  kafka_writer writer;
  kafka::encode(writer, {0, version, 1, "bench"});
  kafka::encode(writer, version, request_of(state.range(1)));
  auto flat = flatten(writer.finish());
  MILLRACE_ASSERT(flat, "a request without files can be copied");
  const auto frame = shared_bytes::copy_of(*flat);
  for (auto _ : state) {
    kafka_reader reader{frame};
    kafka::request_header header;
    kafka::produce_request request;
    MILLRACE_ASSERT(kafka::decode(reader, header), "the header is sound");
    MILLRACE_ASSERT(
      kafka::decode(reader, version, request), "the request is sound");
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(decode_produce_request)
  ->Args({classic_version, 1})
  ->Args({flexible_version, 1})
  ->Args({flexible_version, 100});

void encode_produce_response(benchmark::State& state) {
  const auto version = static_cast<int16_t>(state.range(0));
  kafka::produce_response response;
  auto& topic = response.responses.emplace_back();
  topic.name = "orders";
  for (int32_t p = 0; p < state.range(1); ++p) {
    auto& partition = topic.partition_responses.emplace_back();
    partition.index = p;
    partition.base_offset = 1000;
  }
  for (auto _ : state) {
    kafka_writer writer;
    writer.begin_frame();
    kafka::encode_response_header(writer, 0, version, 1);
    kafka::encode(writer, version, response);
    benchmark::DoNotOptimize(writer.finish_frame());
  }
}
BENCHMARK(encode_produce_response)
  ->Args({classic_version, 1})
  ->Args({flexible_version, 1})
  ->Args({flexible_version, 100});

} // namespace
} // namespace millrace::bench
