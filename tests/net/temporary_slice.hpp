#pragma once

// Slice sources for the tests of net/: an unlinked file in /tmp, and bytes in
// memory that have no descriptor.

#include "net/descriptor.hpp"
#include "schema/file_slice.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

namespace millrace {

class temporary_file final : public slice_source {
public:
  explicit temporary_file(const std::string& content) {
    char name[] = "/tmp/millrace-slice-XXXXXX";
    file_ = millrace::descriptor{::mkstemp(name)};
    ::unlink(name);
    size_t done = 0;
    while (done < content.size()) {
      auto wrote
        = ::write(file_.get(), content.data() + done, content.size() - done);
      if (wrote <= 0)
        break;
      done += static_cast<size_t>(wrote);
    }
  }
  [[nodiscard]] bool resident(uint64_t, uint64_t) const override {
    return true;
  }
  [[nodiscard]] int descriptor() const override {
    return file_.get();
  }
  [[nodiscard]] result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override {
    auto got = ::pread(
      file_.get(), into.data(), into.size(), static_cast<off_t>(position));
    return static_cast<size_t>(std::max<ssize_t>(got, 0));
  }

private:
  millrace::descriptor file_;
};

class memory_source final : public slice_source {
public:
  explicit memory_source(std::string content) : content_(std::move(content)) {}
  [[nodiscard]] bool resident(uint64_t, uint64_t) const override {
    return true;
  }
  [[nodiscard]] int descriptor() const override {
    return -1;
  }
  [[nodiscard]] result<size_t> read_at(
    uint64_t position, std::span<std::byte> into) const override {
    auto begin = std::min<size_t>(position, content_.size());
    auto size = std::min(into.size(), content_.size() - begin);
    std::memcpy(into.data(), content_.data() + begin, size);
    return size;
  }

private:
  std::string content_;
};

inline file_slice slice_of_temporary_file(const std::string& content) {
  return {std::make_shared<temporary_file>(content), 0,
    static_cast<uint32_t>(content.size())};
}

inline file_slice slice_of_memory(const std::string& content) {
  return {std::make_shared<memory_source>(content), 0,
    static_cast<uint32_t>(content.size())};
}

} // namespace millrace
