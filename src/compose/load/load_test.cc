#include "compose/load/load.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "compose/model/print.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"

namespace proa::compose {
namespace {

class ComposeLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<file::TempDir> made = file::TempDir::create("/tmp", "proa-compose-");
    ASSERT_TRUE(made.ok()) << made.error().message();
    directory_.emplace(made.take());
    options_.working_directory = directory_->path();
    options_.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = shell_.find(std::string(name));
      if (found == shell_.end()) return std::nullopt;
      return found->second;
    };
  }

  void write(const std::string& name, std::string_view text) {
    const std::string path = directory_->path() + "/" + name;
    ASSERT_TRUE(file::make_directories(path.substr(0, path.rfind('/')), 0755).ok());
    Result<Fd> file = file::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(file.ok()) << file.error().message();
    ASSERT_TRUE(file::write_all(file.value(), bytes_of(text)).ok());
  }

  Project project() {
    Result<Loaded> loaded = load(options_);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message();
    if (!loaded.ok()) return {};
    warnings_ = loaded.value().warnings;
    return std::move(loaded.value().project);
  }

  std::string fault() {
    const Result<Loaded> loaded = load(options_);
    if (loaded.ok()) return "no error";
    const std::string message = loaded.error().message();
    const std::string prefix = directory_->path() + "/";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }

  std::optional<file::TempDir> directory_;
  LoadOptions options_;
  std::map<std::string, std::string> shell_;
  std::vector<std::string> warnings_;
};

TEST_F(ComposeLoad, short_forms_become_long_ones) {
  write("compose.yaml", R"(
name: shop
services:
  web:
    build: ./web
    command: serve --port "80 80"
    ports: ["8080:80", "127.0.0.1:9000-9001:9000-9001/udp", "53"]
    volumes: ["data:/data:ro", "./src:/src", "/anonymous"]
    environment: [A=1, B]
    depends_on: [db]
    healthcheck: {test: curl localhost, interval: 1m}
    runtime: vm
    deploy: {replicas: 3, resources: {limits: {cpus: "0.5", memory: 64m}}}
  db:
    image: db
    tmpfs: /run
    ulimits: {nofile: 1024}
volumes: {data: }
)");
  shell_["B"] = "shell";
  const Project shop = project();
  EXPECT_TRUE(warnings_.empty());
  const Service& web = shop.services.at("web");
  EXPECT_EQ(web.build->context, directory_->path() + "/web");
  EXPECT_EQ(web.build->dockerfile, "Dockerfile");
  EXPECT_EQ(*web.command, (std::vector<std::string>{"serve", "--port", "80 80"}));
  ASSERT_EQ(web.ports.size(), 4u);
  EXPECT_EQ(web.ports[0].published, "8080");
  EXPECT_EQ(web.ports[1].host_ip, "127.0.0.1");
  EXPECT_EQ(web.ports[2].target, 9001);
  EXPECT_EQ(web.ports[2].protocol, "udp");
  EXPECT_EQ(web.ports[3].published, "");
  EXPECT_TRUE(web.volumes[0].read_only);
  EXPECT_EQ(web.volumes[1].type, "bind");
  EXPECT_EQ(web.volumes[1].source, directory_->path() + "/src");
  EXPECT_EQ(web.volumes[2].source, "");
  EXPECT_EQ(web.environment.at("B"), "shell");
  EXPECT_EQ(web.depends_on.at("db").condition, "service_started");
  EXPECT_EQ(web.healthcheck->test, (std::vector<std::string>{"CMD-SHELL", "curl localhost"}));
  EXPECT_EQ(web.runtime, "vm");
  EXPECT_EQ(web.deploy->resources->limits->memory->bytes, 64 << 20);
  EXPECT_EQ(shop.services.at("db").ulimits.at("nofile").hard, 1024);
  EXPECT_EQ(shop.volumes.at("data").name, "shop_data");
  EXPECT_EQ(shop.networks.at("default").name, "shop_default");
}

