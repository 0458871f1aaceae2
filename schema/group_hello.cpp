#include "schema/group_hello.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/raft_configuration_codec.hpp"

namespace millrace {

envelope encode(const group_hello& hello, bool is_answer) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::GroupHello>();
  root.setGroup(text(hello.group));
  write_to(root.initMember(), hello.member);
  root.setInGroup(hello.in_group);
  envelope e;
  e.conversation = conversation::group;
  e.is_answer = is_answer;
  e.message = to_shared_bytes(message);
  return e;
}

result<group_hello> decode_group_hello(const envelope& from) {
  return read_capnp<wire::GroupHello>(from.message, "hello to a group",
    [](wire::GroupHello::Reader root) -> result<group_hello> {
      group_hello hello;
      hello.group = string_of(root.getGroup());
      hello.member = read_from(root.getMember());
      hello.in_group = root.getInGroup();
      if (hello.member.node.value < 0 || hello.member.directory.is_zero())
        return error{errc::corrupt, "hello to a group: from nobody"};
      return hello;
    });
}

} // namespace millrace
