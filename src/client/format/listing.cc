#include "client/format/listing.h"

#include <algorithm>

#include "base/text.h"
#include "client/format/table.h"
#include "client/template/functions.h"
#include "client/template/template.h"

namespace proa::client {
namespace {

std::string cell_of(const json::Value& row, std::string_view key) {
  const json::Value* value = row.find(key);
  return value == nullptr ? "" : print_as_go(*value);
}

std::string usual_table(const ListingOptions& options, std::span<const Column> columns,
                        const std::vector<json::Value>& rows) {
  std::vector<std::string> header;
  for (const std::string_view key : options.usual) {
    for (const Column& column : columns) {
      if (column.key == key) header.emplace_back(column.header);
    }
  }
  Table table(std::move(header));
  for (const json::Value& row : rows) {
    std::vector<std::string> cells;
    for (const std::string_view key : options.usual) cells.push_back(cell_of(row, key));
    table.add(std::move(cells));
  }
  return table.print(options.width);
}

}  // namespace

Result<std::string> print_listing(const ListingOptions& options, std::span<const Column> columns,
                                  const std::vector<json::Value>& rows) {
  std::string_view format = options.format;
  const bool is_table = format.empty() || format == "table" || format.starts_with("table ");
  if (format.empty() || format == "table") return usual_table(options, columns, rows);
  if (format == "json") format = "{{json .}}";
  if (is_table) format = trim(format.substr(5));
  const Template filled = TRY(Template::parse(unescape_format(format)));
  std::string text;
  if (is_table) {
    json::Value header = json::Value::object();
    for (const Column& column : columns) header.set(std::string(column.key), column.header);
    text = TRY(filled.execute(header)) + "\n";
  }
  for (const json::Value& row : rows) {
    // Go prints a map's keys in order.
    json::Value::Object members = *row.get_if<json::Value::Object>();
    std::ranges::sort(members, {}, &json::Member::key);
    text.append(TRY(filled.execute(json::Value(std::move(members))))).append("\n");
  }
  return is_table ? Table::of_lines(text).print(options.width) : text;
}

Result<std::string> print_each(std::string_view format, const std::vector<json::Value>& values) {
  const Template filled =
      TRY(Template::parse(format == "json" ? "{{json .}}" : unescape_format(format)));
  std::string text;
  for (const json::Value& value : values) text.append(TRY(filled.execute(value))).append("\n");
  return text;
}

}  // namespace proa::client
