#include "tests/preload/directory_content.hpp"

#include "schema/assert.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace millrace::preload {

namespace fs = std::filesystem;

directory_content read_directory(const std::string& path) {
  directory_content content;
  for (const auto& entry : fs::recursive_directory_iterator{path}) {
    const auto name = entry.path().string().substr(path.size());
    if (entry.is_directory()) {
      content[name] = std::nullopt;
    } else if (entry.path().filename() != lock_file_name) {
      std::ifstream in{entry.path(), std::ios::binary};
      content[name] = std::string{std::istreambuf_iterator<char>{in}, {}};
    }
  }
  return content;
}

void write_directory(
  const std::string& path, const directory_content& content) {
  fs::create_directories(path);
  // A directory comes before what is in it: its path is shorter.
  for (const auto& [name, bytes] : content) {
    if (!bytes) {
      fs::create_directory(path + name);
      continue;
    }
    std::ofstream out{path + name, std::ios::binary};
    out.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
    out.close();
    MILLRACE_ASSERT(out.good(), "the rebuilt directory can be written");
  }
}

} // namespace millrace::preload
