// Stages, mounts and configuration, without any file or process.
#include <gtest/gtest.h>

#include "build/plan/changes.h"
#include "build/plan/durations.h"
#include "build/plan/image_config.h"
#include "build/plan/run_mounts.h"
#include "build/plan/stages.h"
#include "build/run/copy.h"

namespace proa::build {
namespace {

struct Parsed {
  Source source;
  Dockerfile file;
  Result<Stages> stages;
};

Parsed stages_of(std::string text, const Request& request = {}) {
  Source source = Source::create("Dockerfile", std::move(text)).take();
  Dockerfile file = parse_dockerfile(source).take();
  Result<Stages> stages = split_stages(source, file, request);
  return {std::move(source), std::move(file), std::move(stages)};
}

TEST(Stages, are_needed_only_where_the_target_uses_them) {
  const Parsed parsed = stages_of(
      "FROM a AS one\nFROM a AS two\nFROM one AS three\nFROM a AS four\nCOPY --from=three x y\n"
      "RUN --mount=type=bind,from=1,target=/m true\nFROM a AS five\n");
  ASSERT_TRUE(parsed.stages.ok());
  EXPECT_EQ(needed_stages(parsed.stages.value(), 3), (std::set<int>{0, 1, 2, 3}));
  EXPECT_EQ(needed_stages(parsed.stages.value(), 4), (std::set<int>{4}));
  EXPECT_EQ(find_target(parsed.stages.value(), "Three").take(), 2);
  EXPECT_EQ(find_target(parsed.stages.value(), "").take(), 4);
  EXPECT_FALSE(find_target(parsed.stages.value(), "six").ok());
}

TEST(Stages, take_bases_from_arguments_before_the_first_one) {
  Request request;
  request.arguments["TAG"] = "2";
  const Parsed parsed =
      stages_of("ARG NAME=img\nARG TAG=1\nFROM ${NAME}:${TAG}\nFROM $TARGETOS AS x\n", request);
  ASSERT_TRUE(parsed.stages.ok());
  EXPECT_EQ(parsed.stages.value().stages[0].base, "img:2");
  EXPECT_EQ(parsed.stages.value().stages[1].base, "linux");
}

TEST(Stages, with_faults_name_the_line) {
  EXPECT_NE(stages_of("FROM a\nFRM b\n").stages.error().message().find("Dockerfile:2"),
            std::string::npos);
  EXPECT_FALSE(stages_of("RUN x\nFROM a\n").stages.ok());
  EXPECT_FALSE(stages_of("FROM a AS 1x\n").stages.ok());
  EXPECT_FALSE(stages_of("FROM $NOTHING\n").stages.ok());
  EXPECT_FALSE(stages_of("FROM --platform=linux/s390x a\n").stages.ok());
}

TEST(RunMounts, have_dockers_keys_and_defaults) {
  const RunMount cache = parse_run_mount("type=cache,target=c,sharing=locked", "/w").take();
  EXPECT_EQ(cache.target, "/w/c");
  EXPECT_EQ(cache.id, "/w/c");
  EXPECT_EQ(cache.sharing, CacheSharing::locked);
  EXPECT_EQ(cache.mode, 0755U);
  const RunMount secret = parse_run_mount("type=secret,id=a/b", "/").take();
  EXPECT_EQ(secret.target, "/run/secrets/b");
  EXPECT_EQ(secret.mode, 0400U);
  EXPECT_TRUE(secret.read_only);
  const RunMount bind = parse_run_mount("from=x,source=/y,target=/z,rw", "/").take();
  EXPECT_EQ(bind.from, "x");
  EXPECT_FALSE(bind.read_only);
  EXPECT_EQ(parse_run_mount("type=tmpfs,target=/t,size=2m", "/").take().size, 2U << 20);
  for (const char* bad : {"type=bind", "type=x,target=/a", "target=/", "type=ssh", "tarqet=/x",
                          "type=cache,target=/a,sharing=no", "type=tmpfs,target=/t,size=x"}) {
    EXPECT_FALSE(parse_run_mount(bad, "/").ok()) << bad;
  }
}

TEST(Durations, are_those_of_go) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(parse_duration("1h30m").take(), std::chrono::minutes(90));
  EXPECT_EQ(parse_duration("1.5s").take(), std::chrono::milliseconds(1500));
  EXPECT_EQ(parse_duration("300ms").take(), std::chrono::milliseconds(300));
  EXPECT_EQ(parse_duration("0").take(), nanoseconds(0));
  for (const char* bad : {"", "5", "s", "-1s", "1x", "1s2"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
}

TEST(Modes, are_octal_or_symbolic) {
  const auto made = [](const char* text, std::uint32_t mode, bool is_directory) {
    return ModeChange::parse(text).take().apply(mode, is_directory);
  };
  EXPECT_EQ(made("755", 0600, false), 0755U);
  EXPECT_EQ(made("u=rwX,go=rX", 0600, false), 0644U);
  EXPECT_EQ(made("u=rwX,go=rX", 0700, false), 0755U);
  EXPECT_EQ(made("u=rwX,go=rX", 0600, true), 0755U);
  EXPECT_EQ(made("a+x,g-w", 0664, false), 0755U);
  EXPECT_EQ(made("u+s", 0755, false), 04755U);
  for (const char* bad : {"999", "u~x", "x=rw", "77777"}) {
    EXPECT_FALSE(ModeChange::parse(bad).ok()) << bad;
  }
}

std::string applied(const char* line, StageConfig& config) {
  const Source source = Source::create("Dockerfile", line).take();
  const Result<Dockerfile> file = parse_dockerfile(source);
  if (!file.ok()) return cat("error: ", file.error().message());
  Result<std::string> text = apply_config({file.value().nodes.front(), source}, config);
  return text.ok() ? text.take() : cat("error: ", text.error().message());
}

TEST(Configuration, follows_the_instructions) {
  StageConfig config;
  config.run.command = {"base"};
  config.arguments["A"] = "arg";
  EXPECT_EQ(applied("ENV A=x B=$A", config), "ENV A=x B=arg");
  EXPECT_EQ(applied("ENV C ${B}-${A}", config), "ENV C=arg-x");
  EXPECT_EQ(applied("ENTRYPOINT [\"e\"]", config), "ENTRYPOINT [\"e\"]");
  EXPECT_TRUE(config.run.command.empty());
  applied("CMD echo $A", config);
  EXPECT_EQ(config.run.command, (std::vector<std::string>{"/bin/sh", "-c", "echo $A"}));
  applied("EXPOSE 80 90-91/UDP", config);
  EXPECT_EQ(config.run.exposed_ports, (std::vector<std::string>{"80/tcp", "90/udp", "91/udp"}));
  applied("HEALTHCHECK --interval=5s --retries=2 CMD curl x", config);
  EXPECT_EQ(config.run.health_check->test, (std::vector<std::string>{"CMD-SHELL", "curl x"}));
  EXPECT_EQ(config.run.health_check->interval, std::chrono::seconds(5));
  applied("ONBUILD COPY . /x", config);
  EXPECT_EQ(config.run.on_build, std::vector<std::string>{"COPY . /x"});
  for (const char* bad : {"EXPOSE x", "EXPOSE 70000", "STOPSIGNAL SIGFOO", "SHELL sh", "ENV A",
                          "HEALTHCHECK --interval=1us CMD x", "HEALTHCHECK RUN x", "USER",
                          "ONBUILD FROM x", "LABEL --x=1 a=b"}) {
    EXPECT_NE(applied(bad, config).find("error"), std::string::npos) << bad;
  }
}

TEST(Changes, change_the_configuration_and_nothing_else) {
  oci::image::RunDefaults run;
  run.environment = {"A=1"};
  ASSERT_TRUE(apply_changes("ENV B=$A C=3\nWORKDIR srv\nCMD [\"x\", \"y\"]\nLABEL a=b", run).ok());
  EXPECT_EQ(run.environment, (std::vector<std::string>{"A=1", "B=1", "C=3"}));
  EXPECT_EQ(run.working_directory, "/srv");
  EXPECT_EQ(run.command, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(apply_changes("", run).ok());
  for (const char* refused : {"RUN true", "FROM x", "COPY a b", "EXPOSE x", "NONSENSE"}) {
    EXPECT_EQ(apply_changes(refused, run).error().kind(), ErrorKind::invalid_argument) << refused;
  }
}

}  // namespace
}  // namespace proa::build
