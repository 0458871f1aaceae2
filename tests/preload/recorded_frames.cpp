#include "tests/preload/recorded_frames.hpp"

namespace millrace::preload {

namespace {

uint32_t big_endian(std::string_view bytes, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// One direction of a connection, cut into frames.
class frame_stream {
public:
  void add(std::string_view bytes) {
    bytes_ += bytes;
  }
  /// The next whole frame, without its length; nothing if there is none.
  std::string next() {
    if (bytes_.size() < 4)
      return {};
    const size_t size = big_endian(bytes_, 4);
    if (bytes_.size() < 4 + size)
      return {};
    auto frame = bytes_.substr(4, size);
    bytes_.erase(0, 4 + size);
    return frame;
  }

private:
  std::string bytes_;
};

struct connection {
  std::string client;
  frame_stream requests;
  frame_stream answers;
};

class frame_finder {
public:
  explicit frame_finder(const recording& record) : record_(record) {}

  std::map<request_name, request_times> run() {
    const auto& entries = record_.entries();
    for (size_t place = 0; place < entries.size(); ++place)
      take(place, entries[place]);
    return std::move(found_);
  }

private:
  void take(size_t place, const recorded_entry& e) {
    if (e.head.kind == call_kind::process)
      open_.clear();
    else if (e.head.kind == call_kind::accept)
      open_[e.head.descriptor] = {};
    const auto at = open_.find(e.head.descriptor);
    if (at == open_.end())
      return;
    if (e.head.kind == call_kind::receive)
      take_requests(place, e.data, at->second);
    else if (e.begins() && e.head.kind == call_kind::send)
      take_answers(place, e.data, at->second);
    else if (e.begins() && e.head.kind == call_kind::send_file)
      // Its bytes are a file's; only their number matters here.
      take_answers(
        place, std::string(static_cast<size_t>(e.head.size), '\0'), at->second);
  }

  void take_requests(size_t place, std::string_view bytes, connection& of) {
    of.requests.add(bytes);
    constexpr size_t head = 10; // key, version, correlation id, id's length
    for (auto frame = of.requests.next(); frame.size() > head;
      frame = of.requests.next()) {
      const std::string_view view{frame};
      of.client = view.substr(head, big_endian(view.substr(8), 2));
      const auto id = static_cast<int32_t>(big_endian(view.substr(4), 4));
      found_[{of.client, id}].arrived = place;
    }
  }

  /// What was sent of `bytes`: all of it, where the call never returned.
  void take_answers(size_t place, std::string_view bytes, connection& of) {
    if (record_.entries()[place].partner != never) {
      const auto sent = record_.result_of(place);
      bytes = bytes.substr(0, static_cast<size_t>(std::max<int64_t>(sent, 0)));
    }
    of.answers.add(bytes);
    for (auto frame = of.answers.next(); frame.size() >= 4;
      frame = of.answers.next()) {
      const auto id = static_cast<int32_t>(big_endian(frame, 4));
      if (const auto at = found_.find({of.client, id}); at != found_.end())
        at->second.answered = place;
    }
  }

  const recording& record_;
  std::map<int, connection> open_;
  std::map<request_name, request_times> found_;
};

} // namespace

std::map<request_name, request_times> find_requests(const recording& record) {
  return frame_finder{record}.run();
}

} // namespace millrace::preload
