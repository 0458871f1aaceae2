#pragma once

// Builds records by hand, for the tests of their readers.

#include "tests/preload/recording.hpp"

namespace millrace::preload {

class record_text {
public:
  void begin(
    entry_head head, std::string_view path = {}, std::string_view data = {}) {
    head.phase = call_phase::begin;
    add(head, path, data);
  }
  void end(entry_head head, std::string_view data = {}) {
    head.phase = call_phase::end;
    add(head, {}, data);
  }
  /// A call that nothing comes between.
  void call(entry_head head, std::string_view path = {},
    std::string_view data = {}, int64_t result = 0) {
    head.call = ++calls_;
    begin(head, path, data);
    head.result = result;
    end(head);
  }

  [[nodiscard]] const std::string& bytes() const {
    return bytes_;
  }
  [[nodiscard]] recording parse() const {
    auto record = recording::parse(bytes_);
    MILLRACE_ASSERT(record.ok(), "what was built can be read");
    return std::move(*record);
  }

private:
  void add(entry_head head, std::string_view path, std::string_view data) {
    head.path_bytes = static_cast<uint16_t>(path.size());
    head.data_bytes = static_cast<uint32_t>(data.size());
    bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes_ += path;
    bytes_ += data;
  }

  std::string bytes_;
  uint64_t calls_ = 0;
};

} // namespace millrace::preload
