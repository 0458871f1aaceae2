#pragma once

// The primitive types of Kafka's protocol, read and written.
// Format: docs/formats/kafka-wire.md.

#include "schema/kafka_reader.hpp" // IWYU pragma: export
#include "schema/kafka_writer.hpp" // IWYU pragma: export
