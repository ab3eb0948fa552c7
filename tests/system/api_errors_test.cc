// Each query parameter and each member of a body that is out of shape gets Docker's status, and a
// message that names it.
#include <gtest/gtest.h>

#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using fixtures::Output;
using fixtures::text_at;

struct Row {
  std::string_view method, path, body, name;
};
constexpr Row kRows[] = {
#include "tests/system/api_errors.inc"
};

class ApiErrors : public fixtures::LeakCheckedTest {};

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  if (at == text.npos) return std::string(text);
  return cat(text.substr(0, at), with, text.substr(at + what.size()));
}

TEST_F(ApiErrors, whatever_is_out_of_shape_is_refused_by_its_name) {
  REQUIRE(root);
  auto engine = fixtures::Engine::start();
  ASSERT_OK(engine);
  const auto ask = [&](std::string_view method, std::string_view path, std::string_view body) {
    return engine.value().request(method, cat("/v1.44", path), body);
  };
  const std::string box = cat(R"({"Image":")", fixtures::kTestImage,
                              R"(","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none"}})");
  ASSERT_EQ(ask("POST", "/containers/create?name=box", box).code, 201);
  ASSERT_EQ(ask("POST", "/containers/box/start", "").code, 204);
  ASSERT_EQ(ask("POST", "/volumes/create", R"({"Name":"data"})").code, 201);
  const Output exec = ask("POST", "/containers/box/exec", R"({"Cmd":["true"]})");
  const std::string id = text_at(json::parse(exec.out, "reply").take(), "Id");
  for (const char* filter : {"since", "before", "reference"}) {
    const Output reply =
        ask("POST", cat(R"(/images/prune?filters=%7B%22)", filter, R"(%22:%5B%22a%22%5D%7D)"), "");
    EXPECT_EQ(reply.code, 400) << filter << reply.out;
    EXPECT_NE(reply.out.find(filter), std::string::npos) << reply.out;
  }
  for (const Row& row : kRows) {
    const Output reply = ask(row.method, replaced(row.path, "EXEC", id), row.body);
    EXPECT_EQ(reply.code, 400) << row.method << " " << row.path << " " << row.body << reply.out;
    EXPECT_NE(reply.out.find(row.name), std::string::npos)
        << row.method << " " << row.path << " " << row.body << " " << reply.out;
  }
}

}  // namespace
}  // namespace proa
