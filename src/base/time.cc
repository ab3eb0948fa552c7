#include "base/time.h"

#include <array>
#include <cstdio>

#include "base/number.h"

namespace proa {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::sys_days;

// Takes `width` digits off the front of `text`; -1 where they are not there.
int take_digits(std::string_view& text, std::size_t width) {
  const auto number = parse_number<unsigned>(text.substr(0, width));
  if (text.size() < width || !number.ok()) return -1;
  text.remove_prefix(width);
  return static_cast<int>(number.value());
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

nanoseconds take_fraction(std::string_view& text) {
  std::int64_t value = 0;
  std::int64_t unit = 1'000'000'000;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    unit /= 10;
    value += unit * (text.front() - '0');
    text.remove_prefix(1);
  }
  return nanoseconds(value);
}

}  // namespace

Moment now() { return std::chrono::system_clock::now(); }

std::string to_rfc3339(Moment moment) {
  const auto day = std::chrono::floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  std::array<char, 64> text;
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

Result<Moment> parse_rfc3339(std::string_view whole) {
  std::string_view text = whole;
  const Error fault =
      fail(ErrorKind::invalid_argument, "'", printable(whole, 64), "' is not an RFC 3339 time");
  const int year = take_digits(text, 4);
  const bool dash_1 = take(text, "-");
  const int month = take_digits(text, 2);
  const bool dash_2 = take(text, "-");
  const int day = take_digits(text, 2);
  const bool separator = take(text, "Tt ");
  const int hour = take_digits(text, 2);
  const bool colon_1 = take(text, ":");
  const int minute = take_digits(text, 2);
  const bool colon_2 = take(text, ":");
  const int second = take_digits(text, 2);
  if (!dash_1 || !dash_2 || !separator || !colon_1 || !colon_2) return fault;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return fault;
  }
  nanoseconds fraction{};
  if (take(text, ".")) fraction = take_fraction(text);
  minutes offset{};
  if (!take(text, "Zz")) {
    const bool east = text.starts_with('+');
    if (!take(text, "+-")) return fault;
    const int offset_hours = take_digits(text, 2);
    const bool colon = take(text, ":");
    const int offset_minutes = take_digits(text, 2);
    if (!colon || offset_hours < 0 || offset_hours > 23 || offset_minutes < 0 ||
        offset_minutes > 59) {
      return fault;
    }
    offset = hours(offset_hours) + minutes(offset_minutes);
    if (!east) offset = -offset;
  }
  if (!text.empty()) return fault;
  return Moment(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) + fraction -
         offset;
}

}  // namespace proa
