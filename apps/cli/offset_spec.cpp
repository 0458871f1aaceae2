#include "apps/cli/offset_spec.hpp"

#include <charconv>
#include <cstdio>

namespace millrace::cli {
namespace {

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto* end = text.data() + text.size();
  auto [stop, status] = std::from_chars(text.data(), end, value);
  return status == std::errc{} && stop == end && !text.empty();
}

/// Takes `width` digits off the front of `text`.
bool take_digits(std::string_view& text, size_t width, int& value) {
  if (text.size() < width || !parse_number(text.substr(0, width), value)
      || value < 0)
    return false;
  text.remove_prefix(width);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

/// `Z`, `+02:00`, `-0530` or nothing, in minutes east of Greenwich.
bool take_zone(std::string_view& text, int& minutes_east) {
  minutes_east = 0;
  if (text.empty() || take(text, 'Z') || take(text, 'z'))
    return text.empty();
  const int sign = text.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!take(text, '+') && !take(text, '-'))
    return false;
  if (!take_digits(text, 2, hours))
    return false;
  take(text, ':');
  if (!text.empty() && !take_digits(text, 2, minutes))
    return false;
  minutes_east = sign * (hours * 60 + minutes);
  return text.empty();
}

bool take_time(std::string_view& text, int64_t& milliseconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!take_digits(text, 2, hour) || !take(text, ':')
      || !take_digits(text, 2, minute))
    return false;
  if (take(text, ':') && !take_digits(text, 2, second))
    return false;
  if (hour > 23 || minute > 59 || second > 60)
    return false;
  milliseconds = (hour * 3600LL + minute * 60 + second) * 1000;
  if (take(text, '.')) {
    int64_t scale = 100;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      milliseconds += (text.front() - '0') * scale;
      scale /= 10;
      text.remove_prefix(1);
    }
  }
  return true;
}

} // namespace

result<int64_t> parse_timestamp(std::string_view whole) {
  const auto wrong = [&]() -> error {
    return {errc::invalid_argument,
      "'" + std::string{whole}
        + "' is no time: use milliseconds since the epoch, 2024-05-01, or "
          "2024-05-01T12:00:00Z"};
  };
  int64_t number = 0;
  if (parse_number(whole, number))
    return number;
  auto text = whole;
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_digits(text, 4, year) || !take(text, '-')
      || !take_digits(text, 2, month) || !take(text, '-')
      || !take_digits(text, 2, day))
    return wrong();
  const std::chrono::year_month_day date{std::chrono::year{year},
    std::chrono::month{static_cast<unsigned>(month)},
    std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok())
    return wrong();
  int64_t in_day = 0;
  int minutes_east = 0;
  if ((take(text, 'T') || take(text, ' ')) && !take_time(text, in_day))
    return wrong();
  if (!take_zone(text, minutes_east))
    return wrong();
  const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * 86400000LL + in_day - minutes_east * 60000LL;
}

std::string format_timestamp(int64_t milliseconds) {
  using namespace std::chrono;
  const sys_time<std::chrono::milliseconds> at{
    std::chrono::milliseconds{milliseconds}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  char buffer[96];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
    static_cast<int>(time.minutes().count()),
    static_cast<int>(time.seconds().count()),
    static_cast<int>(time.subseconds().count()));
  return buffer;
}

result<offset_spec> parse_offset_spec(std::string_view text) {
  using kind = offset_spec::kind;
  if (text == "beginning" || text == "earliest" || text == "b")
    return offset_spec{kind::beginning};
  if (text == "end" || text == "latest" || text == "e")
    return offset_spec{kind::end};
  if (text == "stored")
    return offset_spec{kind::stored};
  if (!text.empty() && text.front() == '@') {
    auto at = parse_timestamp(text.substr(1));
    if (!at)
      return at.error();
    return offset_spec{kind::timestamp, *at};
  }
  int64_t number = 0;
  if (!parse_number(text, number))
    return error{errc::invalid_argument,
      "'" + std::string{text}
        + "' is no position: use beginning, end, stored, an offset N, -N "
          "(N records before the end) or @TIME"};
  if (number < 0 || text.front() == '-')
    return offset_spec{kind::from_end, -number};
  return offset_spec{kind::absolute, number};
}

} // namespace millrace::cli
