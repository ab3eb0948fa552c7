#include "kernel/cgroup/device_program.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

namespace proa::cgroup {
namespace {

std::uint64_t address(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

// The device programs attached to this very cgroup.
Result<std::vector<Fd>> attached_programs(FdRef cgroup) {
  std::array<std::uint32_t, 64> ids = {};
  bpf_attr query = {};
  query.query.target_fd = static_cast<std::uint32_t>(cgroup.get());
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = address(ids.data());
  query.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, query) != 0) return fail_errno("listing a cgroup's device programs");
  std::vector<Fd> programs;
  for (std::uint32_t i = 0; i < query.query.prog_cnt; ++i) {
    bpf_attr by_id = {};
    by_id.prog_id = ids[i];
    Fd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, by_id)));
    // One that was detached meanwhile need not be replaced.
    if (!program.valid() && errno == ENOENT) continue;
    if (!program.valid()) return fail_errno("opening a cgroup's device program");
    programs.push_back(std::move(program));
  }
  return programs;
}

}  // namespace

Result<Fd> load_device_program(std::span<const bpf_insn> program) {
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = address(program.data());
  load.insn_cnt = static_cast<std::uint32_t>(program.size());
  load.license = address(kLicense);
  Fd fd(static_cast<int>(bpf(BPF_PROG_LOAD, load)));
  if (fd.valid()) return fd;
  const int load_errno = errno;
  // Only a second attempt asks for the verifier's words: they cost time.
  std::array<char, 4096> log = {};
  load.log_buf = address(log.data());
  load.log_size = log.size();
  load.log_level = 1;
  fd = Fd(static_cast<int>(bpf(BPF_PROG_LOAD, load)));
  if (fd.valid()) return fd;
  return fail_with(load_errno, "loading a device program of ", program.size(),
                   " instructions: ", printable(log.data()));
}

Result<void> attach_device_program(FdRef cgroup, FdRef program) {
  const std::vector<Fd> old = TRY(attached_programs(cgroup));
  bpf_attr attach = {};
  attach.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (old.size() == 1) {
    attach.attach_flags |= BPF_F_REPLACE;
    attach.replace_bpf_fd = static_cast<std::uint32_t>(old[0].get());
  }
  if (bpf(BPF_PROG_ATTACH, attach) != 0) return fail_errno("attaching a device program");
  if (old.size() == 1) return {};
  for (const Fd& superseded : old) {
    bpf_attr detach = {};
    detach.target_fd = static_cast<std::uint32_t>(cgroup.get());
    detach.attach_bpf_fd = static_cast<std::uint32_t>(superseded.get());
    detach.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, detach) != 0 && errno != ENOENT) {
      return fail_errno("detaching a device program");
    }
  }
  return {};
}

}  // namespace proa::cgroup
