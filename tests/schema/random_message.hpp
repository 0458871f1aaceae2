#pragma once

// Fills any message with random values that differ from the defaults, and
// measures what a message takes in memory.

#include "schema/kafka/fields.hpp"

#include <random>
#include <type_traits>

namespace millrace::kafka {

/// A visitor of fields that fills them, for one version.
class random_filler {
public:
  random_filler(uint64_t seed, int version, bool with_tagged = true)
      : random_(seed), version_(version), with_tagged_(with_tagged) {}

  template <class T>
  void operator()(T& field, bool nullable, bool tagged) {
    if (tagged && !with_tagged_)
      return;
    fill(field, nullable);
  }

private:
  void fill(bool& x, bool) {
    x = !x;
  }

  template <class T>
  std::enable_if_t<std::is_integral_v<T>> fill(T& x, bool) {
    const T before = x;
    while (x == before)
      x = static_cast<T>(random_());
  }

  void fill(double& x, bool) {
    x += 0.125 * static_cast<double>(1 + random_() % 100'000);
  }

  void fill(uuid& x, bool) {
    x = {random_(), random_() | 1};
  }

  void fill(std::string& x, bool) {
    // The compact length takes a second byte from 127 characters on.
    x.resize(1 + random_() % (random_() % 16 == 0 ? 300 : 12));
    for (auto& c : x)
      c = static_cast<char>('a' + random_() % 26);
  }

  void fill(records& x, bool nullable) {
    std::string bytes;
    fill(bytes, false);
    if (random_() % 4 == 0)
      bytes.resize(1000, 'r'); // long enough not to be copied
    x = {.bytes = shared_bytes::copy_of(bytes)};
    if (nullable && random_() % 4 == 0)
      x = {.is_null = true};
  }

  template <class T>
  void fill(std::vector<T>& x, bool) {
    x.clear();
    x.resize(1 + random_() % 3);
    for (auto& element : x)
      fill(element, false);
  }

  template <class T>
  void fill(std::optional<T>& x, bool nullable) {
    const bool was_null = !x.has_value();
    fill(x.emplace(), false);
    if (nullable && !was_null && random_() % 4 == 0)
      x.reset();
  }

  template <class T>
  std::enable_if_t<std::is_class_v<T>> fill(T& x, bool) {
    visit_fields(*this, version_, x);
  }

  std::mt19937_64 random_;
  int version_;
  bool with_tagged_;
};

/// A visitor of fields that adds up the memory behind them.
class memory_counter {
public:
  explicit memory_counter(int version) : version_(version) {}

  template <class T>
  void operator()(T& field, bool, bool) {
    count(field);
  }

  size_t bytes = 0;

  template <class T>
  std::enable_if_t<!std::is_class_v<T>> count(T&) {}
  void count(uuid&) {}
  void count(records&) {}
  void count(std::string& x) {
    if (x.capacity() > 15)
      bytes += x.capacity() + 1;
  }
  template <class T>
  void count(std::vector<T>& x) {
    bytes += x.capacity() * sizeof(T);
    for (auto& element : x)
      count(element);
  }
  template <class T>
  void count(std::optional<T>& x) {
    if (x)
      count(*x);
  }
  template <class T>
  std::enable_if_t<std::is_class_v<T>> count(T& x) {
    visit_fields(*this, version_, x);
  }

private:
  int version_;
};

} // namespace millrace::kafka
