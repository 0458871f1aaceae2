#include "storage/codec_table.hpp"
#include "storage/record_field.hpp"

#include <snappy.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace millrace {

namespace {

// xerial's framing: a magic of 8 bytes, its version, the oldest version that
// may read it, then blocks, each behind its length.
constexpr std::array<char, 8> xerial_magic{
  '\x82', 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr size_t xerial_header = 16;
constexpr size_t xerial_block = 32u << 10;

error bad(const char* what) {
  return {errc::corrupt, std::string{"snappy: "} + what};
}

const char* chars(const std::byte* data) {
  return reinterpret_cast<const char*>(data);
}

bool is_xerial(std::span<const std::byte> input) {
  return input.size() >= xerial_header
         && std::memcmp(input.data(), xerial_magic.data(), xerial_magic.size())
              == 0;
}

class snappy_reader final : public decompressor {
public:
  snappy_reader(std::span<const std::byte> input, size_t size_max)
      : input_(input), size_max_(size_max), framed_(is_xerial(input)) {
    if (framed_)
      input_ = input_.subspan(xerial_header);
  }

  result<size_t> read(std::span<std::byte> into) override {
    while (at_ == block_.size()) {
      if (input_.empty())
        return size_t{0};
      MILLRACE_TRY(next_block());
    }
    const size_t n = std::min(into.size(), block_.size() - at_);
    std::memcpy(into.data(), block_.data() + at_, n);
    at_ += n;
    return n;
  }

private:
  result<void> next_block() {
    auto block = input_;
    if (framed_) {
      if (input_.size() < 4)
        return bad("a block's length is cut");
      const auto size = load_field<uint32_t>(input_.data());
      if (size > input_.size() - 4)
        return bad("a block is cut");
      block = input_.subspan(4, size);
      input_ = input_.subspan(4 + size_t{size});
    } else {
      input_ = {};
    }
    size_t size = 0;
    if (!snappy::GetUncompressedLength(
          chars(block.data()), block.size(), &size))
      return bad("not a block");
    // No codec expands by more than about 22; a higher claim is a bomb or a
    // lie, and must not take the memory.
    if (size > size_max_ || size / 64 > block.size())
      return error{errc::too_large,
        "snappy: a block claims " + std::to_string(size) + " bytes"};
    block_.resize(size);
    at_ = 0;
    if (!snappy::RawUncompress(chars(block.data()), block.size(),
          reinterpret_cast<char*>(block_.data())))
      return bad("not a block");
    return {};
  }

  std::span<const std::byte> input_;
  const size_t size_max_;
  const bool framed_;
  std::vector<std::byte> block_;
  size_t at_ = 0;
};

} // namespace

std::unique_ptr<decompressor> make_snappy(
  std::span<const std::byte> input, size_t size_max) {
  return std::make_unique<snappy_reader>(input, size_max);
}

result<std::vector<std::byte>> compress_snappy(
  std::span<const std::byte> input) {
  std::vector<std::byte> out(xerial_header);
  std::memcpy(out.data(), xerial_magic.data(), xerial_magic.size());
  store_field(out.data() + 8, int32_t{1});
  store_field(out.data() + 12, int32_t{1});
  while (!input.empty()) {
    const auto part = input.first(std::min(input.size(), xerial_block));
    input = input.subspan(part.size());
    const size_t at = out.size();
    out.resize(at + 4 + snappy::MaxCompressedLength(part.size()));
    size_t size = 0;
    snappy::RawCompress(chars(part.data()), part.size(),
      reinterpret_cast<char*>(out.data() + at + 4), &size);
    store_field(out.data() + at, static_cast<uint32_t>(size));
    out.resize(at + 4 + size);
  }
  return out;
}

} // namespace millrace
