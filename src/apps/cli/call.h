// One use of a command: what was typed, the engine it speaks to, and its output.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apps/cli/command.h"
#include "client/format/listing.h"
#include "client/http/client.h"

namespace proa::cli {

struct Globals {
  std::string host;  // -H
};

// Owner: main. Thread: one.
class Call {
 public:
  Call(const Command& command, std::string path, client::Flags flags, const Globals& globals)
      : command_(command), path_(std::move(path)), flags_(std::move(flags)), globals_(globals) {}

  const Command& command() const { return command_; }
  // "container ls"
  const std::string& path() const { return path_; }
  const client::Flags& flags() const { return flags_; }
  const std::vector<std::string>& arguments() const { return flags_.arguments(); }
  const std::string& argument(std::size_t index) const { return flags_.arguments()[index]; }

  // The engine; the first call connects, and starts proad where the default address has none.
  Result<client::Client*> engine();
  // Another client of the same engine, for what goes on beside a stream.
  Result<client::Client> another() const;

  // Options of a listing: --format as it was given, the terminal's width.
  client::ListingOptions listing(std::vector<std::string_view> usual) const;

 private:
  const Command& command_;
  std::string path_;
  client::Flags flags_;
  Globals globals_;
  std::optional<client::Client> client_;
};

// Writes to standard output; a reader that has gone ends the program.
Result<void> print(std::string_view text);
void print_error(std::string_view text);
// What is shown as it comes, to standard error, with line ends of its own.
void show_progress(std::string_view text);
// The width of the terminal that standard output is; nothing where it is none.
std::optional<std::size_t> terminal_width();

// "/containers/NAME/json", with the name escaped.
std::string container_path(std::string_view name, std::string_view rest);
std::string image_path(std::string_view name, std::string_view rest);

// Does the same with each argument and prints its name; goes on after one that fails.
Result<int> for_each_argument(Call& call, Result<void> (*act)(Call&, const std::string&));

// Members of an answer, "" or 0 where they are not there or of another type.
std::string text_at(const json::Value& value, std::string_view member);
std::int64_t number_at(const json::Value& value, std::string_view member);
double real_at(const json::Value& value, std::string_view member);
bool flag_at(const json::Value& value, std::string_view member);
const json::Value& member_at(const json::Value& value, std::string_view member);
const json::Value::Array& list_at(const json::Value& value, std::string_view member);
const json::Value::Object& members_at(const json::Value& value, std::string_view member);

// "2026-01-02 03:04:05 +0100 CET": local time, as docker shows when something was made.
std::string created_at(std::int64_t unix_seconds);
// "2026-01-02T03:04:05+01:00", or with Z; `fraction` goes behind the seconds (".5").
std::string local_rfc3339(std::int64_t unix_seconds, std::string_view fraction = "");

// Asks on the terminal; only "y" is a yes.
Result<bool> confirm(std::string_view question);

}  // namespace proa::cli
