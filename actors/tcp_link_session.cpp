#include "actors/tcp_link_session.hpp"

#include "actors/log.hpp"
#include "net/protocol_sniffer.hpp"

namespace millrace {

tcp_link_session::tcp_link_session(tcp_link_sessions& all, connection& peer,
  std::span<std::byte> scratch, node_id wanted, link_lane lane)
    : tcp_link_session(all, peer, scratch) {
  dialed_ = true;
  node_ = wanted;
  lane_ = lane;
  peer_.send({encode(all_.hello(wanted, lane)), {}});
}

tcp_link_session::tcp_link_session(
  tcp_link_sessions& all, connection& peer, std::span<std::byte> scratch)
    : all_(all), peer_(peer),
      cutter_(scratch,
        [this](std::span<const std::byte> begun) {
          return open_ ? measure_link_frame(begun, all_.options().limits)
                       : measure_greeting(begun);
        }),
      dialed_(false), begun_ms_(all.clock_ms()), heard_ms_(begun_ms_) {}

std::span<std::byte> tcp_link_session::prepare_read() {
  return cutter_.prepare();
}

void tcp_link_session::on_read(size_t size) {
  if (closing_)
    return;
  heard_ms_ = all_.clock_ms();
  auto cut = cutter_.consume(size, [this](shared_bytes frame) {
    return take(std::move(frame));
  });
  if (cut || closing_)
    return;
  if (open_)
    fail(to_string(cut.error()));
  else
    refuse_stranger(cut.error());
}

bool tcp_link_session::take(shared_bytes frame) {
  if (!open_) {
    take_greeting(frame);
    return !closing_;
  }
  switch (kind_of(frame)) {
  case link_frame::ping:
    if (!dialed_)
      ping(); // it comes back
    break;
  case link_frame::refusal:
    take_greeting(frame);
    break;
  case link_frame::envelope:
    take_envelope(frame);
    break;
  }
  return !closing_;
}

void tcp_link_session::take_greeting(const shared_bytes& frame) {
  const auto greeting = decode_greeting(frame);
  if (!greeting) {
    fail(to_string(greeting.error()));
    return;
  }
  if (greeting->refusal.empty()) {
    take_hello(greeting->hello);
    return;
  }
  closing_ = true;
  // A stranger may say no to nothing: only what he may be is logged.
  if (dialed_ || open_)
    all_.refused(*this, "it says " + log::quoted(greeting->refusal));
  peer_.close();
}

void tcp_link_session::take_hello(const link_hello& hello) {
  if (!dialed_) {
    node_ = hello.node;
    lane_ = hello.lane;
  }
  if (const auto why = all_.greeted(*this, hello)) {
    refuse(*why);
    return;
  }
  open_ = true;
  if (!dialed_)
    peer_.send({encode(all_.hello(hello.node, lane_)), {}});
}

void tcp_link_session::take_envelope(const shared_bytes& frame) {
  if (dialed_) {
    fail("it sent a message where only pings come back");
    return;
  }
  auto message = decode_envelope(frame, all_.options().limits);
  if (message)
    all_.arrived(*this, std::move(*message));
  else
    fail(to_string(message.error()));
}

// Both sides are to know why: the other one gets the sentence.
void tcp_link_session::refuse(const std::string& why) {
  closing_ = true;
  all_.refused(*this, why);
  peer_.send({encode_refusal(why), {}});
  peer_.close_after_flush();
}

void tcp_link_session::refuse_stranger(const error& why) {
  const auto where = peer_.local().to_string();
  const auto spoken = sniff_protocol(cutter_.begun());
  if (dialed_ || spoken == sniffed_protocol::unknown
      || spoken == sniffed_protocol::millrace_node) {
    refuse(to_string(why));
    return;
  }
  closing_ = true;
  all_.refused(*this, explain_on_cluster_port(spoken, where));
  if (auto answer = answer_on_cluster_port(spoken, where); !answer.empty())
    peer_.send({std::move(answer), {}});
  peer_.close_after_flush();
}

void tcp_link_session::fail(const std::string& why) {
  closing_ = true;
  all_.refused(*this, why);
  peer_.close();
}

void tcp_link_session::send(outgoing message) {
  owed_ += message.size();
  peer_.send(std::move(message));
  queued_ = peer_.queued_bytes();
}

void tcp_link_session::ping() {
  peer_.send({encode_ping(), {}});
  queued_ = peer_.queued_bytes();
}

void tcp_link_session::on_sent(size_t still_queued) {
  // Greetings and pings are among them; what is over is put right when the
  // queue is empty.
  // While much waits, pings do too: that it moves tells that somebody reads.
  if (still_queued > 0)
    heard_ms_ = all_.clock_ms();
  const auto sent = queued_ - std::min(still_queued, queued_);
  const auto of_messages = still_queued == 0 ? owed_ : std::min(sent, owed_);
  queued_ = still_queued;
  owed_ -= of_messages;
  if (of_messages > 0)
    all_.left(*this, of_messages);
}

void tcp_link_session::drop() {
  dropped_ = true;
  closing_ = true;
  peer_.close();
}

void tcp_link_session::on_closed(std::string_view reason) {
  if (owed_ > 0)
    all_.left(*this, std::exchange(owed_, 0));
  if (!dropped_)
    all_.ended(*this, reason);
}

} // namespace millrace
