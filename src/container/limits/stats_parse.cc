#include <array>
#include <charconv>
#include <utility>

#include "base/number.h"
#include "base/text.h"
#include "container/limits/stats.h"

namespace proa::container::limits {
namespace {

struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

// "8:0"; nothing for a line about something else, such as v1's grand total.
std::optional<DeviceNumber> parse_device(std::string_view text) {
  const auto [major_text, minor_text] = split_once(text, ':');
  const Result<std::uint32_t> major = parse_number<std::uint32_t>(major_text);
  const Result<std::uint32_t> minor = parse_number<std::uint32_t>(minor_text);
  if (!major.ok() || !minor.ok()) return std::nullopt;
  return DeviceNumber{.major = major.value(), .minor = minor.value()};
}

std::optional<BlockOperation> operation_of(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, BlockOperation>, 6> kWords = {{
      {"Read", BlockOperation::read},
      {"Write", BlockOperation::write},
      {"Sync", BlockOperation::sync},
      {"Async", BlockOperation::async},
      {"Discard", BlockOperation::discard},
      {"Total", BlockOperation::total},
  }};
  for (const auto& [known, operation] : kWords) {
    if (known == word) return operation;
  }
  return std::nullopt;
}

// "avg10=0.12"
Result<double> parse_average(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(ErrorKind::corrupt, "'", printable(text, 64), "' is not a number");
  }
  return number;
}

Result<PressureLine> parse_pressure_line(const std::vector<std::string_view>& fields) {
  PressureLine line;
  for (const std::string_view field : fields) {
    const auto [key, value] = split_once(field, '=');
    if (key == "avg10") line.average10 = TRY(parse_average(value));
    if (key == "avg60") line.average60 = TRY(parse_average(value));
    if (key == "avg300") line.average300 = TRY(parse_average(value));
    if (key == "total") line.total = TRY(parse_number<std::uint64_t>(value));
  }
  return line;
}

}  // namespace

Result<Pressure> parse_pressure(std::string_view text) {
  Pressure pressure;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (fields[0] == "some") pressure.some = TRY(parse_pressure_line(fields));
    if (fields[0] == "full") pressure.full = TRY(parse_pressure_line(fields));
  }
  return pressure;
}

std::vector<BlockCount> parse_blkio(std::string_view text) {
  std::vector<BlockCount> counts;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (fields.size() != 3) continue;
    const std::optional<DeviceNumber> device = parse_device(fields[0]);
    const std::optional<BlockOperation> operation = operation_of(fields[1]);
    const Result<std::uint64_t> value = parse_number<std::uint64_t>(fields[2]);
    if (!device || !operation || !value.ok()) continue;
    counts.push_back({.major = device->major,
                      .minor = device->minor,
                      .operation = *operation,
                      .value = value.value()});
  }
  return counts;
}

BlockStats parse_io_stat(std::string_view text) {
  BlockStats stats;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    const std::optional<DeviceNumber> device = parse_device(fields[0]);
    if (!device) continue;
    for (const std::string_view field : fields) {
      const auto [key, number] = split_once(field, '=');
      const Result<std::uint64_t> value = parse_number<std::uint64_t>(number);
      if (!value.ok() || key.size() < 4) continue;
      const BlockOperation operation = key[0] == 'r'   ? BlockOperation::read
                                       : key[0] == 'w' ? BlockOperation::write
                                                       : BlockOperation::discard;
      const BlockCount count{.major = device->major,
                             .minor = device->minor,
                             .operation = operation,
                             .value = value.value()};
      if (key == "rbytes" || key == "wbytes" || key == "dbytes") stats.bytes.push_back(count);
      if (key == "rios" || key == "wios" || key == "dios") stats.operations.push_back(count);
    }
  }
  return stats;
}

}  // namespace proa::container::limits
