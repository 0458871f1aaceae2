#include "simulation/sim_client.hpp"

namespace millrace {

sim_link::sim_link(sim_world& world, sim_node& node)
    : world_(world), node_(node) {
  node_.output.bytes = [this](uint64_t id, std::string bytes) {
    const auto at = ends_.find(id);
    if (at == ends_.end())
      return;
    const auto at_client = due(at->second.to_client);
    world_.after(
      at_client - world_.now(), [this, id, bytes = std::move(bytes)] {
        if (const auto to = ends_.find(id); to != ends_.end()) {
          world_.trace(2, id, bytes);
          to->second.bytes(bytes);
        }
      });
  };
  node_.output.closed = [this](uint64_t id) {
    // After what was sent before.
    if (const auto at = ends_.find(id); at != ends_.end())
      world_.after(std::max(at->second.to_client, world_.now()) - world_.now(),
        [this, id] {
          close(id);
        });
  };
}

sim_time sim_link::delay() {
  // Mostly a tenth of a millisecond, now and then a hundred times that.
  const auto base = static_cast<sim_time>(50'000 + world_.random(100'000));
  return world_.random(100) == 0
           ? base + static_cast<sim_time>(world_.random(20 * sim_ms))
           : base;
}

sim_time sim_link::due(sim_time& last) {
  last = std::max({last, world_.now() + delay(), cut_until_});
  return last;
}

void sim_link::cut(sim_time span) {
  cut_until_ = std::max(cut_until_, world_.now() + span);
}

void sim_link::mend() {
  cut_until_ = 0;
}

uint64_t sim_link::connect(
  std::function<void(std::string)> bytes, std::function<void()> closed) {
  const auto id = next_id_++;
  ends_[id] = {std::move(bytes), std::move(closed), world_.now(), world_.now()};
  // Nothing that is sent arrives before the connection is there.
  const auto wait = due(ends_[id].to_node) - world_.now();
  world_.after(wait, [this, id] {
    if (!ends_.contains(id))
      return;
    if (node_.running())
      node_.connect(id);
    else
      close(id); // connection refused
  });
  return id;
}

void sim_link::send(uint64_t id, std::string bytes) {
  const auto at = ends_.find(id);
  if (at == ends_.end())
    return;
  // In up to three pieces, wherever they fall.
  while (!bytes.empty()) {
    const auto size
      = world_.random(3) == 0 ? 1 + world_.random(bytes.size()) : bytes.size();
    auto piece = bytes.substr(0, size);
    bytes.erase(0, size);
    const auto at_node = due(at->second.to_node);
    world_.after(at_node - world_.now(), [this, id, piece = std::move(piece)] {
      if (!ends_.contains(id))
        return;
      world_.trace(3, id, piece);
      node_.input(id, piece);
    });
  }
}

void sim_link::close(uint64_t id) {
  const auto at = ends_.find(id);
  if (at == ends_.end())
    return;
  auto closed = std::move(at->second.closed);
  ends_.erase(at);
  world_.trace(4, id);
  closed();
}

void sim_link::disconnect(uint64_t id) {
  if (ends_.erase(id) != 0)
    node_.disconnect(id);
}

void sim_link::break_all() {
  while (!ends_.empty())
    close(ends_.begin()->first);
}

void sim_link::break_one(uint64_t choice) {
  if (ends_.empty())
    return;
  auto at = ends_.begin();
  std::advance(at, static_cast<ptrdiff_t>(choice % ends_.size()));
  const auto id = at->first;
  node_.disconnect(id);
  close(id);
}

sim_client::~sim_client() {
  *alive_ = false;
  disconnect();
}

void sim_client::send(int16_t key, int16_t version, outgoing frame,
  std::function<void(kafka_reader*)> done) {
  if (connection_ == 0)
    connection_ = link_.connect(
      [this](std::string bytes) {
        on_bytes(std::move(bytes));
      },
      [this] {
        on_closed();
      });
  const auto correlation = next_correlation_++;
  waiting_.push_back({key, version, correlation, std::move(done)});
  auto bytes = flatten(frame);
  MILLRACE_ASSERT(bytes.ok(), "a request is in memory");
  link_.send(connection_, std::move(*bytes));
  world_.after(timeout_, [this, alive = alive_, correlation] {
    if (!*alive)
      return;
    for (const auto& w : waiting_)
      if (w.correlation == correlation) {
        disconnect();
        on_closed();
        return;
      }
  });
}

void sim_client::disconnect() {
  if (connection_ != 0)
    link_.disconnect(connection_);
  connection_ = 0;
}

void sim_client::on_bytes(std::string bytes) {
  received_ += bytes;
  while (received_.size() >= 4) {
    uint32_t size = 0;
    for (size_t i = 0; i < 4; ++i)
      size = size << 8 | static_cast<unsigned char>(received_[i]);
    if (received_.size() < 4 + size)
      return;
    kafka_reader reader{
      shared_bytes::copy_of(std::string_view{received_}.substr(4, size))};
    received_.erase(0, 4 + size);
    MILLRACE_ASSERT(!waiting_.empty(), "every answer has its request");
    auto w = std::move(waiting_.front());
    waiting_.pop_front();
    auto correlation = kafka::decode_response_header(reader, w.key, w.version);
    MILLRACE_ASSERT(correlation.ok() && *correlation == w.correlation,
      "answers come in the order of the requests");
    w.done(&reader);
  }
}

void sim_client::on_closed() {
  connection_ = 0;
  received_.clear();
  for (auto& w : std::exchange(waiting_, {}))
    w.done(nullptr);
}

} // namespace millrace
