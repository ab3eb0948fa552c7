// The runtime's conformance tests of mounts, and of what else asks most of the kernel, once more on
// Linux 6.1 and pure cgroup v2: what newer kernels allow (copying a mount that is attached nowhere,
// say) must not be needed.
#include "tests/fixtures/leak_check.h"
#include "tests/nested/inside.h"

namespace proa {
namespace {

class OciNestedTest : public fixtures::LeakCheckedTest {};

TEST_F(OciNestedTest, runtime_passes_its_conformance_tests_on_an_old_kernel) {
  nested::expect_passes({.programs = {"test_conformance", "proa-oci", "proa-test-probe"},
                         .command = {"test_conformance",
                                     "--gtest_filter=OciMounts.*:OciExec.exec_when_running*:"
                                     "OciProcess.seccomp*:OciLifecycle.*pause*"},
                         .limit = std::chrono::seconds(300)});
}

}  // namespace
}  // namespace proa
