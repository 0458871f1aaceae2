#pragma once

// Requests that a client of a small node might send: each field is chosen by
// a byte of a fuzzer's input, mostly from what means something to the node.

#include "schema/kafka/fields.hpp"
#include "schema/kafka_wire.hpp"
#include "storage/record_builder.hpp"
#include "tests/fuzz/input_reader.hpp"

#include <array>
#include <limits>
#include <string_view>
#include <type_traits>

namespace millrace {

/// A visitor of fields that fills them, for one version.
class request_filler {
public:
  request_filler(input_reader& input, int version)
      : input_(input), version_(version) {}

  template <class T>
  void operator()(T& field, bool nullable, bool /*tagged*/) {
    fill(field, nullable);
  }

  template <class T>
  std::enable_if_t<std::is_class_v<T>> fill(T& x, bool) {
    visit_fields(*this, version_, x);
  }

private:
  void fill(bool& x, bool) {
    x = (input_.byte() & 1) != 0;
  }

  template <class T>
  std::enable_if_t<std::is_integral_v<T>> fill(T& x, bool) {
    using limits = std::numeric_limits<T>;
    // Nothing between: a thousand partitions would take a second each time.
    const std::array<T, 16> known{0, 1, static_cast<T>(-1), 2, 3, 4, 5, 6, 7, 8,
      10, static_cast<T>(30000), static_cast<T>(1 << 20), limits::max(),
      limits::min(), static_cast<T>(-2)};
    const auto choice = input_.byte();
    if (choice < 128) // the others leave the default
      x = known[choice % known.size()];
  }

  void fill(double& x, bool) {
    using limits = std::numeric_limits<double>;
    constexpr std::array<double, 10> known{0, 1, -1, 0.5, 1048576, 1e300,
      limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
      limits::denorm_min()};
    x = known[input_.byte() % known.size()];
  }

  void fill(uuid& x, bool) {
    const auto choice = input_.byte();
    x = {static_cast<uint64_t>(choice / 2), static_cast<uint64_t>(choice % 2)};
  }

  void fill(std::string& x, bool) {
    static constexpr std::array<std::string_view, 20> known{"t", "u", "g", "",
      "consumer", "range", "roundrobin", "__consumer_offsets", "0", "1",
      "client", "retention.ms", "cleanup.policy", "compact",
      "max.message.bytes", "a.b", "a_b", "no such thing", "\xff\xfe", "/"};
    const auto choice = input_.byte();
    if (choice < 224) {
      x = known[choice % known.size()];
      return;
    }
    const auto bytes = input_.take(choice - 224);
    x.assign(bytes.begin(), bytes.end());
  }

  void fill(kafka::records& x, bool nullable) {
    const auto choice = input_.byte();
    if (nullable && choice == 255) {
      x = {.is_null = true};
      return;
    }
    record_builder builder{static_cast<compression_codec>(choice % 5)};
    record_view record;
    record.key = "key";
    record.value = "a value";
    for (int i = 0; i <= choice % 3; ++i)
      builder.add(record);
    if (auto made = builder.finish())
      x.bytes = std::move(*made);
    const auto damage = input_.byte();
    if (damage > 0 && damage < x.bytes.size())
      x.bytes.writable()[damage] ^= std::byte{4};
    if ((choice & 64) != 0)
      patch_crc(x.bytes.writable()); // it lies, but its sum is right
  }

  template <class T>
  void fill(std::vector<T>& x, bool) {
    const size_t count = input_.byte();
    x.resize(count < 128 ? count % 3 : count - 127); // mostly few
    for (auto& element : x)
      fill(element, false);
  }

  template <class T>
  void fill(std::optional<T>& x, bool nullable) {
    x.reset();
    if (nullable && input_.byte() % 4 == 3)
      return;
    x = T{}; // emplace() asks Clang too early whether T can be made
    fill(*x, false);
  }

  input_reader& input_;
  int version_;
};

} // namespace millrace
