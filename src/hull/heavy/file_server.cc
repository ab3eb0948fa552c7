#include "hull/heavy/file_server.h"

#include <fcntl.h>
#include <linux/capability.h>

#include "hull/heavy/jail.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::hull {
namespace {

constexpr const char* kServer = "/usr/lib/qemu/virtiofsd";
constexpr const char* kSocket = "shares.sock";

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }
// What it takes to keep files for every user of the guest; it sees nothing but the shares.
constexpr std::uint64_t kCapabilities =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_SETGID) |
    bit(CAP_SETUID) | bit(CAP_MKNOD) | bit(CAP_SETFCAP) | bit(CAP_SYS_CHROOT) |
    bit(CAP_SETPCAP);  // to drop what it has no use for, without which it does not start

}  // namespace

Result<FileServer> start_file_server(const std::vector<ServedShare>& shares,
                                     const std::string& cgroup, const std::string& scratch) {
  if (!file::exists(kServer)) {
    return fail(ErrorKind::not_found, kServer,
                " is missing: volumes of virtual machines need it (package qemu-system-common)");
  }
  const Fd directory = TRY(file::open(scratch, O_PATH | O_DIRECTORY));
  Fd listener = TRY(socket::listen_at(directory, kSocket, 0600));
  Fd connection = TRY(socket::connect_at(directory, kSocket));
  discard(file::unlink_at(directory, kSocket), "both ends are connected");
  const Fd errors = TRY(
      file::open(cat(scratch, "/virtiofsd.log"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  JailedProgram program;
  program.name = "virtiofsd";
  program.cgroup = cgroup;
  program.arguments = {kServer,
                       "--fd=3",
                       "-o",
                       "source=/shares",
                       "-o",
                       "sandbox=chroot",
                       "-o",
                       "cache=auto",
                       "-o",
                       "xattr",
                       "-o",
                       "announce_submounts",
                       "-o",
                       "log_level=warn",
                       "--rlimit-nofile=0"};
  program.descriptors.push_back(std::move(listener));
  for (const ServedShare& share : shares) {
    program.mounts.push_back({share.source, cat("/shares/", share.name), share.read_only});
  }
  program.capabilities = kCapabilities;
  program.errors = errors;
  process::Child process = TRY(run_jailed(std::move(program)));
  return FileServer{std::move(process), std::move(connection)};
}

}  // namespace proa::hull
