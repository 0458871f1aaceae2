#include "word_counter.hpp"

#include "word_counter.capnp.h"

#include <cctype>

namespace word_counter {

namespace {

constexpr const char* words_key = "words";
constexpr const char* distinct_key = "distinct";

} // namespace

void counter::on_start() {
  context().read("text");
}

void counter::on_record(const millrace::topic_record& record) {
  std::string word;
  for (const char c : record.value.value_or("") + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      count(word);
      word.clear();
    }
  }
}

void counter::count(std::string_view word) {
  const auto times = add_to("word/" + std::string{word}, 1);
  add_to(words_key, 1);
  if (times == 1)
    add_to(distinct_key, 1);
  context().write({.topic = "counts",
    .key = std::string{word},
    .value = std::to_string(times)});
}

uint64_t counter::number_at(const std::string& key) {
  const auto known = context().state().get(key);
  return known ? std::stoull(*known) : 0;
}

uint64_t counter::add_to(const std::string& key, uint64_t more) {
  const auto sum = number_at(key) + more;
  context().state().put(key, std::to_string(sum));
  return sum;
}

void counter::on_message(const millrace::actor_message& message) {
  message.as<TotalQuestion>([&](TotalQuestion::Reader) {
    context().send<Total>(message.from(), [&](Total::Builder total) {
      total.setWords(number_at(words_key));
      total.setDistinct(number_at(distinct_key));
      total.setNode(context().node().value);
    });
  });
}

} // namespace word_counter
