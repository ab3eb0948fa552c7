// doctor: what this host can do for workloads, why not more, and how to mend it.
#include "apps/cli/call.h"
#include "apps/cli/system/commands.h"
#include "base/text.h"
#include "client/template/template.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

std::string show_finding(const Value& finding) {
  std::string text = cat(text_at(finding, "Health"));
  text.resize(9, ' ');
  text += cat(text_at(finding, "Name"), ": ", text_at(finding, "Fact"), "\n");
  constexpr const char* kIndent = "         ";
  const std::string cost = text_at(finding, "Cost");
  const std::string mend = text_at(finding, "Mend");
  if (!cost.empty()) text += cat(kIndent, "so: ", cost, "\n");
  if (!mend.empty()) text += cat(kIndent, "mend: ", mend, "\n");
  return text;
}

Result<int> do_doctor(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value answer = TRY(engine->call_json(Request("GET", "/proa/v1/doctor")));
  const std::string format = call.flags().text("format");
  if (!format.empty()) {
    const std::string text = TRY(client::print_each(format, {answer}));
    TRY(print(text));
    return 0;
  }
  std::string text;
  for (const Value& finding : list_at(answer, "Findings")) text += show_finding(finding);
  text += cat("\nThe highest isolation here: ", text_at(answer, "Isolation"), "\n");
  TRY(print(text));
  return 0;
}

constexpr Flag kFlags[] = {
    {'f', "format", Flag::Kind::text, "template", "\"json\" or a Go template"},
};

}  // namespace

const Command kDoctor = {.name = "doctor",
                         .arguments = "",
                         .brief = "Say what this host can do, why not more, and how to mend it",
                         .most = 0,
                         .flags = kFlags,
                         .run = do_doctor};

}  // namespace proa::cli
