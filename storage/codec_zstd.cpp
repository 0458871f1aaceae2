#include "storage/codec_table.hpp"

#include <zstd.h>

#include <string>

namespace millrace {

namespace {

error bad(size_t code) {
  return {errc::corrupt, std::string{"zstd: "} + ZSTD_getErrorName(code)};
}

class zstd_reader final : public decompressor {
public:
  explicit zstd_reader(std::span<const std::byte> input)
      : input_{input.data(), input.size(), 0}, context_(ZSTD_createDCtx()) {}
  ~zstd_reader() override {
    ZSTD_freeDCtx(context_);
  }
  zstd_reader(const zstd_reader&) = delete;
  zstd_reader& operator=(const zstd_reader&) = delete;

  result<size_t> read(std::span<std::byte> into) override {
    if (context_ == nullptr)
      return error{errc::corrupt, "zstd: no memory"};
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      const size_t before = input_.pos;
      const size_t hint = ZSTD_decompressStream(context_, &out, &input_);
      if (ZSTD_isError(hint))
        return bad(hint);
      const bool moved = input_.pos > before || out.pos > 0;
      if (moved)
        whole_ = hint == 0;
      else if (!whole_)
        return error{errc::corrupt, "zstd: ends too early"};
      else
        break;
    }
    return out.pos;
  }

private:
  ZSTD_inBuffer input_;
  ZSTD_DCtx* context_;
  bool whole_ = false;
};

} // namespace

std::unique_ptr<decompressor> make_zstd(std::span<const std::byte> input) {
  return std::make_unique<zstd_reader>(input);
}

result<std::vector<std::byte>> compress_zstd(
  std::span<const std::byte> input, int level) {
  std::vector<std::byte> out(ZSTD_compressBound(input.size()));
  const size_t size
    = ZSTD_compress(out.data(), out.size(), input.data(), input.size(), level);
  if (ZSTD_isError(size))
    return bad(size);
  out.resize(size);
  return out;
}

} // namespace millrace
