// The page of a comparison, as far as its text tells.
#include "compare/report.h"

#include <gtest/gtest.h>

namespace proa::compare {
namespace {

Comparison comparison() {
  Comparison made;
  made.image = "app<1>";
  made.when = "2026-01-02T03:04:05Z";
  made.figures = {{.key = "start", .title = "Time to start", .unit = "ms", .explanation = "x."}};
  Isolation isolation;
  isolation.kernel = "6.1";
  isolation.system_calls = 12;
  isolation.capabilities = 14;
  isolation.namespaces = {"mnt", "net"};
  made.outcomes = {{{.name = "container", .hypervisor = {}}, {{{1, 2, 3}, {}}}, isolation, {}},
                   {{.name = "vm", .hypervisor = {}, .is_vm = true}, {{}}, {}, "it <ended>"}};
  return made;
}

TEST(ReportTest, page_begins_with_its_title_and_warns_before_it_concludes) {
  Advice advice;
  advice.warnings = {"mind this"};
  advice.verdict = "either";
  const std::string page = print_page(comparison(), advice);
  const std::size_t title = page.find("<h1>app&lt;1&gt;</h1>");
  const std::size_t note = page.find("<p class=\"note\">mind this");
  const std::size_t verdict = page.find("<p class=\"verdict\">either");
  ASSERT_NE(title, std::string::npos);
  EXPECT_LT(title, note);
  EXPECT_LT(note, verdict);
  ASSERT_NE(verdict, std::string::npos);
}

// Where the columns do not fit, each cell says itself what it is.
TEST(ReportTest, page_labels_every_cell_of_isolation) {
  const std::string page = print_page(comparison(), Advice());
  for (const char* cell :
       {R"(data-label="Kernel">the host's, 6.1<)", R"(data-label="System calls">12<)",
        R"(data-label="Capabilities">14<)", R"(data-label="Root inside">nobody on the host<)",
        R"(data-label="Namespaces of its own">mnt, net<)"}) {
    EXPECT_NE(page.find(cell), std::string::npos) << cell;
  }
  EXPECT_NE(page.find("it &lt;ended&gt;"), std::string::npos);
}

}  // namespace
}  // namespace proa::compare
