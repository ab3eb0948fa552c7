// proa-probe: what `proa compare` puts into a workload to measure it from within. Static, so that
// it runs in any image.
//   proa-probe facts | memory | disk DIRECTORY MEBIBYTES | serve PORT
#include <csignal>
#include <cstdio>
#include <string_view>

#include "apps/probe/measures.h"
#include "base/number.h"

namespace {

using namespace proa;

Result<void> show(Result<json::Value> told) {
  if (!told.ok()) return std::move(told).error();
  const std::string line = json::print(told.value()) + "\n";
  std::fputs(line.c_str(), stdout);
  return {};
}

Result<void> run(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "facts" && count == 2) return show(probe::facts());
  if (what == "memory" && count == 2) return show(probe::memory());
  if (what == "disk" && count == 4) {
    return show(probe::disk(arguments[2], TRY(parse_number<std::uint64_t>(arguments[3]))));
  }
  if (what == "serve" && count == 3) {
    return probe::serve(TRY(parse_number<std::uint16_t>(arguments[2])));
  }
  return fail(ErrorKind::invalid_argument,
              "usage: proa-probe facts | memory | disk DIRECTORY MEBIBYTES | serve PORT");
}

}  // namespace

int main(int count, char** arguments) {
  ::signal(SIGPIPE, SIG_IGN);
  const Result<void> done = run(count, arguments);
  if (done.ok()) return 0;
  const std::string message = cat("proa-probe: ", done.error().message(), "\n");
  std::fputs(message.c_str(), stderr);
  return 1;
}
