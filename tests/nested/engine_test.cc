// Tests of what a workload does, once more in a machine that has KVM: there `--runtime vm` is
// carried by proa-vmm. QEMU is not in that machine, so nothing else could carry it.
#include "base/text.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "tests/nested/inside.h"

namespace proa {
namespace {

class EngineNestedTest : public fixtures::LeakCheckedTest {};

TEST_F(EngineNestedTest, workloads_run_in_machines_of_our_own_monitor) {
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  // The engine's root wants a file system with ids mapped, which Linux 6.1's tmpfs is not; with
  // the guest kernels on it they need not go through the machine's memory.
  const std::string disk = cat(scratch.value().path(), "/disk");
  const fixtures::Output made =
      fixtures::run({.arguments = {"/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E",
                                   "lazy_itable_init=1", "-d",
                                   fixtures::built_program("../kernels"), disk, "1G"}});
  ASSERT_EQ(made.code, 0) << made.err;
  nested::Inside inside{
      .options = {"--memory", "1536", "--file", "/usr/bin/docker:/usr/bin/docker", "--file",
                  "/sbin/mke2fs:/sbin/mkfs.ext4", "--qemu=-drive",
                  cat("--qemu=if=none,id=disk,format=raw,cache=unsafe,file=", disk),
                  "--qemu=-device", "--qemu=virtio-blk-pci,drive=disk"},
      .programs = {"test_system", "proad", "proa-shim", "proa-worker", "proa-net", "proa-init",
                   "proa-vmm"},
      .command = {"sh", "-c",
                  "mount -t ext4 /dev/vda /tmp && chmod 1777 /tmp && ln -s /tmp /kernels && "
                  "PROA_BIN=/bin exec test_system '--gtest_filter="
                  "*/DockerLifecycle.run_gives_output_errors_input_and_exit_code/vm:"
                  "*/DockerLifecycle.exec_runs_beside_the_first_process/vm:"
                  "*/DockerLifecycle.pause_rename_and_update_change_what_inspect_shows/vm:"
                  "MachineTest.when_the_hosts_disk_is_full_it_waits_for_room_and_this_is_told'"}};
  for (const char* module :
       {"kvm-amd", "virtio_pci", "virtio_blk", "overlay", "erofs", "loop", "tun", "bridge",
        "nf_tables", "nft_chain_nat", "nft_masq", "nft_redir", "nft_ct", "nft_reject_inet"}) {
    inside.options.insert(inside.options.end(), {"--module", module});
  }
  nested::expect_passes(inside);
}

}  // namespace
}  // namespace proa
