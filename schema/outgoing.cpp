#include "schema/outgoing.hpp"

#include <span>

namespace millrace {

namespace {

result<void> append_slice(std::string& to, const file_slice& slice) {
  const auto begin = to.size();
  to.resize(begin + slice.size);
  size_t done = 0;
  while (done < slice.size) {
    auto into = std::as_writable_bytes(
      std::span{to.data() + begin + done, slice.size - done});
    auto count = slice.source->read_at(slice.position + done, into);
    MILLRACE_TRY(count);
    if (*count == 0)
      return error{
        errc::truncated, "file slice of " + std::to_string(slice.size)
                           + " bytes at " + std::to_string(slice.position)};
    done += *count;
  }
  return {};
}

} // namespace

size_t outgoing::size() const {
  auto total = bytes.size();
  for (const auto& x : inserts)
    total += x.size();
  return total;
}

result<std::string> flatten(const outgoing& out) {
  std::string whole;
  whole.reserve(out.size());
  size_t at = 0;
  for (const auto& x : out.inserts) {
    whole.append(out.bytes, at, x.at - at);
    at = x.at;
    whole.append(x.bytes.text());
    if (x.slice.size > 0)
      MILLRACE_TRY(append_slice(whole, x.slice));
  }
  whole.append(out.bytes, at, std::string::npos);
  return whole;
}

} // namespace millrace
