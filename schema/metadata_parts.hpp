#pragma once

// The structs of schema/metadata.capnp that other messages hold as well: a
// partition and a broker go with requests to the controller. For codecs only.

#include "schema/metadata.capnp.h"
#include "schema/metadata_command.hpp"

#include <string>
#include <vector>

namespace millrace::metadata_parts {

/// As lists are measured; no vector here comes near its end.
[[nodiscard]] inline unsigned count(size_t n) {
  return static_cast<unsigned>(n);
}

void write(wire::Uuid::Builder out, const uuid& id);
void write(wire::Partition::Builder out, const partition_registration& p);
/// `out` has as many elements as `partitions`.
void write(capnp::List<wire::Partition>::Builder out,
  const std::vector<partition_registration>& partitions);
void write(wire::BrokerRegistered::Builder out, const broker_registered& c);

[[nodiscard]] uuid read(wire::Uuid::Reader id);
[[nodiscard]] partition_registration read(wire::Partition::Reader from);
[[nodiscard]] std::vector<partition_registration> read(
  capnp::List<wire::Partition>::Reader from);
[[nodiscard]] broker_registered read(wire::BrokerRegistered::Reader from);

} // namespace millrace::metadata_parts
