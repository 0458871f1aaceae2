#include "schema/custom_message.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/custom.capnp.h"

namespace millrace {

namespace {

using wire_message = wire::CustomMessage;

error corrupt(const char* why) {
  return {errc::corrupt, std::string{"message of custom actors: "} + why};
}

struct body_writer {
  wire_message::Builder root;
  envelope& out;

  void operator()(const actor_letter& letter) {
    auto to = root.initLetter();
    to.setToName(text(letter.to.name));
    to.setToInstance(letter.to.instance);
    to.setFromName(text(letter.from.name));
    to.setFromInstance(letter.from.instance);
    to.setType(letter.type);
    out.runs.push_back(letter.body);
  }
  void operator()(const forwarded_request& request) {
    root.setRequest();
    out.runs.push_back(request.frame);
  }
  void operator()(const forwarded_answer& answer) {
    root.setAnswer();
    out.is_answer = true;
    if (!answer.frame.empty())
      out.runs.push_back(answer.frame);
  }
};

capnp::Data::Reader data_of(const std::string& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

std::string text_of(capnp::Data::Reader bytes) {
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

} // namespace

std::string to_string(const actor_address& address) {
  return address.name + "/" + std::to_string(address.instance);
}

envelope encode(const custom_message& message, uint64_t request_id) {
  envelope e{.conversation = conversation::custom, .request_id = request_id};
  capnp::MallocMessageBuilder builder;
  std::visit(body_writer{builder.initRoot<wire_message>(), e}, message);
  e.message = to_shared_bytes(builder);
  return e;
}

result<custom_message> decode_custom_message(const envelope& from) {
  if (from.conversation != conversation::custom)
    return corrupt("not of this conversation");
  if (from.runs.size() > 1)
    return corrupt("more than one run");
  const auto run = from.runs.empty() ? shared_bytes{} : from.runs.front();
  return read_capnp<wire_message>(from.message, "message of custom actors",
    [&](wire_message::Reader root) -> result<custom_message> {
      switch (root.which()) {
      case wire_message::LETTER: {
        const auto letter = root.getLetter();
        return custom_message{
          actor_letter{{string_of(letter.getToName()), letter.getToInstance()},
            {string_of(letter.getFromName()), letter.getFromInstance()},
            letter.getType(), run}};
      }
      case wire_message::REQUEST:
        return custom_message{forwarded_request{run}};
      case wire_message::ANSWER:
        return custom_message{forwarded_answer{run}};
      case wire_message::NONE:
        return corrupt("it says nothing");
      }
      return error{
        errc::unsupported, "message of custom actors of a newer version"};
    });
}

std::string encode(const waiting_write& write) {
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<wire::WaitingWrite>();
  root.setTopic(text(write.topic));
  root.setPartition(write.partition);
  root.setHasKey(write.key.has_value());
  if (write.key)
    root.setKey(data_of(*write.key));
  root.setHasValue(write.value.has_value());
  if (write.value)
    root.setValue(data_of(*write.value));
  return std::string{to_shared_bytes(builder).text()};
}

result<waiting_write> decode_waiting_write(std::string_view bytes) {
  return read_capnp<wire::WaitingWrite>(shared_bytes::copy_of(bytes),
    "a record that waits to be written",
    [](wire::WaitingWrite::Reader root) -> result<waiting_write> {
      waiting_write write{
        string_of(root.getTopic()), root.getPartition(), std::nullopt, {}};
      if (root.getHasKey())
        write.key = text_of(root.getKey());
      if (root.getHasValue())
        write.value = text_of(root.getValue());
      return write;
    });
}

} // namespace millrace
