#include "oci/runtime/spec.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/fixtures/require.h"

namespace proa::oci::runtime {
namespace {

std::string with(std::string_view members) {
  return cat(R"({"ociVersion":"1.0.2","root":{"path":"rootfs"})", members.empty() ? "" : ",",
             members, "}");
}

std::string message_of(std::string_view text) {
  const Result<Spec> spec = parse_spec(text);
  return spec.ok() ? "(accepted)" : spec.error().message();
}

TEST(Spec, newer_minor_version_is_accepted) {
  EXPECT_OK(parse_spec(R"({"ociVersion":"1.9.0-dev"})"));
}

TEST(Spec, other_major_version_is_refused_by_name) {
  EXPECT_EQ(message_of(R"({"ociVersion":"2.0.0"})"),
            "config.json: ociVersion: version 2.0.0 of the specification; known are 1.0 to 1.3.0");
}

TEST(Spec, unknown_field_is_ignored) { EXPECT_OK(parse_spec(with(R"("novelty":{"a":[1]})"))); }

TEST(Spec, field_that_is_not_supported_is_refused_by_name) {
  EXPECT_EQ(message_of(with(R"("linux":{"intelRdt":{"closID":"a"}})")),
            "config.json: linux.intelRdt: is not supported");
}

TEST(Spec, process_is_read_whole) {
  const Result<Spec> spec = parse_spec(with(R"("process":{"terminal":true,
    "consoleSize":{"height":24,"width":80},
    "user":{"uid":7,"gid":8,"umask":63,"additionalGids":[9,10]},
    "args":["sh","-c","true"],"env":["A=b"],"cwd":"/w",
    "capabilities":{"bounding":["CAP_CHOWN","CAP_NOVEL"],"ambient":["CAP_KILL"]},
    "rlimits":[{"type":"RLIMIT_NOFILE","soft":10,"hard":20}],
    "noNewPrivileges":true,"oomScoreAdj":-5,
    "ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":3}})"));
  ASSERT_OK(spec);
  const Process& process = *spec.value().process;
  EXPECT_TRUE(process.terminal);
  EXPECT_EQ(process.console_size->width, 80);
  EXPECT_EQ(process.user.additional_gids, (std::vector<std::uint32_t>{9, 10}));
  EXPECT_EQ(process.capabilities->bounding, 1u);
  EXPECT_EQ(process.capabilities->ambient, 1u << 5);
  EXPECT_EQ(process.capabilities->unknown, std::vector<std::string>{"CAP_NOVEL"});
  EXPECT_EQ(process.rlimits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(process.io_priority->priority, 3);
}

TEST(Spec, scheduler_is_read_and_its_words_are_checked) {
  const Result<Spec> spec = parse_spec(with(R"("process":{"cwd":"/","scheduler":
    {"policy":"SCHED_DEADLINE","runtime":10,"deadline":20,"flags":["SCHED_FLAG_RESET_ON_FORK"]}})"));
  ASSERT_OK(spec);
  EXPECT_EQ(spec.value().process->scheduler->policy, 6u);
  EXPECT_EQ(spec.value().process->scheduler->deadline, 20u);
  EXPECT_EQ(spec.value().process->scheduler->flags, 1u);
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"/","scheduler":{"policy":"SCHED_FAST"}})")),
            "config.json: process.scheduler: policy: 'SCHED_FAST' is not a scheduling policy");
}

TEST(Spec, number_that_means_no_id_is_refused) {
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"/","user":{"uid":4294967295}})")),
            "config.json: process.user: uid: 4294967295 means no id");
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"/","user":{"gid":4294967295}})")),
            "config.json: process.user: gid: 4294967295 means no id");
}

TEST(Spec, limit_with_soft_above_hard_is_refused) {
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"/",
              "rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}]})")),
            "config.json: process.rlimits[0]: soft: is above hard");
}

TEST(Spec, same_limit_twice_is_refused) {
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"/","rlimits":[
              {"type":"RLIMIT_CPU","soft":1,"hard":1},{"type":"RLIMIT_CPU","soft":1,"hard":1}]})")),
            "config.json: process: rlimits: RLIMIT_CPU stands there twice");
}

TEST(Spec, relative_working_directory_is_refused) {
  EXPECT_EQ(message_of(with(R"("process":{"cwd":"tmp"})")),
            "config.json: process: cwd: 'tmp' is not absolute");
}

TEST(Spec, namespace_twice_is_refused) {
  EXPECT_EQ(message_of(with(R"("linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]})")),
            "config.json: linux: namespaces: 'pid' stands there twice");
}

TEST(Spec, mapping_beyond_the_largest_id_is_refused) {
  EXPECT_EQ(message_of(with(R"("linux":{"namespaces":[{"type":"user"}],
              "uidMappings":[{"containerID":0,"hostID":4294967295,"size":2}]})")),
            "config.json: linux.uidMappings[0]: size: the range goes beyond the largest id");
}

TEST(Spec, mapping_without_user_namespace_is_refused) {
  EXPECT_EQ(message_of(with(R"("linux":{"uidMappings":[{"containerID":0,"hostID":1,"size":2}]})")),
            "config.json: linux: uidMappings: given without a user namespace");
}

TEST(Spec, relative_mount_destination_is_below_the_root) {
  const Result<Spec> spec = parse_spec(with(R"("mounts":[{"destination":"data","type":"tmpfs"}])"));
  ASSERT_OK(spec);
  EXPECT_EQ(spec.value().mounts[0].destination, "/data");
}

TEST(Spec, string_with_nul_is_refused) {
  EXPECT_EQ(message_of(with(R"("hostname":"a\u0000b")")),
            "config.json: a string holds a NUL character");
}

TEST(Spec, hook_without_absolute_path_is_refused) {
  EXPECT_EQ(message_of(with(R"("hooks":{"poststop":[{"path":"bin/true"}]})")),
            "config.json: hooks.poststop[0]: path: 'bin/true' is not absolute");
}

}  // namespace
}  // namespace proa::oci::runtime