TEST_F(ComposeLoad, later_files_change_earlier_ones) {
  write("compose.yaml", R"(
services:
  web:
    image: one
    command: [a, b]
    environment: {A: "1", B: "2"}
    ports: ["80:80"]
    volumes: ["/x:/data"]
)");
  write("compose.override.yaml", R"(
services:
  web:
    command: c
    environment: [B=3, C=4]
    ports: ["81:81"]
    volumes: ["/y:/data"]
  extra: {image: two}
)");
  const Project merged = project();
  const Service& web = merged.services.at("web");
  EXPECT_EQ(web.image, "one");
  EXPECT_EQ(*web.command, std::vector<std::string>{"c"});
  EXPECT_EQ(web.environment.at("A"), "1");
  EXPECT_EQ(web.environment.at("B"), "3");
  EXPECT_EQ(web.ports.size(), 2u);
  ASSERT_EQ(web.volumes.size(), 1u);
  EXPECT_EQ(web.volumes[0].source, "/y");
  EXPECT_TRUE(merged.services.contains("extra"));
}

TEST_F(ComposeLoad, reset_and_override_take_away_and_replace) {
  write("a.yaml", "services: {web: {image: x, ports: ['80:80'], environment: {A: '1'}}}\n");
  write("b.yaml", "services:\n  web:\n    ports: !reset []\n    environment: !override {B: '2'}\n");
  options_.files = {"a.yaml", "b.yaml"};
  const Service web = project().services.at("web");
  EXPECT_TRUE(web.ports.empty());
  EXPECT_EQ(web.environment.size(), 1u);
  EXPECT_EQ(web.environment.at("B"), "2");
}

TEST_F(ComposeLoad, extends_and_include_read_other_files) {
  write("compose.yaml", R"(
include: [sub/compose.yaml]
services:
  web:
    extends: {file: base/base.yaml, service: base}
    environment: {B: "2"}
)");
  write("base/base.yaml",
        "services:\n  base:\n    image: app\n    env_file: base.env\n    environment: [B=1]\n");
  write("base/base.env", "A=file\n");
  write("sub/compose.yaml", "services: {db: {image: $IMAGE, volumes: ['./d:/d']}}\n");
  write("sub/.env", "IMAGE=included\n");
  const Project all = project();
  EXPECT_EQ(all.services.at("web").image, "app");
  EXPECT_EQ(all.services.at("web").environment.at("A"), "file");
  EXPECT_EQ(all.services.at("web").environment.at("B"), "2");
  EXPECT_EQ(all.services.at("db").image, "included");
  EXPECT_EQ(all.services.at("db").volumes[0].source, directory_->path() + "/sub/d");
}

