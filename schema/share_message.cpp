#include "schema/share_message.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/share.capnp.h"

namespace millrace {

namespace {

using wire_message = wire::ShareMessage;

error corrupt(const char* why) {
  return {errc::corrupt, std::string{"message about share groups: "} + why};
}

struct body_writer {
  wire_message::Builder root;
  envelope& out;

  void operator()(const share_request& request) {
    root.setRequest(request.broker_epoch);
    out.runs.push_back(request.frame);
  }
  void operator()(const share_response& response) {
    root.setAnswer();
    out.is_answer = true;
    if (!response.frame.empty())
      out.runs.push_back(response.frame);
  }
};

} // namespace

envelope encode(const share_message& message, uint64_t request_id) {
  envelope e{.conversation = conversation::shares, .request_id = request_id};
  capnp::MallocMessageBuilder builder;
  std::visit(body_writer{builder.initRoot<wire_message>(), e}, message);
  e.message = to_shared_bytes(builder);
  return e;
}

result<share_message> decode_share_message(const envelope& from) {
  if (from.conversation != conversation::shares)
    return corrupt("not of this conversation");
  if (from.runs.size() > 1)
    return corrupt("more than one run");
  const auto run = from.runs.empty() ? shared_bytes{} : from.runs.front();
  return read_capnp<wire_message>(from.message, "message about share groups",
    [&](wire_message::Reader root) -> result<share_message> {
      switch (root.which()) {
      case wire_message::REQUEST:
        if (run.empty())
          return corrupt("a request without a frame");
        return share_message{share_request{root.getRequest(), run}};
      case wire_message::ANSWER:
        return share_message{share_response{run}};
      case wire_message::NONE:
        return corrupt("it says nothing");
      }
      return error{
        errc::unsupported, "message about share groups of a newer version"};
    });
}

} // namespace millrace
