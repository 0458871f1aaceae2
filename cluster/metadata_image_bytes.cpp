// An image as one message: the pairs that would store it.

#include "cluster/metadata_image_store.hpp"
#include "schema/capnp_bytes.hpp"
#include "schema/metadata.capnp.h"

namespace millrace {

namespace {

constexpr uint16_t snapshot_version = 1;

capnp::Data::Reader data_of(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

std::string_view text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

} // namespace

shared_bytes encode_image(const metadata_image& image) {
  // Whose log it is, is the receiver's affair.
  const auto writes = all_image_writes(image, uuid{});
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::ImageSnapshot>();
  root.setVersion(snapshot_version);
  auto pairs = root.initPairs(static_cast<unsigned>(writes.size()));
  for (unsigned i = 0; i < pairs.size(); ++i) {
    pairs[i].setKey(data_of(writes[i].key));
    pairs[i].setValue(data_of(*writes[i].value));
  }
  return to_shared_bytes(message);
}

result<metadata_image> decode_image(const shared_bytes& bytes) {
  return read_capnp<wire::ImageSnapshot>(bytes, "snapshot of the metadata",
    [](wire::ImageSnapshot::Reader root) -> result<metadata_image> {
      if (root.getVersion() != snapshot_version)
        return error{errc::unsupported,
          "a snapshot of the metadata of version "
            + std::to_string(root.getVersion()) + " (this build reads version "
            + std::to_string(snapshot_version) + ")"};
      metadata_image_loader loader;
      for (auto pair : root.getPairs())
        MILLRACE_TRY(
          loader.add(text_of(pair.getKey()), text_of(pair.getValue())));
      auto loaded = loader.finish();
      if (!loaded)
        return loaded.error();
      if (!*loaded)
        return error{
          errc::corrupt, "a snapshot of the metadata without a head"};
      return std::move((*loaded)->image);
    });
}

} // namespace millrace
