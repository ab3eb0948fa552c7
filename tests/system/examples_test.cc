// The examples that are programs: the pipeline of examples/ci, with a registry of the test's own,
// and the language images of examples/base, serving. The shop is run by the demo (readme_test.cc).
#include <cstdlib>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"
#include "tests/system/registry.h"

namespace proa::fixtures {
namespace {

std::string source_directory() {
  const char* source = std::getenv("PROA_SOURCE");
  return source == nullptr ? "." : source;
}

class Pipeline : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    auto started = tests::Registry::start();
    ASSERT_OK(started);
    registry_.emplace(started.take());
    image_ = cat(registry_->address(), "/team/app:1");
    context_ = cat(engine().scratch(), "/context");
    ASSERT_OK(file::make_directories(context_, 0755));
    ASSERT_OK(file::replace_file(FdRef::cwd(), cat(context_, "/Dockerfile"),
                                 cat("FROM ", kTestImage, "\nRUN echo 42 > /answer\n"), 0644,
                                 file::Durable::no));
  }
  void TearDown() override {
    registry_.reset();
    EngineTest::TearDown();
  }

  Output pipeline(const std::string& test) {
    const std::string proa = built_program("proa");
    Command command = engine().proa_command({});
    command.arguments = {
        cat(source_directory(), "/examples/ci/pipeline"), context_, image_, "sh", "-c", test};
    std::erase_if(*command.environment,
                  [](const std::string& entry) { return entry.starts_with("PATH="); });
    command.environment->push_back(cat("PATH=", proa.substr(0, proa.rfind('/')), ":/usr/bin:/bin"));
    return fixtures::run(command);
  }

  std::optional<tests::Registry> registry_;
  std::string image_, context_;
};

TEST_F(Pipeline, what_passes_its_test_is_pushed) {
  const Output passed = pipeline("test \"$(cat /answer)\" = 42");
  EXPECT_EQ(passed.code, 0) << passed.out << passed.err;
  docker({"rmi", "-f", image_});
  EXPECT_EQ(engine().proa({"pull", image_}).code, 0);
}

TEST_F(Pipeline, what_fails_its_test_is_not_pushed_and_gives_the_tests_code) {
  const Output failed = pipeline("exit 7");
  EXPECT_EQ(failed.code, 7) << failed.out << failed.err;
  EXPECT_NE(failed.err.find("test failed with 7"), std::string::npos) << failed.err;
  docker({"rmi", "-f", image_});
  EXPECT_NE(engine().proa({"pull", image_}).code, 0);
}

// A language's image of examples/base, and its words for serving "LANGUAGE answers" on port 8000
// and for asking that of itself.
struct Language {
  const char* archive;
  const char* image;
  std::vector<std::string> serve;
  std::vector<std::string> ask;
};

const std::vector<Language>& languages() {
  static const std::vector<Language> all = {
      {"node-slim",
       "node:18-slim",
       {"node", "-e",
        "require('http').createServer((_, answer) => answer.end('node-slim "
        "answers')).listen(8000)"},
       {"node", "-e",
        "fetch('http://127.0.0.1:8000/').then(answer => answer.text()).then(console.log)"}},
      {"python-slim",
       "python:3.11-slim",
       {"python3", "-c",
        "import http.server\n"
        "class Answer(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "        self.wfile.write(b'python-slim answers')\n"
        "http.server.HTTPServer(('', 8000), Answer).serve_forever()"},
       {"python3", "-c",
        "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/').read().decode())"}}};
  return all;
}

class Languages : public HullTest {};

TEST_P(Languages, serve_to_themselves_by_name_and_by_published_port) {
  const Output made = fixtures::run(
      {.arguments = {cat(source_directory(), "/examples/base/make"), "node-slim", "python-slim"},
       .limit = std::chrono::minutes(10)});
  ASSERT_EQ(made.code, 0) << made.out << made.err;
  const char* cache = std::getenv("PROA_CACHE");
  docker({"network", "create", "apps"});
  for (const Language& language : languages()) {
    docker({"load", "-i",
            cat(cache == nullptr ? "/var/cache/proa" : cache, "/base/", language.archive, ".tar")});
    std::vector<std::string> line = {"-d",   "--name", language.archive,  "--network",
                                     "apps", "-p",     "127.0.0.1::8000", language.image};
    line.insert(line.end(), language.serve.begin(), language.serve.end());
    run(line);
  }
  for (const Language& language : languages()) {
    const std::string answer = cat(language.archive, " answers");
    std::vector<std::string> inside = {"exec", language.archive};
    inside.insert(inside.end(), language.ask.begin(), language.ask.end());
    EXPECT_TRUE(eventually([&] { return engine().docker(inside).out == cat(answer, "\n"); }))
        << engine().docker(inside).err;
    // From a container, whatever this test's hull.
    const std::string by_name = docker({"run", "--rm", "-i", "--network", "apps", kTestImage, "nc",
                                        "-w", "5", language.archive, "8000"},
                                       "GET / HTTP/1.0\r\n\r\n");
    EXPECT_NE(by_name.find(answer), std::string::npos) << by_name;
    const std::string published = docker({"port", language.archive, "8000"});
    const Output asked = fixtures::run({.arguments = {"/usr/bin/curl", "-fsS", published}});
    EXPECT_EQ(asked.out, answer) << asked.err;
  }
}

PROA_ON_HULLS(Languages);

}  // namespace
}  // namespace proa::fixtures
