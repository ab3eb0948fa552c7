#include "apps/worker/calls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "kernel/seccomp/seccomp.h"

namespace proa::worker {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
// Numbers from here on are x32's: another way to the same calls.
constexpr std::uint32_t kForeignNumbers = 0x40000000;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeignNumbers = 0xffffffff;
#endif

constexpr int kRefused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_fsopen,
    SYS_fsmount,
    SYS_open_tree,
    SYS_move_mount,
    SYS_mount_setattr,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_open_by_handle_at,
    SYS_io_uring_setup,
    SYS_pidfd_getfd,
    SYS_memfd_create,
    SYS_vmsplice,  // a pipe's bytes would change after they were read
    SYS_swapon,
    SYS_reboot,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
#endif
};

constexpr std::uint32_t offset_of_number() { return offsetof(seccomp_data, nr); }

sock_filter load_word(std::uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter give(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

}  // namespace

Result<void> restrict_calls() {
  const sock_filter kill = give(SECCOMP_RET_KILL_PROCESS);
  std::vector<sock_filter> program = {
      load_word(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      kill,
      load_word(offset_of_number()),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kForeignNumbers, 0, 1),
      kill,
  };
  for (const int number : kRefused) {
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
    program.push_back(kill);
  }
  // clone3's flags lie behind a pointer that a filter cannot read: the C library then falls back
  // to clone, which may make threads only.
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
  program.push_back(give(SECCOMP_RET_ERRNO | ENOSYS));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
  program.push_back(load_word(offsetof(seccomp_data, args[0])));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
  program.push_back(kill);
  program.push_back(give(SECCOMP_RET_ALLOW));
  const int failure = seccomp::load(program, 0);
  if (failure != 0) return fail_with(failure, "loading the system call filter");
  return {};
}

}  // namespace proa::worker
