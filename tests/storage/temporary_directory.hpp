#pragma once

// A real directory for one test.

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace millrace {

/// Unique; removed with everything in it when the object goes.
class temporary_directory {
public:
  temporary_directory() {
    auto pattern
      = (std::filesystem::temp_directory_path() / "millrace-test-XXXXXX")
          .string();
    const char* made = ::mkdtemp(pattern.data());
    path_ = made != nullptr ? made : "";
  }
  ~temporary_directory() {
    std::error_code ignored; // a leftover in /tmp harms no test
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  [[nodiscard]] const std::string& path() const {
    return path_;
  }

private:
  std::string path_;
};

} // namespace millrace
