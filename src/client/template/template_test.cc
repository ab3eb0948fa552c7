#include "client/template/template.h"

#include <gtest/gtest.h>

namespace proa::client {
namespace {

constexpr std::string_view kData = R"({
  "Id": "0123456789abcdef", "Name": "/web", "Names": ["a", "b"], "Empty": [], "None": null,
  "State": {"Pid": 42, "Running": true, "ExitCode": 0},
  "Labels": {"z": "last", "a": "first"}, "Ratio": 0.25, "Large": 1048576,
  "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/tcp": null}
})";

std::string filled(std::string_view text) {
  const auto data = json::parse(kData, "data");
  const auto parsed = Template::parse(text);
  if (!parsed.ok()) return "parse: " + parsed.error().message();
  const auto out = parsed.value().execute(data.value());
  return out.ok() ? out.value() : "error: " + out.error().message();
}

TEST(Template, fields_are_found_by_name_and_in_another_case) {
  EXPECT_EQ(filled("{{.Id}} {{.ID}} {{ .State.Pid }}"), "0123456789abcdef 0123456789abcdef 42");
}

TEST(Template, values_print_as_go_prints_them) {
  EXPECT_EQ(filled("{{.Names}} {{.Labels}} {{.State.Running}} {{.Ratio}} {{.None}} {{.Empty}}"),
            "[a b] map[a:first z:last] true 0.25 <no value> []");
}

TEST(Template, missing_field_is_an_error_that_names_it) {
  EXPECT_EQ(filled("{{.State.Foo}}"),
            "error: template: executing at <.State.Foo>: map has no entry for key \"Foo\"");
  EXPECT_EQ(filled("{{.None.X}}"),
            "error: template: executing at <.None.X>: nil data; no entry for key \"X\"");
}

TEST(Template, what_may_be_missing_is_an_answer_to_a_condition) {
  EXPECT_EQ(filled("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"), "none");
  EXPECT_EQ(filled("{{with .None.X}}x{{end}}{{.Labels.nix}}"), "<no value>");
}

TEST(Template, conditions_choose) {
  EXPECT_EQ(filled("{{if .State.Running}}yes{{else}}no{{end}}"), "yes");
  EXPECT_EQ(filled("{{if .Empty}}1{{else if .Names}}2{{else}}3{{end}}"), "2");
  EXPECT_EQ(filled("{{if eq .State.ExitCode 0}}ok{{end}}"), "ok");
  EXPECT_EQ(filled("{{if and .State.Running (gt .State.Pid 41)}}ok{{end}}"), "ok");
  EXPECT_EQ(filled("{{if or .Empty .None}}1{{else}}2{{end}}"), "2");
  EXPECT_EQ(filled("{{if not .Empty}}1{{end}}{{with .State}}{{.Pid}}{{end}}"), "142");
}

TEST(Template, ranges_go_over_lists_and_sorted_maps) {
  EXPECT_EQ(filled("{{range .Names}}<{{.}}>{{end}}"), "<a><b>");
  EXPECT_EQ(filled("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}"), "a=first;z=last;");
  EXPECT_EQ(filled("{{range $i, $n := .Names}}{{$i}}{{$n}}{{end}}"), "0a1b");
  EXPECT_EQ(filled("{{range .Empty}}x{{else}}nothing{{end}}"), "nothing");
  EXPECT_EQ(filled("{{range $p, $c := .Ports}}{{$p}}->{{range $c}}{{.HostPort}}{{end}} {{end}}"),
            "80/tcp->8080 90/tcp-> ");
  EXPECT_EQ(filled("{{range .Names}}{{$.Id}}{{end}}"), "0123456789abcdef0123456789abcdef");
}

TEST(Template, functions_do_what_dockers_do) {
  EXPECT_EQ(filled("{{json .State}}"), R"({"Pid":42,"Running":true,"ExitCode":0})");
  EXPECT_EQ(filled("{{join .Names \", \"}} {{upper .Name}} {{lower \"ABC\"}} {{title \"abc\"}}"),
            "a, b /WEB abc Abc");
  EXPECT_EQ(filled("{{len .Names}} {{index .Names 1}} {{index .Labels \"a\"}}"), "2 b first");
  EXPECT_EQ(filled("{{(index (index .Ports \"80/tcp\") 0).HostPort}}"), "8080");
  EXPECT_EQ(filled("{{index .Ports \"80/tcp\" 0 \"HostIp\"}}"), "0.0.0.0");
  EXPECT_EQ(filled("{{slice .Id 0 4}} {{truncate .Id 3}} {{split \"a:b\" \":\"}}"),
            "0123 012 [a b]");
  EXPECT_EQ(filled("{{printf \"%-5s|%03d|%q\" .Name .State.Pid .Name}}"), "/web |042|\"/web\"");
  EXPECT_EQ(filled("{{println .Name 1}}"), "/web 1\n");
  EXPECT_EQ(filled("{{.Name | upper | printf \"%s!\"}}"), "/WEB!");
  EXPECT_EQ(filled("{{pad .Name 1 2}}|"), " /web  |");
}

TEST(Template, variables_comments_and_trimming) {
  EXPECT_EQ(filled("{{$x := .Name}}{{$x}}{{/* no */}}{{$x = 3}}{{$x}}"), "/web3");
  EXPECT_EQ(filled("a  {{- .Name -}}  b"), "a/webb");
}

TEST(Template, what_is_wrong_is_refused_with_its_place) {
  EXPECT_EQ(filled("{{.Id"), "parse: template: 1:6: unclosed action");
  EXPECT_EQ(filled("x\n{{foo .Id}}"), "parse: template: 2:3: function \"foo\" not defined");
  EXPECT_EQ(filled("{{if .Id}}x"), "parse: template: 1:12: unexpected end: {{end}} is missing");
  for (const std::string_view text :
       {"{{end}}", "{{else}}", "{{}}", "{{.Id .Name}}", "{{\"x}}", "{{template \"x\"}}", "{{1x}}",
        "{{range}}{{end}}", "{{(.Id}}", "{{.Id | }}", "{{/* x}}"}) {
    EXPECT_TRUE(filled(text).starts_with("parse: template: ")) << text << ": " << filled(text);
  }
  for (const std::string_view text :
       {"{{index .Names 7}}", "{{index .Names \"x\"}}", "{{join .Id \",\"}}", "{{lt .Names 1}}",
        "{{$y}}", "{{range .Id}}{{end}}", "{{len 3}}", "{{slice .Id 9 3}}"}) {
    EXPECT_TRUE(filled(text).starts_with("error: ")) << text << ": " << filled(text);
  }
}

TEST(Template, nesting_has_a_limit) {
  EXPECT_TRUE(filled("{{" + std::string(5000, '(')).starts_with("parse: "));
  std::string deep;
  for (int level = 0; level < 500; ++level) deep += "{{if .Id}}";
  EXPECT_TRUE(filled(deep).starts_with("parse: "));
}

TEST(Template, format_escapes_become_characters) {
  EXPECT_EQ(unescape_format(R"({{.A}}\t{{.B}}\n)"), "{{.A}}\t{{.B}}\n");
}

}  // namespace
}  // namespace proa::client
