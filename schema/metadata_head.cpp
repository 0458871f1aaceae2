#include "schema/metadata_head.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/metadata.capnp.h"

namespace millrace {

shared_bytes encode(const metadata_head& head) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::ImageHead>();
  root.setVersion(head.version);
  root.setAppliedIndex(head.applied_index);
  root.setAppliedTerm(head.applied_term);
  auto log_id = root.initLogId();
  log_id.setHigh(head.log_id.high);
  log_id.setLow(head.log_id.low);
  root.setClusterId(text(head.cluster_id));
  root.setNextProducerId(head.next_producer_id.value);
  root.setNextBrokerEpoch(head.next_broker_epoch);
  auto features
    = root.initFeatures(static_cast<unsigned>(head.features.size()));
  for (unsigned i = 0; i < features.size(); ++i) {
    const auto& feature = head.features[i];
    features[i].setName(text(feature.name));
    features[i].setLevel(feature.level);
  }
  if (!head.configuration.voters.empty()) {
    const auto members = encode(head.configuration);
    root.setConfiguration(capnp::Data::Reader{
      reinterpret_cast<const kj::byte*>(members.data()), members.size()});
  }
  return to_shared_bytes(message);
}

result<metadata_head> decode_metadata_head(const shared_bytes& bytes) {
  return read_capnp<wire::ImageHead>(bytes, "head of the metadata image",
    [](wire::ImageHead::Reader root) -> result<metadata_head> {
      metadata_head head;
      head.version = root.getVersion();
      if (head.version != metadata_image_version)
        return error{errc::unsupported,
          "metadata image of version " + std::to_string(head.version)
            + " (this build reads version "
            + std::to_string(metadata_image_version) + ")"};
      head.applied_index = root.getAppliedIndex();
      head.applied_term = root.getAppliedTerm();
      head.log_id = {root.getLogId().getHigh(), root.getLogId().getLow()};
      head.cluster_id = string_of(root.getClusterId());
      head.next_producer_id = {root.getNextProducerId()};
      head.next_broker_epoch = root.getNextBrokerEpoch();
      for (auto feature : root.getFeatures())
        head.features.push_back(
          {string_of(feature.getName()), feature.getLevel()});
      if (const auto members = root.getConfiguration(); members.size() != 0) {
        auto decoded = decode_raft_configuration(shared_bytes::copy_of(
          std::span{reinterpret_cast<const std::byte*>(members.begin()),
            members.size()}));
        if (!decoded)
          return decoded.error();
        head.configuration = std::move(*decoded);
      }
      return head;
    });
}

} // namespace millrace
