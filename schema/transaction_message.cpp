#include "schema/transaction_message.hpp"

#include "schema/capnp_bytes.hpp"
#include "schema/transaction.capnp.h"

namespace millrace {

namespace {

using wire_message = wire::TransactionMessage;

error corrupt(const char* why) {
  return {errc::corrupt, std::string{"message about transactions: "} + why};
}

void write_partition(
  wire::TransactionPartition::Builder to, const topic_partition& from) {
  to.setTopic(text(from.topic));
  to.setPartition(from.partition);
}

topic_partition read_partition(wire::TransactionPartition::Reader from) {
  return {string_of(from.getTopic()), from.getPartition()};
}

struct body_writer {
  wire_message::Builder root;
  envelope& out;

  void operator()(const transaction_check& check) {
    auto body = root.initCheck();
    body.setTransactionalId(text(check.transactional_id));
    body.setProducerId(check.id.value);
    body.setProducerEpoch(check.epoch);
    body.setAdds(check.adds);
    auto list
      = body.initPartitions(static_cast<unsigned>(check.partitions.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      write_partition(list[i], check.partitions[i]);
  }
  void operator()(const marker_order& order) {
    auto body = root.initMarkers();
    body.setBrokerEpoch(order.broker_epoch);
    auto list = body.initWrites(static_cast<unsigned>(order.writes.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto& write = order.writes[i];
      list[i].setProducerId(write.id.value);
      list[i].setProducerEpoch(write.epoch);
      list[i].setCommit(write.commit);
      list[i].setTransactionVersion(write.transaction_version);
      list[i].setCoordinatorEpoch(write.coordinator_epoch);
      write_partition(list[i].initPartition(), write.partition);
      list[i].setLeaderEpoch(write.leadership.value);
    }
  }
  void operator()(const transaction_errors& answer) {
    out.is_answer = true;
    auto list = root.initAnswer(static_cast<unsigned>(answer.errors.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      list.set(i, static_cast<int16_t>(answer.errors[i]));
  }
};

transaction_check read_check(wire::TransactionCheck::Reader from) {
  transaction_check check{
    .transactional_id = string_of(from.getTransactionalId()),
    .id = producer_id{from.getProducerId()},
    .epoch = from.getProducerEpoch(),
    .adds = from.getAdds(),
    .partitions = {}};
  for (const auto partition : from.getPartitions())
    check.partitions.push_back(read_partition(partition));
  return check;
}

marker_order read_order(wire::MarkerOrder::Reader from) {
  marker_order order{.broker_epoch = from.getBrokerEpoch(), .writes = {}};
  for (const auto write : from.getWrites())
    order.writes.push_back({.id = producer_id{write.getProducerId()},
      .epoch = write.getProducerEpoch(),
      .commit = write.getCommit(),
      .transaction_version = write.getTransactionVersion(),
      .coordinator_epoch = write.getCoordinatorEpoch(),
      .partition = read_partition(write.getPartition()),
      .leadership = leader_epoch{write.getLeaderEpoch()}});
  return order;
}

} // namespace

envelope encode(const transaction_message& message, uint64_t request_id) {
  envelope e{
    .conversation = conversation::transactions, .request_id = request_id};
  capnp::MallocMessageBuilder builder;
  std::visit(body_writer{builder.initRoot<wire_message>(), e}, message);
  e.message = to_shared_bytes(builder);
  return e;
}

result<transaction_message> decode_transaction_message(const envelope& from) {
  if (from.conversation != conversation::transactions)
    return corrupt("not of this conversation");
  return read_capnp<wire_message>(from.message, "message about transactions",
    [](wire_message::Reader root) -> result<transaction_message> {
      switch (root.which()) {
      case wire_message::CHECK:
        return transaction_message{read_check(root.getCheck())};
      case wire_message::MARKERS: {
        auto order = read_order(root.getMarkers());
        for (const auto& write : order.writes)
          if (write.id.value < 0 || write.epoch < 0)
            return corrupt("a marker of no producer");
        return transaction_message{std::move(order)};
      }
      case wire_message::ANSWER: {
        transaction_errors answer;
        for (const auto code : root.getAnswer())
          answer.errors.push_back(static_cast<kafka_error>(code));
        return transaction_message{std::move(answer)};
      }
      case wire_message::NONE:
        return corrupt("it says nothing");
      }
      return error{
        errc::unsupported, "message about transactions of a newer version"};
    });
}

} // namespace millrace
