#pragma once

// One blocking connection to a server on this machine. A load that cannot go
// on has measured nothing, so every failure ends the program with a sentence.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

/// Connects at once; Nagle's algorithm is off.
class connection {
public:
  static constexpr size_t read_ahead_usual = size_t{64} << 10;

  /// @param read_ahead bytes to read beyond an answer, if they are there
  explicit connection(uint16_t port, size_t read_ahead = read_ahead_usual);
  ~connection();
  connection(connection&& other) noexcept;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send(std::string_view bytes);
  /// The next answer without its size, valid until the next call. Reads as
  /// much as there is at once: several answers take one system call.
  [[nodiscard]] std::string_view receive();
  /// Whether receive() would not have to read from the socket.
  [[nodiscard]] bool buffered() const;

private:
  void fill(size_t wanted);
  [[nodiscard]] size_t answer_size() const;

  int descriptor_ = -1;
  size_t read_ahead_;
  std::vector<char> in_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

/// Prints the sentence and what the system said, and ends the program.
[[noreturn]] void give_up(const char* what);

} // namespace millrace::bench
