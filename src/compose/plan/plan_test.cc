#include "compose/plan/plan.h"

#include <gtest/gtest.h>

#include "compose/plan/body.h"
#include "compose/plan/labels.h"

namespace proa::compose {
namespace {

Project shop() {
  Project project;
  project.name = "shop";
  for (const char* name : {"db", "web"}) {
    Service service;
    service.name = name;
    service.image = name;
    project.services.emplace(name, service);
    project.declared.insert(name);
  }
  project.services["web"].depends_on["db"] = {"service_started", false, {}};
  return project;
}

Present running(const Project& project, const std::string& service, unsigned number) {
  const Service& said = project.services.at(service);
  return {"id",       container_name(project, said, number),
          service,    config_hash(said),
          "sha256:1", "running",
          number,     false};
}

std::vector<Action> actions(const std::vector<ServicePlan>& plans, const std::string& service) {
  std::vector<Action> found;
  for (const ServicePlan& plan : plans) {
    if (plan.service != service) continue;
    for (const Step& step : plan.steps) found.push_back(step.action);
  }
  return found;
}

TEST(ComposePlan, what_is_not_there_is_created_dependencies_first) {
  const auto plans = plan_up(shop(), {}, {}).take();
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(plans[0].service, "db");
  EXPECT_EQ(plans[1].steps[0].name, "shop-web-1");
  EXPECT_EQ(actions(plans, "web"), std::vector{Action::create});
}

TEST(ComposePlan, only_what_changed_is_recreated) {
  Project project = shop();
  const std::vector<Present> present = {running(project, "db", 1), running(project, "web", 1)};
  project.services["web"].environment["A"] = "1";
  Wish wish;
  wish.image_ids = {{"db", "sha256:1"}, {"web", "sha256:1"}};
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "db"), std::vector{Action::keep});
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "web"), std::vector{Action::recreate});
  wish.image_ids["db"] = "sha256:2";
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "db"), std::vector{Action::recreate});
  wish.recreate = Recreate::never;
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "db"), std::vector{Action::keep});
}

TEST(ComposePlan, scaling_adds_and_removes_from_the_top) {
  Project project = shop();
  std::vector<Present> present = {running(project, "web", 1), running(project, "web", 3)};
  present[1].state = "exited";
  Wish wish;
  wish.scale["web"] = 3;
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "web"),
            (std::vector{Action::keep, Action::start, Action::create}));
  wish.scale["web"] = 1;
  EXPECT_EQ(actions(plan_up(project, present, wish).take(), "web"),
            (std::vector{Action::keep, Action::remove}));
  project.services["web"].container_name = "only";
  wish.scale["web"] = 2;
  EXPECT_FALSE(plan_up(project, present, wish).ok());
}

TEST(ComposePlan, replicas_and_dependencies_do_not_count_as_a_change) {
  Project project = shop();
  const std::string before = config_hash(project.services["web"]);
  project.services["web"].scale = 5;
  project.services["web"].depends_on.clear();
  EXPECT_EQ(config_hash(project.services["web"]), before);
  project.services["web"].image = "other";
  EXPECT_NE(config_hash(project.services["web"]), before);
}

TEST(ComposePlan, orphans_are_what_no_service_has_whether_it_is_wanted_now_or_not) {
  Project project = shop();
  Present old = running(project, "web", 1);
  old.service = "gone";
  EXPECT_EQ(orphans(project, {old, running(project, "db", 1)}).size(), 1u);
  const Present db = running(project, "db", 1);
  project.services.erase("db");
  EXPECT_TRUE(orphans(project, {db}).empty());
}

TEST(ComposeBody, a_service_becomes_what_the_engine_takes) {
  Project project = shop();
  Service& web = project.services["web"];
  web.command = std::vector<std::string>{"serve"};
  web.runtime = "vm";
  web.environment = {{"A", "1"}};
  web.ports = {{"", "ingress", "127.0.0.1", 80, "8080", "tcp", ""}};
  web.networks.emplace("default", std::nullopt);
  project.networks["default"].name = "shop_default";
  web.deploy.emplace().resources.emplace().limits.emplace().cpus = CpuCount{0.5};
  const json::Value body = container_body(project, web, 2, "sha256:1").take();
  const json::Value& host = *body.find("HostConfig");
  EXPECT_EQ(json::print(*body.find("Cmd")), R"(["serve"])");
  EXPECT_EQ(json::print(*body.find("Env")), R"(["A=1"])");
  EXPECT_EQ(*host.find("Runtime"), json::Value("vm"));
  EXPECT_EQ(*host.find("NanoCpus"), json::Value(500'000'000));
  EXPECT_EQ(*host.find("NetworkMode"), json::Value("shop_default"));
  EXPECT_EQ(json::print(*host.find("PortBindings")),
            R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]})");
  EXPECT_EQ(json::print(*body.find("NetworkingConfig")->find("EndpointsConfig")),
            R"({"shop_default":{"Aliases":["shop-web-2","web"]}})");
  EXPECT_EQ(*body.find("Labels")->find("com.docker.compose.container-number"), json::Value("2"));
}

}  // namespace
}  // namespace proa::compose
