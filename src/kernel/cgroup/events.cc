#include "kernel/cgroup/events.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cgroup {
namespace {

constexpr char kEventsFile[] = "memory.events";

Result<std::uint64_t> oom_kills(FdRef events) {
  char text[1024];
  const ssize_t size = ::pread(events.get(), text, sizeof text, 0);
  // The file outlives its cgroup for as long as it is open, but says nothing any more.
  if (size < 0 && errno == ENODEV) return std::uint64_t{0};
  if (size < 0) return fail_errno("reading ", kEventsFile);
  for (const auto& [key, number] : parse_flat_keyed({text, static_cast<std::size_t>(size)})) {
    if (key == "oom_kill") return number;
  }
  return fail(ErrorKind::unsupported, kEventsFile, " has no 'oom_kill'");
}

}  // namespace

Result<OomWatch> OomWatch::start(const Cgroup& memory) {
  if (memory.version() == Version::v1) {
    Fd control = TRY(file::open_at(memory.fd(), "memory.oom_control", O_RDONLY),
                     "watching cgroup '", memory.directory(), "'");
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event.valid()) return fail_errno("eventfd");
    TRY(memory.write("cgroup.event_control", cat(event.get(), " ", control.get())));
    return OomWatch(Version::v1, std::move(event), std::move(control), 0);
  }
  if (!memory.has_file(kEventsFile)) {
    return fail(ErrorKind::unsupported, "cgroup '", memory.directory(),
                "' has no memory controller");
  }
  Fd notify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notify.valid()) return fail_errno("inotify_init1");
  const std::string path = cat(memory.directory(), "/", kEventsFile);
  if (::inotify_add_watch(notify.get(), path.c_str(), IN_MODIFY) < 0) {
    return fail_errno("watching '", path, "'");
  }
  Fd events = TRY(file::open_at(memory.fd(), kEventsFile, O_RDONLY));
  const std::uint64_t seen = TRY(oom_kills(events));
  return OomWatch(Version::v2, std::move(notify), std::move(events), seen);
}

Result<std::uint64_t> OomWatch::take() {
  if (version_ == Version::v1) {
    std::uint64_t count = 0;
    if (::read(fd_.get(), &count, sizeof count) < 0 && errno != EAGAIN) {
      return fail_errno("reading an eventfd");
    }
    return count;
  }
  char drained[4096];
  while (::read(fd_.get(), drained, sizeof drained) > 0) {
  }
  const std::uint64_t kills = TRY(oom_kills(counter_));
  const std::uint64_t fresh = kills > seen_ ? kills - seen_ : 0;
  seen_ += fresh;
  return fresh;
}

}  // namespace proa::cgroup
