#include "api/docker/body/log_body.h"

#include "api/route/shape.h"
#include "base/number.h"

namespace proa::api::docker {

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string lower = to_lower(trim(text));
  for (const std::string_view ending : {"ib", "b"}) {
    if (lower.ends_with(ending)) {
      lower.resize(lower.size() - ending.size());
      break;
    }
  }
  std::uint64_t unit = 1;
  constexpr std::string_view kUnits = "kmgt";
  if (const std::size_t index = lower.empty() ? std::string_view::npos : kUnits.find(lower.back());
      index != std::string_view::npos) {
    unit <<= 10 * (index + 1);
    lower.pop_back();
  }
  const auto number = TRY(parse_number<std::uint64_t>(lower), "size '", printable(text), "'");
  return checked_multiply(number, unit);
}

Result<wire::LogOptions> make_log(const std::string& driver,
                                  const std::map<std::string, std::string>& options,
                                  const wire::LogOptions& defaults) {
  wire::LogOptions log = defaults;
  if (driver == "none") {
    log = {.driver = wire::LogDriver::none};
  } else if (driver == "json-file" || driver == "local") {
    log.driver = wire::LogDriver::json_file;
  } else if (!driver.empty()) {
    return fail(ErrorKind::invalid_argument, "logger: no log driver named '", printable(driver),
                "' is registered");
  }
  for (const auto& [key, value] : options) {
    if (key == "max-size") {
      log.maximum_size = TRY(parse_size(value), "log option max-size");
    } else if (key == "max-file") {
      log.maximum_files = TRY(parse_number<std::uint32_t>(value), "log option max-file");
      if (log.maximum_files == 0) {
        return fail(ErrorKind::invalid_argument, "max-file cannot be less than 1");
      }
    } else {
      return fail(ErrorKind::invalid_argument, "unknown log opt '", printable(key),
                  "' for json-file log driver");
    }
  }
  return log;
}

Result<wire::LogOptions> read_log(const json::Reader& reader, const wire::LogOptions& defaults) {
  std::string driver;
  std::map<std::string, std::string> options;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("Type", driver);
  visit("Config", options);
  TRY(visit.take());
  return make_log(driver, options, defaults);
}

json::Value print_log(const wire::LogOptions& log) {
  json::Value value = json::Value::object();
  value.set("Type", log.driver == wire::LogDriver::none ? "none" : "json-file");
  json::Value options = json::Value::object();
  if (log.maximum_files > 1) options.set("max-file", cat(log.maximum_files));
  if (log.maximum_size > 0) options.set("max-size", cat(log.maximum_size));
  value.set("Config", std::move(options));
  return value;
}

}  // namespace proa::api::docker
