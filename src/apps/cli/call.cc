#include "apps/cli/call.h"

#include <cstdlib>
#include <ctime>

#include "apps/cli/start_engine.h"
#include "base/text.h"
#include "client/http/address.h"
#include "kernel/file/file.h"
#include "kernel/process/terminal_mode.h"

namespace proa::cli {
namespace {

Result<client::Address> address_of(const Globals& globals) {
  if (!globals.host.empty()) return client::parse_address(globals.host);
  return client::address_from_environment();
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// Whoever names a host wants that one, running.
bool may_start(const Globals& globals) {
  return globals.host.empty() && !is_set("PROA_HOST") && !is_set("DOCKER_HOST");
}

}  // namespace

Result<client::Client*> Call::engine() {
  if (client_) return &*client_;
  client::Address address = TRY(address_of(globals_));
  auto connection = client::Connection::open(address);
  if (!connection.ok() && may_start(globals_) && nobody_listens(connection.error())) {
    TRY(start_engine(address.path));
    connection = client::Connection::open(address);
  }
  if (!connection.ok()) return std::move(connection).error();
  client_.emplace(std::move(address), connection.take());
  return &*client_;
}

Result<client::Client> Call::another() const {
  client::Address address = TRY(address_of(globals_));
  return client::Client(std::move(address));
}

client::ListingOptions Call::listing(std::vector<std::string_view> usual) const {
  client::ListingOptions options;
  options.format = flags_.text("format");
  options.usual = std::move(usual);
  if (!flags_.is("no-trunc")) options.width = terminal_width();
  return options;
}

Result<void> print(std::string_view text) { return file::write_all(FdRef(1), bytes_of(text)); }

void print_error(std::string_view text) {
  discard(file::write_all(FdRef(2), bytes_of(cat(text, "\n"))), "there is nowhere else to say it");
}

void show_progress(std::string_view text) {
  discard(file::write_all(FdRef(2), bytes_of(text)), "there is nowhere else to show it");
}

std::optional<std::size_t> terminal_width() {
  const auto size = process::window_size(FdRef(1));
  if (!size) return std::nullopt;
  return size->columns;
}

std::string container_path(std::string_view name, std::string_view rest) {
  return cat("/containers/", client::percent_encode(name), rest);
}

std::string image_path(std::string_view name, std::string_view rest) {
  // Slashes stay: image names have them, and so do docker's paths.
  std::string path = "/images";
  for (const std::string_view part : split(name, '/')) {
    path.append("/").append(client::percent_encode(part));
  }
  return path.append(rest);
}

Result<int> for_each_argument(Call& call, Result<void> (*act)(Call&, const std::string&)) {
  // One that cannot be reached for the first cannot be for the others.
  TRY(call.engine());
  int code = 0;
  for (const std::string& argument : call.arguments()) {
    const Result<void> done = act(call, argument);
    if (done.ok()) {
      TRY(print(cat(argument, "\n")));
      continue;
    }
    print_error(done.error().message());
    code = 1;
  }
  return code;
}

std::string text_at(const json::Value& value, std::string_view member) {
  const auto* text = member_at(value, member).get_if<std::string>();
  return text == nullptr ? "" : *text;
}

std::int64_t number_at(const json::Value& value, std::string_view member) {
  const auto* number = member_at(value, member).get_if<std::int64_t>();
  return number == nullptr ? 0 : *number;
}

double real_at(const json::Value& value, std::string_view member) {
  const json::Value& found = member_at(value, member);
  if (const auto* real = found.get_if<double>()) return *real;
  if (const auto* large = found.get_if<std::uint64_t>()) return static_cast<double>(*large);
  if (const auto* whole = found.get_if<std::int64_t>()) return static_cast<double>(*whole);
  return 0;
}

bool flag_at(const json::Value& value, std::string_view member) {
  const auto* flag = member_at(value, member).get_if<bool>();
  return flag != nullptr && *flag;
}

const json::Value& member_at(const json::Value& value, std::string_view member) {
  static const json::Value kNone;
  const json::Value* found = value.find(member);
  return found == nullptr ? kNone : *found;
}

const json::Value::Array& list_at(const json::Value& value, std::string_view member) {
  static const json::Value::Array kNone;
  const auto* list = member_at(value, member).get_if<json::Value::Array>();
  return list == nullptr ? kNone : *list;
}

const json::Value::Object& members_at(const json::Value& value, std::string_view member) {
  static const json::Value::Object kNone;
  const auto* members = member_at(value, member).get_if<json::Value::Object>();
  return members == nullptr ? kNone : *members;
}

std::string created_at(std::int64_t unix_seconds) {
  const std::time_t moment = static_cast<std::time_t>(unix_seconds);
  std::tm local = {};
  ::localtime_r(&moment, &local);
  char text[80];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &local);
  return {text, size};
}

std::string local_rfc3339(std::int64_t unix_seconds, std::string_view fraction) {
  const std::time_t moment = static_cast<std::time_t>(unix_seconds);
  std::tm local = {};
  ::localtime_r(&moment, &local);
  char date[40];
  char zone[10];
  const std::size_t date_size = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
  const std::size_t zone_size = std::strftime(zone, sizeof zone, "%z", &local);
  std::string offset(zone, zone_size);
  if (offset.size() == 5) offset.insert(3, ":");
  if (offset == "+00:00") offset = "Z";
  return cat(std::string_view(date, date_size), fraction, offset);
}

Result<bool> confirm(std::string_view question) {
  TRY(print(cat(question, "\nAre you sure you want to continue? [y/N] ")));
  std::string answer(16, '\0');
  const std::size_t count = TRY(
      file::read_some(FdRef(0), std::as_writable_bytes(std::span(answer.data(), answer.size()))));
  return to_lower(trim(std::string_view(answer).substr(0, count))) == "y";
}

}  // namespace proa::cli
