// Runs a fuzzer's function over the files of its kept corpus, and over inputs
// made from them by simple damage, in builds that have no libFuzzer.
//
// usage: fuzz_NAME CORPUS [--undamaged]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using bytes = std::vector<uint8_t>;

bytes contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return bytes(std::istreambuf_iterator<char>(in), {});
}

size_t run(const bytes& input) {
  // An exact copy on the heap: the sanitizers see one byte read too many.
  bytes copy(input);
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
  return 1;
}

/// Every input cut short, and with each of its first bytes at an extreme: a
/// length field usually stands there.
size_t run_damaged(const bytes& input) {
  size_t count = 0;
  auto reach = std::min<size_t>(input.size(), 256);
  for (size_t at = 0; at < reach; ++at) {
    count += run(bytes(input.begin(), input.begin() + at));
    for (uint8_t value : {0x00, 0x7f, 0x80, 0xff}) {
      bytes changed(input);
      changed[at] = value;
      count += run(changed);
    }
  }
  return count;
}

} // namespace

int main(int argc, char** argv) {
  // Where one input takes long, a thousand made from each would take too long.
  const bool undamaged = argc > 2 && std::string_view{argv[2]} == "--undamaged";
  size_t count = run({});
  if (argc > 1 && std::filesystem::is_directory(argv[1])) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1]))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      auto input = contents(file);
      count += run(input);
      if (!undamaged)
        count += run_damaged(input);
    }
  }
  std::printf("%zu inputs, no crash\n", count);
  return 0;
}
