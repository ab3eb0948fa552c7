// inspect: of containers, images, volumes and networks.
#include <algorithm>

#include "apps/cli/container/commands.h"
#include "apps/cli/system/inspect.h"
#include "base/text.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

struct Kind {
  std::string_view type;  // as --type says it
  std::string_view noun;
  std::string (*path)(std::string_view name);
};

constexpr Kind kKinds[] = {
    {"container", "container", [](std::string_view name) { return container_path(name, "/json"); }},
    {"image", "image", [](std::string_view name) { return image_path(name, "/json"); }},
    {"network", "network",
     [](std::string_view name) { return cat("/networks/", client::percent_encode(name)); }},
    {"volume", "volume",
     [](std::string_view name) { return cat("/volumes/", client::percent_encode(name)); }},
};

Result<Value> find_one(Call& call, const std::string& name, std::string_view type) {
  client::Client* engine = TRY(call.engine());
  for (const Kind& kind : kKinds) {
    if (!type.empty() && kind.type != type) continue;
    Request request("GET", kind.path(name));
    if (kind.type == "container" && call.flags().is("size")) request.query("size", "1");
    Result<Value> found = engine->call_json(request);
    const bool elsewhere = !found.ok() && type.empty() &&
                           (found.error().kind() == ErrorKind::not_found ||
                            found.error().kind() == ErrorKind::unsupported ||
                            found.error().kind() == ErrorKind::invalid_argument);
    if (!elsewhere) return found;
  }
  return fail(ErrorKind::not_found, "Error: No such object: ", name);
}

Result<int> do_inspect(Call& call) {
  const std::string type = call.flags().text("type");
  const bool known =
      type.empty() || std::ranges::find(kKinds, type, &Kind::type) != std::end(kKinds);
  if (!known) {
    return fail(ErrorKind::invalid_argument, "\"", printable(type),
                "\" is not a valid value for --type");
  }
  return inspect(call, type);
}

Result<int> do_container_inspect(Call& call) { return inspect(call, "container"); }

constexpr Flag kFlags[] = {
    {'f', "format", Flag::Kind::text, "template", "\"json\" or a Go template"},
    {'s', "size", Flag::Kind::boolean, "", "Also what containers take on disk"},
    {'\0', "type", Flag::Kind::text, "type", "Only container, image, network or volume"},
};

}  // namespace

Result<int> inspect(Call& call, std::string_view type) {
  std::vector<Value> found;
  int code = 0;
  std::string errors;
  for (const std::string& name : call.arguments()) {
    Result<Value> one = find_one(call, name, type);
    if (one.ok()) {
      found.push_back(one.take());
      continue;
    }
    errors.append(one.error().message()).append("\n");
    code = 1;
  }
  const std::string format = call.flags().text("format");
  if (format.empty()) {
    TRY(print(json::print_pretty(Value(Value::Array(found)), 4) + "\n"));
  } else if (format == "json") {
    TRY(print(json::print(Value(Value::Array(found))) + "\n"));
  } else if (!found.empty()) {
    const std::string text = TRY(client::print_each(format, found), "template parsing error");
    TRY(print(text));
  }
  if (code != 0) print_error(trim(errors));
  return code;
}

const Command kInspect = {
    .name = "inspect",
    .arguments = "NAME|ID [NAME|ID...]",
    .brief = "Show all about containers, images, networks or volumes as JSON",
    .least = 1,
    .flags = kFlags,
    .run = do_inspect,
    .more =
        "Examples:\n  proa inspect -f '{{.State.Status}}' web\n"
        "  proa inspect -f '{{range .Mounts}}{{println .Source}}{{end}}' web\n",
    .completes = "container"};
const Command kContainerInspect = {.name = "inspect",
                                   .arguments = "CONTAINER [CONTAINER...]",
                                   .brief = "Show all about containers as JSON",
                                   .least = 1,
                                   .flags = kFlags,
                                   .run = do_container_inspect,
                                   .completes = "container"};

}  // namespace proa::cli
