// Clients of Docker's API that others wrote: dockerode and docker-py.
#include <cstdlib>

#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using fixtures::kTestImage;
using fixtures::Output;

class DockerClients : public fixtures::HullTest {
 protected:
  static std::string clients() {
    const char* cache = std::getenv("PROA_CACHE");
    return cat(cache == nullptr ? "/var/cache/proa" : cache, "/clients");
  }
  static std::string script(std::string_view name) {
    const char* source = std::getenv("PROA_SOURCE");
    return cat(source == nullptr ? "." : source, "/tests/clients/", name);
  }
  Output drive(std::vector<std::string> line, std::string_view name) {
    for (const std::string& word : {script(name), engine().socket(), std::string(kTestImage),
                                    std::string(fixtures::runtime_word(GetParam()))}) {
      line.push_back(word);
    }
    return fixtures::run(
        {.arguments = line,
         .environment = std::vector<std::string>{cat("NODE_PATH=", clients(), "/node_modules"),
                                                 "PATH=/usr/local/bin:/usr/bin:/bin"},
         .limit = std::chrono::seconds(180)});
  }
};

TEST_P(DockerClients, dockerode_starts_attaches_and_execs) {
  const Output driven = drive({"/usr/bin/env", "node"}, "dockerode.js");
  ASSERT_EQ(driven.code, 0) << driven.err;
  EXPECT_EQ(driven.out, R"({"ran":{"out":"got typed\n","err":"oops\n","code":3},)"
                        R"("executed":{"out":"through exec","code":4},"left":0})");
}

TEST_P(DockerClients, docker_py_runs_execs_copies_and_reads_logs) {
  const Output driven = drive({cat(clients(), "/venv/bin/python")}, "docker_py.py");
  ASSERT_EQ(driven.code, 0) << driven.err;
  EXPECT_EQ(driven.out,
            R"({"hello": "hi\n", "code": 6, "missing": "ImageNotFound", "names": ["py"], )"
            R"("exec": [2, "out\n", "err\n"], "put": true, "got": "data", "stat": ["file", 4], )"
            R"("stats": "/py", "status": "exited", "logs": "logged\n", "left": 0})"
            "\n");
}

PROA_ON_HULLS(DockerClients);

}  // namespace
}  // namespace proa
