#include "kernel/seccomp/seccomp.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace proa::seccomp {
namespace {

// What libseccomp's code generator uses of what the kernel allows (kernel/seccomp.c,
// seccomp_check_filter).
constexpr std::array<std::uint16_t, 12> kInstructions = {
    BPF_LD | BPF_W | BPF_ABS,  BPF_LDX | BPF_W | BPF_IMM,  BPF_ALU | BPF_AND | BPF_K,
    BPF_JMP | BPF_JA,          BPF_JMP | BPF_JEQ | BPF_K,  BPF_JMP | BPF_JGT | BPF_K,
    BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JSET | BPF_K, BPF_RET | BPF_K,
    BPF_LD | BPF_W | BPF_IMM,  BPF_MISC | BPF_TAX,         BPF_MISC | BPF_TXA,
};

bool is_return(const sock_filter& instruction) { return instruction.code == (BPF_RET | BPF_K); }

}  // namespace

int load(std::span<const sock_filter> program, std::uint32_t flags) noexcept {
  // The kernel only reads the program; its type lacks the const.
  const sock_fprog filter = {.len = static_cast<unsigned short>(program.size()),
                             .filter = const_cast<sock_filter*>(program.data())};
  const long loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (loaded == 0) return 0;
  // With TSYNC a positive answer is the thread that could not be brought along.
  return loaded > 0 ? ESRCH : errno;
}

bool knows_action(std::uint32_t action) {
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool knows_flags(std::uint32_t flags) {
  // Flags are looked at before the program, whose address is bad on purpose.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, nullptr) < 0 && errno == EFAULT;
}

Result<void> check(std::span<const sock_filter> program) {
  if (program.empty() || program.size() > BPF_MAXINSNS) {
    return fail(ErrorKind::corrupt, "a filter of ", program.size(), " instructions");
  }
  for (std::size_t i = 0; i < program.size(); ++i) {
    const sock_filter& instruction = program[i];
    const std::size_t left = program.size() - i - 1;
    const bool known = std::ranges::find(kInstructions, instruction.code) != kInstructions.end();
    const bool load_fits = instruction.code != (BPF_LD | BPF_W | BPF_ABS) ||
                           (instruction.k < sizeof(seccomp_data) && instruction.k % 4 == 0);
    bool jump_fits = true;
    if (instruction.code == (BPF_JMP | BPF_JA)) {
      jump_fits = instruction.k < left;
    } else if (BPF_CLASS(instruction.code) == BPF_JMP) {
      jump_fits = std::max(instruction.jt, instruction.jf) < left;
    }
    if (!known || !load_fits || !jump_fits) {
      return fail(ErrorKind::corrupt, "instruction ", i, " of a filter is malformed");
    }
  }
  if (!is_return(program.back())) return fail(ErrorKind::corrupt, "a filter without an end");
  return {};
}

}  // namespace proa::seccomp
