#include "apps/cli/system/prune.h"

#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

// Names, or the two members that tell what became of an image.
std::string lines_of(const json::Value& entry) {
  if (const auto* name = entry.get_if<std::string>()) return *name + "\n";
  std::string text;
  if (const std::string name = text_at(entry, "Untagged"); !name.empty()) {
    text.append("untagged: ").append(name).append("\n");
  }
  if (const std::string id = text_at(entry, "Deleted"); !id.empty()) {
    text.append("deleted: ").append(id).append("\n");
  }
  return text;
}

}  // namespace

Result<void> prune_part(Call& call, const PruneWhat& what, double& reclaimed) {
  std::vector<std::string> filters = call.flags().list("filter");
  if (!what.filter.empty()) filters.emplace_back(what.filter);
  client::Client* engine = TRY(call.engine());
  client::Request request("POST", std::string(what.path));
  if (!filters.empty()) request.query("filters", TRY(client::filters_text(filters)));
  if (!what.query.empty()) request.query(what.query, "1");
  const json::Value answer = TRY(engine->call_json(request));
  std::string text;
  for (const json::Value& entry : list_at(answer, what.list)) text.append(lines_of(entry));
  if (!text.empty()) TRY(print(cat(what.title, "\n", text, "\n")));
  reclaimed += real_at(answer, "SpaceReclaimed");
  return {};
}

Result<int> prune(Call& call, const PruneWhat& what) {
  if (!call.flags().is("force")) {
    const bool sure = TRY(confirm(cat("WARNING! This will remove ", what.what, ".")));
    if (!sure) return 0;
  }
  double reclaimed = 0;
  TRY(prune_part(call, what, reclaimed));
  if (what.list != "NetworksDeleted") {
    TRY(print(cat("Total reclaimed space: ", client::human_size(reclaimed), "\n")));
  }
  return 0;
}

}  // namespace proa::cli
