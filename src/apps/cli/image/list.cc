// images and history.
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/image/commands.h"
#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using client::Request;
using json::Value;

constexpr std::string_view kNone = "<none>";

constexpr Column kColumns[] = {
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"Digest", "DIGEST"},
    {"ID", "IMAGE ID"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"Size", "SIZE"},
    {"Containers", "CONTAINERS"},
    {"SharedSize", "SHARED SIZE"},
    {"UniqueSize", "UNIQUE SIZE"},
    {"VirtualSize", "SIZE"},
};

std::string short_id(const std::string& id, bool whole) {
  if (whole) return id;
  const std::string_view digits = id.starts_with("sha256:") ? std::string_view(id).substr(7) : id;
  return std::string(digits.substr(0, 12));
}

struct Name {
  std::string repository;
  std::string tag;
};

// "host:5000/a:1" at the last colon behind the last slash.
Name split_tag(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t slash = text.rfind('/');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (!tagged) return {std::string(text), std::string(kNone)};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::vector<std::string> texts_at(const Value& value, std::string_view member) {
  std::vector<std::string> texts;
  for (const Value& entry : list_at(value, member)) {
    const auto* text = entry.get_if<std::string>();
    if (text != nullptr && !text->starts_with("<none>")) texts.push_back(*text);
  }
  return texts;
}

Value row_of(const Value& image, const Name& name, const std::string& digest, bool whole,
             Moment moment) {
  Value row = Value::object();
  row.set("Repository", name.repository);
  row.set("Tag", name.tag);
  row.set("Digest", digest.empty() ? kNone : std::string_view(digest));
  row.set("ID", short_id(text_at(image, "Id"), whole));
  const std::int64_t created = number_at(image, "Created");
  row.set("CreatedSince", created <= 0 ? "N/A" : client::human_age(created, moment));
  row.set("CreatedAt", created_at(created));
  const std::string size = client::human_size(real_at(image, "Size"), 3);
  row.set("Size", size);
  row.set("VirtualSize", size);
  const std::int64_t containers = number_at(image, "Containers");
  row.set("Containers", containers < 0 ? "N/A" : cat(containers));
  const double shared = real_at(image, "SharedSize");
  row.set("SharedSize", shared < 0 ? "N/A" : client::human_size(shared, 3));
  row.set("UniqueSize",
          shared < 0 ? "N/A" : client::human_size(real_at(image, "Size") - shared, 3));
  return row;
}

// A line for each name; names of digests stand beside the tag of the same repository.
void add_rows(std::vector<Value>& rows, const Value& image, bool whole, bool digests,
              Moment moment) {
  const std::vector<std::string> tags = texts_at(image, "RepoTags");
  const std::vector<std::string> names = texts_at(image, "RepoDigests");
  const auto digest_of = [&](std::string_view repository) -> std::string {
    for (const std::string& name : names) {
      const std::size_t at = name.find('@');
      if (at != std::string::npos && name.compare(0, at, repository) == 0) {
        return name.substr(at + 1);
      }
    }
    return "";
  };
  for (const std::string& tag : tags) {
    const Name name = split_tag(tag);
    rows.push_back(row_of(image, name, digests ? digest_of(name.repository) : "", whole, moment));
  }
  if (!tags.empty()) return;
  Name name{std::string(kNone), std::string(kNone)};
  if (!names.empty()) name.repository = names.front().substr(0, names.front().find('@'));
  rows.push_back(row_of(image, name, digests ? digest_of(name.repository) : "", whole, moment));
}

Result<int> do_images(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/images/json");
  if (flags.is("all")) request.query("all", "1");
  std::vector<std::string> filters = flags.list("filter");
  if (!call.arguments().empty()) filters.push_back(cat("reference=", call.argument(0)));
  if (!filters.empty()) request.query("filters", TRY(client::filters_text(filters)));
  const Value images = TRY(engine->call_json(request));
  const auto* list = images.get_if<Value::Array>();
  if (list == nullptr) return fail(ErrorKind::corrupt, "the engine sent no list of images");
  const bool whole = flags.is("no-trunc");
  std::vector<Value> rows;
  const Moment moment = now();
  const bool digests =
      flags.is("digests") || flags.text("format").find(".Digest") != std::string::npos;
  for (const Value& image : *list) add_rows(rows, image, whole, digests, moment);
  if (flags.is("quiet")) {
    std::string ids;
    for (const Value& row : rows) ids.append(text_at(row, "ID")).append("\n");
    TRY(print(ids));
    return 0;
  }
  std::vector<std::string_view> usual = {"Repository", "Tag", "ID", "CreatedSince", "Size"};
  if (flags.is("digests")) usual.insert(usual.begin() + 2, "Digest");
  const std::string text =
      TRY(client::print_listing(call.listing(std::move(usual)), kColumns, rows));
  TRY(print(text));
  return 0;
}

constexpr Column kHistoryColumns[] = {
    {"ID", "IMAGE"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"CreatedBy", "CREATED BY"},
    {"Size", "SIZE"},
    {"Comment", "COMMENT"},
};

Result<int> do_history(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  const Value history =
      TRY(engine->call_json(Request("GET", image_path(call.argument(0), "/history"))));
  const auto* list = history.get_if<Value::Array>();
  if (list == nullptr) return fail(ErrorKind::corrupt, "the engine sent no history");
  const bool whole = flags.is("no-trunc");
  const bool human = flags.is("human", true);
  std::vector<Value> rows;
  const Moment moment = now();
  std::string ids;
  for (const Value& step : *list) {
    const std::string id = text_at(step, "Id");
    const std::string shown = id.starts_with("sha256:") ? short_id(id, whole) : id;
    ids.append(shown).append("\n");
    Value row = Value::object();
    row.set("ID", shown);
    const std::int64_t created = number_at(step, "Created");
    row.set("CreatedSince", human ? client::human_age(created, moment) : local_rfc3339(created));
    row.set("CreatedAt", local_rfc3339(created));
    std::string by = text_at(step, "CreatedBy");
    std::ranges::replace(by, '\t', ' ');
    row.set("CreatedBy", whole ? by : client::shorten(by, 45));
    const double size = real_at(step, "Size");
    row.set("Size", human ? client::human_size(size, 3) : cat(static_cast<std::int64_t>(size)));
    row.set("Comment", text_at(step, "Comment"));
    rows.push_back(std::move(row));
  }
  if (flags.is("quiet")) {
    TRY(print(ids));
    return 0;
  }
  const std::string text = TRY(client::print_listing(
      call.listing({"ID", "CreatedSince", "CreatedBy", "Size", "Comment"}), kHistoryColumns, rows));
  TRY(print(text));
  return 0;
}

constexpr Flag kFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "Also images that only other images are made of"},
    {'\0', "digests", Flag::Kind::boolean, "", "Also digests"},
    {'f', "filter", Flag::Kind::list, "name=value",
     "Only those like this: dangling, label, before, since, reference"},
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'\0', "no-trunc", Flag::Kind::boolean, "", "Shorten nothing"},
    {'q', "quiet", Flag::Kind::boolean, "", "Ids only"},
};
constexpr Flag kHistoryFlags[] = {
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'H', "human", Flag::Kind::boolean, "", "Sizes and dates for people (the default)"},
    {'\0', "no-trunc", Flag::Kind::boolean, "", "Shorten nothing"},
    {'q', "quiet", Flag::Kind::boolean, "", "Ids only"},
};

}  // namespace

const Command kImages = {.name = "images",
                         .arguments = "[REPOSITORY[:TAG]]",
                         .brief = "List images",
                         .most = 1,
                         .flags = kFlags,
                         .run = do_images,
                         .completes = "image"};
const Command kHistory = {.name = "history",
                          .arguments = "IMAGE",
                          .brief = "Show what made an image",
                          .least = 1,
                          .most = 1,
                          .flags = kHistoryFlags,
                          .run = do_history,
                          .completes = "image"};

}  // namespace proa::cli
