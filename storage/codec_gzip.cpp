#include "storage/codec_table.hpp"

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <string>

namespace millrace {

namespace {

// zlib's window of 2^15, plus 16 for gzip's header and trailer.
constexpr int gzip_window = 15 + 16;

error bad(const char* what) {
  return {errc::corrupt, std::string{"gzip: "} + what};
}

uint8_t* bytes_of(const std::byte* data) {
  // zlib's next_in is not const, but it only reads there.
  return reinterpret_cast<uint8_t*>(const_cast<std::byte*>(data));
}

class gzip_reader final : public decompressor {
public:
  explicit gzip_reader(std::span<const std::byte> input) : input_(input) {
    ready_ = inflateInit2(&stream_, gzip_window) == Z_OK;
  }
  ~gzip_reader() override {
    inflateEnd(&stream_);
  }
  gzip_reader(const gzip_reader&) = delete;
  gzip_reader& operator=(const gzip_reader&) = delete;

  result<size_t> read(std::span<std::byte> into) override {
    if (!ready_)
      return bad("no memory");
    const size_t room = std::min<size_t>(into.size(), INT_MAX);
    stream_.next_out = bytes_of(into.data());
    stream_.avail_out = static_cast<uInt>(room);
    while (!done_ && stream_.avail_out == room)
      MILLRACE_TRY(step());
    return room - stream_.avail_out;
  }

private:
  result<void> step() {
    const size_t part = std::min<size_t>(input_.size(), INT_MAX);
    stream_.next_in = bytes_of(input_.data());
    stream_.avail_in = static_cast<uInt>(part);
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    input_ = input_.subspan(part - stream_.avail_in);
    if (outcome == Z_STREAM_END) {
      // Members may follow one another, as gzip's format says.
      done_ = input_.empty() || inflateReset(&stream_) != Z_OK;
      return {};
    }
    if (outcome == Z_BUF_ERROR)
      return bad("ends too early");
    if (outcome != Z_OK)
      return bad(stream_.msg != nullptr ? stream_.msg : "not deflated data");
    return {};
  }

  std::span<const std::byte> input_;
  z_stream stream_{};
  bool ready_ = false;
  bool done_ = false;
};

} // namespace

std::unique_ptr<decompressor> make_gzip(std::span<const std::byte> input) {
  return std::make_unique<gzip_reader>(input);
}

result<std::vector<std::byte>> compress_gzip(
  std::span<const std::byte> input, int level) {
  if (input.size() > INT_MAX)
    return error{errc::too_large, "gzip: more than 2 GiB at once"};
  z_stream stream{};
  if (deflateInit2(
        &stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY)
      != Z_OK)
    return bad("no memory");
  std::vector<std::byte> out(deflateBound(&stream, input.size()));
  stream.next_in = bytes_of(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = bytes_of(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int outcome = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (outcome != Z_STREAM_END)
    return bad("could not compress");
  return out;
}

} // namespace millrace
