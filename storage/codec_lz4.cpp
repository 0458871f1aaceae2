#include "storage/codec_table.hpp"

#include <lz4frame.h>

#include <string>

namespace millrace {

namespace {

error bad(size_t code) {
  return {errc::corrupt, std::string{"lz4: "} + LZ4F_getErrorName(code)};
}

class lz4_reader final : public decompressor {
public:
  explicit lz4_reader(std::span<const std::byte> input) : input_(input) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)))
      context_ = nullptr;
  }
  ~lz4_reader() override {
    LZ4F_freeDecompressionContext(context_);
  }
  lz4_reader(const lz4_reader&) = delete;
  lz4_reader& operator=(const lz4_reader&) = delete;

  result<size_t> read(std::span<std::byte> into) override {
    if (context_ == nullptr)
      return error{errc::corrupt, "lz4: no memory"};
    while (true) {
      size_t out = into.size();
      size_t in = input_.size();
      const size_t hint = LZ4F_decompress(
        context_, into.data(), &out, input_.data(), &in, nullptr);
      if (LZ4F_isError(hint))
        return bad(hint);
      input_ = input_.subspan(in);
      if (out > 0) {
        whole_ = hint == 0;
        return out;
      }
      if (in > 0) {
        whole_ = hint == 0;
        continue;
      }
      // Nothing came and nothing went: the end, of a frame if all is well.
      if (!whole_)
        return error{errc::corrupt, "lz4: ends too early"};
      return size_t{0};
    }
  }

private:
  std::span<const std::byte> input_;
  LZ4F_dctx* context_ = nullptr;
  bool whole_ = false;
};

} // namespace

std::unique_ptr<decompressor> make_lz4(std::span<const std::byte> input) {
  return std::make_unique<lz4_reader>(input);
}

result<std::vector<std::byte>> compress_lz4(
  std::span<const std::byte> input, int level) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  // Java's reader knows no linked blocks.
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  // Kafka's default means the quick way; any other level the thorough one,
  // which lz4 knows as 3 to 12.
  constexpr int quick = 9;
  if (level != quick)
    preferences.compressionLevel = std::clamp(level, 3, 12);
  std::vector<std::byte> out(
    LZ4F_compressFrameBound(input.size(), &preferences));
  const size_t size = LZ4F_compressFrame(
    out.data(), out.size(), input.data(), input.size(), &preferences);
  if (LZ4F_isError(size))
    return bad(size);
  out.resize(size);
  return out;
}

} // namespace millrace
