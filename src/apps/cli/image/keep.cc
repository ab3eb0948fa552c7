// tag, rmi, image inspect, prune, verify, df.
#include "apps/cli/call.h"
#include "apps/cli/image/commands.h"
#include "apps/cli/system/inspect.h"
#include "apps/cli/system/prune.h"
#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"
#include "oci/distribution/reference.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

Result<int> do_tag(Call& call) {
  const auto reference = TRY(oci::distribution::Reference::parse(call.argument(1)));
  if (reference.digest) {
    return fail(ErrorKind::invalid_argument, "refusing to create a tag with a digest reference");
  }
  client::Client* engine = TRY(call.engine());
  Request request("POST", image_path(call.argument(0), "/tag"));
  request.query("repo", reference.name()).query("tag", reference.tag);
  TRY(engine->call(request));
  return 0;
}

Result<int> do_remove(Call& call) {
  client::Client* engine = TRY(call.engine());
  int code = 0;
  for (const std::string& name : call.arguments()) {
    Request request("DELETE", image_path(name, ""));
    if (call.flags().is("force")) request.query("force", "1");
    if (call.flags().is("no-prune")) request.query("noprune", "1");
    const auto removed = engine->call_json(request);
    if (!removed.ok()) {
      const bool missing = removed.error().kind() == ErrorKind::not_found;
      print_error(removed.error().message());
      if (!missing || !call.flags().is("force")) code = 1;
      continue;
    }
    std::string text;
    if (const auto* list = removed.value().get_if<Value::Array>()) {
      for (const Value& entry : *list) {
        const std::string untagged = text_at(entry, "Untagged");
        const std::string deleted = text_at(entry, "Deleted");
        if (!untagged.empty()) text.append("Untagged: ").append(untagged).append("\n");
        if (!deleted.empty()) text.append("Deleted: ").append(deleted).append("\n");
      }
    }
    TRY(print(text));
  }
  return code;
}

Result<int> do_inspect(Call& call) { return inspect(call, "image"); }

// Compressed layers, which can be made again: an engine of ours knows of them.
Result<int> drop_blobs(Call& call) {
  if (!call.flags().is("force")) {
    const bool sure =
        TRY(confirm("WARNING! This will remove compressed layers; a later push or "
                    "save makes them again, with other digests where they were not "
                    "ours."));
    if (!sure) return 0;
  }
  client::Client* engine = TRY(call.engine());
  const Value answer = TRY(engine->call_json(Request("POST", "/proa/v1/images/prune-blobs")));
  TRY(print(
      cat("Total reclaimed space: ", client::human_size(real_at(answer, "SpaceReclaimed")), "\n")));
  return 0;
}

Result<int> do_prune(Call& call) {
  if (call.flags().is("blobs")) return drop_blobs(call);
  const bool all = call.flags().is("all");
  return prune(call,
               {.path = "/images/prune",
                .what = all ? "all images without at least one container" : "all dangling images",
                .list = "ImagesDeleted",
                .title = "Deleted Images:",
                .filter = all ? "dangling=false" : "dangling=true"});
}

Result<int> do_verify(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value answer = TRY(engine->call_json(Request("GET", "/proa/v1/images/verify")));
  std::string text;
  for (const Value& damage : list_at(answer, "Damages")) {
    text.append(cat(text_at(damage, "Path"), ": ", text_at(damage, "What"), "\n"));
  }
  TRY(print(text));
  if (text.empty()) return 0;
  print_error("the image store is damaged; pulling an image again mends it");
  return 1;
}

Result<int> do_usage(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value usage = TRY(engine->call_json(Request("GET", "/proa/v1/images/df")));
  client::Table table({"IMAGE ID", "SIZE", "SHARED"});
  for (const Value& image : list_at(usage, "Images")) {
    const std::string id = text_at(image, "Id");
    table.add({id.starts_with("sha256:") ? id.substr(7, 12) : id,
               client::human_size(real_at(image, "Bytes"), 3),
               client::human_size(real_at(image, "SharedBytes"), 3)});
  }
  for (const auto& [name, member] :
       {std::pair("compressed blobs", "BlobBytes"), std::pair("layers", "LayerBytes"),
        std::pair("reclaimable", "ReclaimableBytes")}) {
    table.add({name, client::human_size(real_at(usage, member), 3), ""});
  }
  TRY(print(table.print(terminal_width())));
  return 0;
}

constexpr Flag kRemoveFlags[] = {
    {'f', "force", Flag::Kind::boolean, "", "All its names, and though containers use it"},
    {'\0', "no-prune", Flag::Kind::boolean, "", "Keep parents without a name"},
};
constexpr Flag kImagePruneFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "All images that no container uses"},
    {'\0', "blobs", Flag::Kind::boolean, "", "Compressed layers that can be made again"},
    {'\0', "filter", Flag::Kind::list, "name=value", "Remove only what is like this"},
    {'f', "force", Flag::Kind::boolean, "", "Do not ask first"},
};

}  // namespace

const Command kTag = {.name = "tag",
                      .arguments = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
                      .brief = "Give an image another name",
                      .least = 2,
                      .most = 2,
                      .flags = {},
                      .run = do_tag,
                      .completes = "image"};
const Command kRemoveImage = {.name = "rmi",
                              .arguments = "IMAGE [IMAGE...]",
                              .brief = "Remove images",
                              .least = 1,
                              .flags = kRemoveFlags,
                              .run = do_remove,
                              .completes = "image"};
const Command kImageInspect = {.name = "inspect",
                               .arguments = "IMAGE [IMAGE...]",
                               .brief = "Show all about images as JSON",
                               .least = 1,
                               .flags = kInspectFlags,
                               .run = do_inspect,
                               .completes = "image"};
const Command kImagePrune = {.name = "prune",
                             .arguments = "",
                             .brief = "Remove images that are not needed",
                             .most = 0,
                             .flags = kImagePruneFlags,
                             .run = do_prune};
const Command kImageVerify = {.name = "verify",
                              .arguments = "",
                              .brief = "Look for damaged layers and blobs",
                              .most = 0,
                              .flags = {},
                              .run = do_verify};
const Command kImageUsage = {.name = "df",
                             .arguments = "",
                             .brief = "Show what of images takes how much on disk",
                             .most = 0,
                             .flags = {},
                             .run = do_usage};

}  // namespace proa::cli
