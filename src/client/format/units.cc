#include "client/format/units.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>

#include "base/number.h"
#include "base/text.h"

namespace proa::client {
namespace {

std::string in_units(double amount, double base, std::span<const char* const> units, int digits) {
  std::size_t unit = 0;
  while (amount >= base && unit + 1 < units.size()) {
    amount /= base;
    ++unit;
  }
  // Not %g alone: 999.9 at three digits would get an exponent.
  char text[32];
  if (amount >= 999 && digits < 4) {
    std::snprintf(text, sizeof text, "%.0f", amount);
  } else {
    std::snprintf(text, sizeof text, "%.*g", digits, amount);
  }
  return cat(std::string_view(text), units[unit]);
}

std::string counted(std::int64_t count, std::string_view unit) { return cat(count, " ", unit); }

Error no_duration(std::string_view text) {
  return fail(ErrorKind::invalid_argument, "invalid duration '", printable(text), "'");
}

// A non-negative decimal number without exponent, sign or blanks.
Result<double> parse_decimal(std::string_view text) {
  const bool plain = !text.empty() && text.size() < 40 && text != "." &&
                     text.find_first_not_of("0123456789.") == std::string_view::npos &&
                     std::ranges::count(text, '.') <= 1;
  if (!plain) {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 64), "' is not a number");
  }
  return std::strtod(std::string(text).c_str(), nullptr);
}

std::string stamp(std::chrono::nanoseconds since_epoch) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  std::string fraction = cat((since_epoch - seconds).count());
  fraction.insert(0, 9 - fraction.size(), '0');
  return cat(seconds.count(), ".", fraction);
}

}  // namespace

std::string human_size(double bytes, int digits) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  return in_units(bytes, 1000, kUnits, digits);
}

std::string binary_size(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  return in_units(bytes, 1024, kUnits, 4);
}

std::string human_duration(std::chrono::seconds duration) {
  const std::int64_t seconds = duration.count();
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return counted(seconds, "seconds");
  const std::int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return counted(minutes, "minutes");
  const std::int64_t hours = (seconds + 1800) / 3600;
  if (hours == 1) return "About an hour";
  if (hours < 48) return counted(hours, "hours");
  if (hours < 24 * 7 * 2) return counted(hours / 24, "days");
  if (hours < 24 * 30 * 2) return counted(hours / 24 / 7, "weeks");
  if (hours < 24 * 365 * 2) return counted(hours / 24 / 30, "months");
  return counted(hours / 24 / 365, "years");
}

std::string human_age(std::int64_t unix_seconds, Moment now) {
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() - unix_seconds;
  return human_duration(std::chrono::seconds(seconds)) + " ago";
}

Result<std::int64_t> parse_size(std::string_view text) {
  const std::string lower = to_lower(trim(text));
  std::string_view number = lower;
  if (number.ends_with("ib") || number.ends_with("b")) {
    number.remove_suffix(number.ends_with("ib") ? 2 : 1);
  }
  constexpr std::string_view kUnits = "kmgtp";
  double factor = 1;
  if (!number.empty()) {
    const std::size_t unit = kUnits.find(number.back());
    if (unit != std::string_view::npos) {
      factor = std::pow(1024.0, static_cast<double>(unit + 1));
      number.remove_suffix(1);
    }
  }
  number = trim(number);
  const auto amount = parse_decimal(number);
  if (!amount.ok() || amount.value() * factor > 9e18) {
    return fail(ErrorKind::invalid_argument, "invalid size: '", printable(text), "'");
  }
  return static_cast<std::int64_t>(amount.value() * factor);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return no_duration(text);
  double total = 0;
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
    const auto amount = parse_decimal(rest.substr(0, digits));
    rest.remove_prefix(digits);
    const std::size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
    const auto* unit = std::ranges::find(kUnits, rest.substr(0, letters),
                                         &std::pair<std::string_view, double>::first);
    if (!amount.ok() || unit == std::end(kUnits)) return no_duration(text);
    rest.remove_prefix(letters);
    total += amount.value() * unit->second;
  }
  if (total > 9e18) return no_duration(text);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

Result<std::string> parse_moment(std::string_view text, Moment now) {
  if (const auto passed = parse_duration(text); passed.ok() && text != "0") {
    return stamp(now.time_since_epoch() - passed.value());
  }
  const auto [seconds, fraction] = split_once(text, '.');
  if (const auto number = parse_number<std::int64_t>(seconds); number.ok()) {
    if (fraction.empty()) return std::string(seconds);
    if (fraction.size() <= 9 && parse_number<std::uint32_t>(fraction).ok()) {
      std::string nanoseconds(fraction);
      nanoseconds.resize(9, '0');
      return cat(seconds, ".", nanoseconds);
    }
  }
  // "2026-01-02", "2026-01-02T03:04", "2026-01-02T03:04:05": the rest is zero, UTC.
  constexpr std::string_view kWhole = "0000-00-00T00:00:00Z";
  std::string whole(text);
  const bool cut = text.size() == 10 || text.size() == 13 || text.size() == 16 ||
                   (text.size() == 19 && text.find('Z') == std::string_view::npos);
  if (cut) whole.append(kWhole.substr(whole.size()));
  const auto moment = parse_rfc3339(whole);
  if (!moment.ok()) {
    return fail(ErrorKind::invalid_argument, "invalid value '", printable(text),
                "': expected a time (RFC 3339), seconds since 1970, or a duration");
  }
  return stamp(moment.value().time_since_epoch());
}

Result<std::int64_t> parse_cpus(std::string_view text) {
  const auto number = parse_decimal(text);
  if (!number.ok() || number.value() > 1e6) {
    return fail(ErrorKind::invalid_argument, "invalid number of CPUs: '", printable(text), "'");
  }
  return std::llround(number.value() * 1e9);
}

}  // namespace proa::client
