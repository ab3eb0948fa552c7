#include "oci/runtime/seccomp.h"

#include <gtest/gtest.h>

namespace proa::oci::runtime {
namespace {

Result<Seccomp> parse(std::string_view text) {
  const json::Value value = TRY(json::parse(text, "config.json"));
  return parse_seccomp(json::Reader(value, "config.json"));
}

std::string fault_of(std::string_view text) {
  const Result<Seccomp> seccomp = parse(text);
  return seccomp.ok() ? "accepted" : seccomp.error().message();
}

TEST(Seccomp, canonical_text_of_a_whole_profile_is_what_was_parsed) {
  const std::string text =
      R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,)"
      R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_RISCV64"],)"
      R"("flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],)"
      R"("listenerPath":"/run/l","listenerMetadata":"m","syscalls":[)"
      R"({"names":["read","write"],"action":"SCMP_ACT_ALLOW"},)"
      R"({"names":["clone"],"action":"SCMP_ACT_TRACE","errnoRet":1,"args":[)"
      R"({"index":0,"value":18446744073709551615,"valueTwo":2,"op":"SCMP_CMP_MASKED_EQ"}]}]})";
  const Result<Seccomp> parsed = parse(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(json::print(to_json(parsed.value())), text);
}

TEST(Seccomp, kill_is_the_old_word_for_kill_thread) {
  const Result<Seccomp> parsed = parse(R"({"defaultAction":"SCMP_ACT_KILL"})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().default_action, SeccompAction::kill_thread);
  EXPECT_EQ(json::print(to_json(parsed.value())), R"({"defaultAction":"SCMP_ACT_KILL_THREAD"})");
}

TEST(Seccomp, wrong_field_is_named) {
  EXPECT_EQ(fault_of("{}"), "config.json: 'defaultAction' is missing");
  EXPECT_EQ(fault_of(R"({"defaultAction":"ALLOW"})"),
            "config.json: defaultAction: unknown seccomp action 'ALLOW'");
  EXPECT_EQ(fault_of(R"({"defaultAction":"SCMP_ACT_LOG","architectures":["SCMP_ARCH_Z80"]})"),
            "config.json: architectures[0]: unknown seccomp architecture 'SCMP_ARCH_Z80'");
  EXPECT_EQ(fault_of(R"({"defaultAction":"SCMP_ACT_LOG","flags":["X"]})"),
            "config.json: flags[0]: unknown seccomp flag 'X'");
  EXPECT_EQ(fault_of(R"({"defaultAction":"SCMP_ACT_LOG",
                         "syscalls":[{"names":[],"action":"SCMP_ACT_LOG"}]})"),
            "config.json: syscalls[0].names: is empty");
  EXPECT_EQ(fault_of(R"({"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],
                         "action":"SCMP_ACT_LOG",
                         "args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]})"),
            "config.json: syscalls[0].args[0].index: system calls have arguments 0 to 5");
}

}  // namespace
}  // namespace proa::oci::runtime
