// Apps: `proa compose` on the engine, beside Debian's docker-compose.
#include <gtest/gtest.h>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using fixtures::HullTest;
using fixtures::Output;

class ComposeTest : public HullTest {
 protected:
  void write(std::string_view name, std::string_view text) {
    ASSERT_TRUE(file::make_directories(engine().scratch(), 0755).ok());
    Result<Fd> file = file::open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(file.ok()) << file.error().message();
    // `<<: *hull` puts a service into the hull of this test.
    const std::string whole =
        cat("x-hull: &hull {network_mode: none, runtime: ", fixtures::runtime_word(GetParam()),
            "}\n", text);
    ASSERT_TRUE(
        file::write_all(file.value(), bytes_of(name == "compose.yaml" ? whole : text)).ok());
  }
  std::string path(std::string_view name) { return cat(engine().scratch(), "/", name); }
  // `proa compose -f compose.yaml ...`
  Output app(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"compose", "-f", path("compose.yaml"), "-p", "shop"});
    return engine().proa(arguments);
  }
  std::string done(std::vector<std::string> arguments) {
    const Output output = app(std::move(arguments));
    EXPECT_EQ(output.code, 0) << output.err;
    return output.out;
  }
};

constexpr std::string_view kShop = R"(
services:
  web:
    image: test/busybox:latest
    command: sh -c 'echo web is here; exec sleep 1000'
    <<: *hull
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
  db:
    image: test/busybox:latest
    command: sh -c 'touch /tmp/ready; exec sleep 1000'
    <<: *hull
    stop_grace_period: 0s
    volumes: ["data:/data"]
    healthcheck: {test: test -e /tmp/ready, interval: 200ms, retries: 50}
volumes: {data: }
)";

TEST_P(ComposeTest, an_app_goes_up_and_down_and_leaves_only_its_volume) {
  write("compose.yaml", kShop);
  done({"up", "-d", "--wait"});
  EXPECT_EQ(done({"ps", "--services"}), "db\nweb\n");
  EXPECT_TRUE(eventually(
      [&] { return done({"logs", "web"}).find("web-1  | web is here") != std::string::npos; }));
  EXPECT_EQ(docker({"inspect", "-f", "{{.State.Health.Status}}", "shop-db-1"}), "healthy");
  done({"down"});
  EXPECT_EQ(docker({"ps", "-aq"}), "");
  EXPECT_EQ(docker({"volume", "ls", "-q"}), "shop_data");
  done({"down", "-v"});
  EXPECT_EQ(docker({"volume", "ls", "-q"}), "");
}

TEST_P(ComposeTest, services_find_each_other_by_name_on_the_networks_they_share) {
  write("compose.yaml", cat(R"(
services:
  web:
    image: test/busybox:latest
    command: sh -c 'echo web > /tmp/index.html; exec httpd -f -p 80 -h /tmp'
    runtime: )",
                            fixtures::runtime_word(GetParam()), R"(
    stop_grace_period: 0s
    networks: {front: {}, back: {aliases: [site]}}
  db:
    image: test/busybox:latest
    command: sleep 1000
    stop_grace_period: 0s
    networks: [back]
  lone:
    image: test/busybox:latest
    command: sleep 1000
    stop_grace_period: 0s
networks: {front: {}, back: {internal: true}}
)"));
  done({"up", "-d"});
  const auto reads = [&](const std::string& from, const std::string& name) {
    return engine()
               .docker({"exec", "-i", cat("shop-", from, "-1"), "nc", "-w", "2", name, "80"},
                       "GET / HTTP/1.0\r\n\r\n")
               .out.find("web\n") != std::string::npos;
  };
  for (const char* name : {"web", "site", "shop-web-1", "web.shop_back"}) {
    EXPECT_TRUE(eventually([&] { return reads("db", name); })) << name;
  }
  EXPECT_FALSE(reads("lone", "web"));
  EXPECT_EQ(docker({"network", "ls", "-q", "--filter", "name=shop_"}).size(), 3 * 13 - 1U);
  done({"down"});
  EXPECT_EQ(docker({"network", "ls", "-q", "--filter", "name=shop_"}), "");
}

TEST_P(ComposeTest, only_what_changed_is_made_anew) {
  write("compose.yaml", kShop);
  done({"up", "-d"});
  const std::string web = docker({"inspect", "-f", "{{.Id}}", "shop-web-1"});
  const std::string db = docker({"inspect", "-f", "{{.Id}}", "shop-db-1"});
  done({"up", "-d"});
  EXPECT_EQ(docker({"inspect", "-f", "{{.Id}}", "shop-web-1"}), web);
  std::string changed(kShop);
  changed.replace(changed.find("web is here"), 11, "web is new");
  write("compose.yaml", changed);
  done({"up", "-d"});
  EXPECT_NE(docker({"inspect", "-f", "{{.Id}}", "shop-web-1"}), web);
  EXPECT_EQ(docker({"inspect", "-f", "{{.Id}}", "shop-db-1"}), db);
  done({"down", "-v"});
}

TEST_P(ComposeTest, a_service_is_scaled_alone) {
  write("compose.yaml", kShop);
  done({"up", "-d"});
  done({"scale", "web=3"});
  EXPECT_EQ(docker({"ps", "-q", "--filter", "label=com.docker.compose.service=web"}).size(),
            3 * 12u + 2);
  done({"scale", "web=1"});
  EXPECT_EQ(
      docker({"ps", "--format", "{{.Names}}", "--filter", "label=com.docker.compose.service=web"}),
      "shop-web-1");
  done({"down", "-v"});
}

TEST_P(ComposeTest, content_is_there_before_the_start) {
  write("compose.yaml", R"(
services:
  once:
    image: test/busybox:latest
    command: cat /run/secrets/key /etc/app.conf
    <<: *hull
    secrets: [key]
    configs: [{source: conf, target: /etc/app.conf}]
secrets: {key: {file: ./key}}
configs: {conf: {content: "from the project\n"}}
)");
  write("key", "from a file\n");
  done({"up", "-d"});
  docker({"wait", "shop-once-1"});
  EXPECT_EQ(docker({"logs", "shop-once-1"}), "from a file\nfrom the project");
  done({"down"});
}

TEST_P(ComposeTest, a_failing_dependency_fails_what_needs_it) {
  write("compose.yaml", R"(
services:
  web:
    image: test/busybox:latest
    command: sleep 1000
    <<: *hull
    depends_on: {setup: {condition: service_completed_successfully}}
  setup: {image: "test/busybox:latest", command: "false", <<: *hull}
)");
  const Output up = app({"up", "-d"});
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.err.find("setup-1 didn't complete successfully: exit 1"), std::string::npos)
      << up.err;
  EXPECT_EQ(docker({"ps", "-q"}), "");
  done({"down"});
}

PROA_ON_HULLS(ComposeTest);

class ComposeFile : public fixtures::EngineTest {};

TEST_F(ComposeFile, faults_name_the_place) {
  const std::string path = engine().scratch() + "/compose.yaml";
  ASSERT_OK(file::replace_file(FdRef::cwd(), path, "services:\n  web:\n    imag: x\n", 0644,
                               file::Durable::no));
  const Output up = engine().proa({"compose", "-f", path, "up", "-d"});
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(
      up.err.find("compose.yaml:3:5: services.web: unknown key 'imag', did you mean 'image'?"),
      std::string::npos)
      << up.err;
}

}  // namespace
}  // namespace proa