// The ground that compose-go's own test data covers, where this reader once went another way.
TEST_F(ComposeLoad, what_is_left_out_is_filled_in_as_by_compose_go) {
  write("labels.env", "tier=front\nteam=sails\n");
  write("compose.yaml", R"(
services:
  web:
    build: {dockerfile_inline: "FROM scratch"}
    label_file: labels.env
    labels: {tier: back}
    links: [db]
    volumes_from: [db]
    cpu_period: 50000
    stop_grace_period: 120s
    extra_hosts: ["two=10.0.0.1,10.0.0.2"]
    ports: ["80:80", {target: 53, published: "53", protocol: udp}, "80:80"]
  db: {image: db}
volumes:
  data: {driver_opts: {type: none, o: bind, device: ./data}}
)");
  const Project read = project();
  const Service& web = read.services.at("web");
  EXPECT_EQ(web.build->context, directory_->path());
  EXPECT_EQ(web.labels.at("tier"), "back");
  EXPECT_EQ(web.labels.at("team"), "sails");
  EXPECT_TRUE(web.depends_on.at("db").restart);
  EXPECT_EQ(web.depends_on.at("db").required, true);
  EXPECT_EQ(web.cpu_period->nanoseconds, 50'000'000);
  EXPECT_EQ(web.extra_hosts.at("two"), (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
  ASSERT_EQ(web.ports.size(), 2u);
  EXPECT_EQ(web.ports[1].mode, "ingress");
  EXPECT_EQ(read.volumes.at("data").driver_opts.at("device"), directory_->path() + "/data");
  EXPECT_NE(print_yaml(to_json(read)).find("2m0s"), std::string::npos);
}

TEST_F(ComposeLoad, who_extends_inherits_and_who_includes_has_the_last_word) {
  write("part/compose.yaml", R"(
services:
  db: {image: db, environment: {A: part, B: part}}
)");
  write("compose.yaml", R"(
include: [part/compose.yaml]
services:
  db: {environment: {A: whole}}
  base: {image: web, depends_on: [db]}
  lean: {extends: {service: base}, depends_on: !override [cache]}
  full: {extends: {service: lean}, depends_on: [db]}
  cache: {image: cache}
)");
  const Project read = project();
  EXPECT_EQ(read.services.at("db").image, "db");
  EXPECT_EQ(read.services.at("db").environment.at("A"), "whole");
  EXPECT_EQ(read.services.at("db").environment.at("B"), "part");
  EXPECT_EQ(read.services.at("lean").depends_on.size(), 1u);
  EXPECT_EQ(read.services.at("full").depends_on.size(), 2u);
}

TEST_F(ComposeLoad, profiles_choose_services) {
  write("compose.yaml", R"(
services:
  web: {image: a}
  debug: {image: b, profiles: [debug], depends_on: [tool]}
  tool: {image: c, profiles: [tools]}
)");
  EXPECT_EQ(project().services.size(), 1u);
  options_.wanted = {"debug"};
  EXPECT_EQ(project().services.size(), 3u);
  options_.wanted = {};
  options_.profiles = {"tools"};
  EXPECT_TRUE(project().services.contains("tool"));
  EXPECT_FALSE(project().services.contains("debug"));
}

TEST_F(ComposeLoad, the_project_is_named_by_flag_variable_file_or_directory) {
  write("Some.Shop/compose.yaml", "services: {web: {image: '${COMPOSE_PROJECT_NAME}'}}\n");
  options_.working_directory += "/Some.Shop";
  EXPECT_EQ(project().name, "someshop");
  EXPECT_EQ(project().services.at("web").image, "someshop");
  shell_["COMPOSE_PROJECT_NAME"] = "var";
  EXPECT_EQ(project().name, "var");
  options_.project_name = "flag";
  EXPECT_EQ(project().name, "flag");
  EXPECT_EQ(project().services.at("web").image, "flag");
}

TEST_F(ComposeLoad, unknown_keys_are_warned_of) {
  write("compose.yaml", "services: {web: {image: a, colour: b, gpus: all, x-mine: c}}\nx-top: 1\n");
  project();
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_TRUE(warnings_[0].ends_with(
      "compose.yaml:1:28: services.web.colour: this key is not known; ignored"))
      << warnings_[0];
  // A key of the specification is no slip of one that resembles it.
  EXPECT_TRUE(warnings_[1].ends_with(
      "compose.yaml:1:39: services.web.gpus: this key is not supported; ignored"))
      << warnings_[1];
}

struct Fault {
  const char* text;
  const char* message;
};

TEST_F(ComposeLoad, what_is_wrong_is_told_by_file_line_and_column) {
  for (const Fault& expected :
       {Fault{"services:\n  web:\n    image: [a]\n",
              "compose.yaml:3:12: services.web.image: expected a single value, got a list"},
        {"services:\n  web:\n    command: a\n",
         "compose.yaml:3:5: services.web: has neither an image nor a build context"},
        {"services:\n  web:\n    image: a\n    ports: ['x:80']\n",
         "compose.yaml:4:13: port 'x:80': 'x' is not a number"},
        {"services:\n  web:\n    image: a\n    mem_limit: lots\n",
         "compose.yaml:4:16: services.web.mem_limit: invalid size: 'lots'"},
        {"services:\n  web: {image: a, depends_on: [db]}\n",
         "compose.yaml:2:32: services.web.depends_on: service 'db' is not defined"},
        {"services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n",
         "compose.yaml:2:6: dependency cycle: a -> b -> a"},
        {"services:\n  web: {image: a, volumes: ['data:/d']}\n",
         "compose.yaml:2:29: services.web.volumes: volume 'data' is not defined"},
        {"services:\n  web: {image: a, networks: [back]}\n",
         "compose.yaml:2:30: services.web.networks: network 'back' is not defined"},
        {"services:\n  web: {image: '${NONE:?say it}'}\n",
         "compose.yaml:2:16: required variable NONE is missing a value: say it"},
        {"services:\n  web: {image: a, restart: sometimes}\n",
         "compose.yaml:2:28: services.web.restart: 'sometimes' is not one of no, always, "
         "on-failure, unless-stopped, false"},
        {"services:\n  web:\n    imgae: x\n",
         "compose.yaml:3:5: services.web: unknown key 'imgae', did you mean 'image'?"},
        {"services:\n  web: {image: a, deploy: {replica: 2}}\n",
         "compose.yaml:2:28: services.web.deploy: unknown key 'replica', did you mean "
         "'replicas'?"},
        {"service: {web: {image: a}}\n",
         "compose.yaml:1:1: unknown key 'service', did you mean 'services'?"},
        {"services:\n  web:\n \timage: a\n",
         "compose.yaml:3:2: a tab in the indentation: YAML takes spaces only"},
        {"services:\n  web:\n    image: a\n\tports: [80]\n",
         "compose.yaml:4:1: a tab in the indentation: YAML takes spaces only"},
        {"services:\n  web: {image: a, ports: ['80:80:80']}\n",
         "compose.yaml:2:27: port '80:80:80': '80' is not an IP address"},
        {"services:\n  web: {image: a, ports: [{target: 80, host_ip: 1.2.3}]}\n",
         "compose.yaml:2:49: services.web.ports.host_ip: '1.2.3' is not an IP address"},
        {"services:\n  web: {image: a, ports: [{target: 80, published: web}]}\n",
         "compose.yaml:2:51: services.web.ports.published: 'web' is not a number"},
        {"services:\n  web: {image: a, networks: {n: {ipv4_address: 10.0.0}}}\nnetworks: {n: }\n",
         "compose.yaml:2:48: services.web.networks.n.ipv4_address: '10.0.0' is not an IP address"},
        {"networks:\n  n: {ipam: {config: [{subnet: 10.0.0.1/24}]}}\n",
         "compose.yaml:2:32: networks.n.ipam.config.subnet: '10.0.0.1/24' is an address in a "
         "subnet, not a subnet: host bits are set"},
        {"networks:\n  n: {ipam: {config: [{gateway: 10.0.0.0/24}]}}\n",
         "compose.yaml:2:33: networks.n.ipam.config.gateway: '10.0.0.0/24' is not an IP address"},
        {"services:\n  web: {image: a, dns: 1.2.x}\n",
         "compose.yaml:2:24: services.web.dns: '1.2.x' is not an IP address"},
        {"services:\n  web: {image: a, extra_hosts: ['db:1.2']}\n",
         "compose.yaml:2:33: services.web.extra_hosts.db: '1.2' is not an IP address"},
        {"services:\n  web: {image: a, network_mode: 'service:db'}\n",
         "compose.yaml:2:33: services.web.network_mode: service 'db' is not defined"},
        {"services:\n  web: {image: a, volumes_from: ['db:ro']}\n",
         "compose.yaml:2:34: services.web.volumes_from: service 'db' is not defined"},
        {"services:\n  web: {image: a, links: ['db:base']}\n",
         "compose.yaml:2:27: services.web.links: service 'db' is not defined"},
        {"services: [web]\n", "compose.yaml:1:11: services: expected a mapping, got a list"}}) {
    write("compose.yaml", expected.text);
    EXPECT_EQ(fault(), expected.message) << expected.text;
  }
}

TEST_F(ComposeLoad, a_missing_file_of_variables_or_labels_is_told_by_its_place) {
  write("compose.yaml", "services:\n  web: {image: a, env_file: [none.env]}\n");
  EXPECT_EQ(fault(), cat("compose.yaml:2:30: services.web.env_file: ", directory_->path(),
                         "/none.env does not exist"));
  write("compose.yaml", "services:\n  web: {image: a, label_file: none.labels}\n");
  EXPECT_EQ(fault(), cat("compose.yaml:2:31: services.web.label_file: ", directory_->path(),
                         "/none.labels does not exist"));
  write("compose.yaml",
        "services:\n  web: {image: a, env_file: [{path: none.env, required: false}]}\n");
  EXPECT_EQ(fault(), "no error");
}

TEST_F(ComposeLoad, config_prints_what_reads_back_the_same) {
  write("compose.yaml", R"(
services:
  web:
    image: "true"
    command: ["echo", "a: b", "#no", "1", "multi\nline"]
    ports: ["80:80"]
    environment: {YES: "yes", N: "1"}
)");
  const std::string printed = print_yaml(to_json(project()));
  write("compose.yaml", printed);
  EXPECT_EQ(print_yaml(to_json(project())), printed) << printed;
}

}  // namespace
}  // namespace proa::compose
