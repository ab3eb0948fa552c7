// The streams of a container's processes.
#include <fcntl.h>
#include <unistd.h>

#include "hull/light/container_hull.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/terminal.h"
#include "kernel/socket/unix_stream.h"

namespace proa::hull {
namespace {

constexpr std::size_t kPipe = 64 << 10;  // bytes: what a pipe holds without asking

// A pipe that the workload's user may open anew, as programs do that log to /dev/stdout.
Result<file::Pipe> pipe_for(std::uint32_t host_uid) {
  file::Pipe pipe = TRY(file::make_pipe(kPipe));
  if (::fchown(pipe.read.get(), host_uid, static_cast<gid_t>(-1)) != 0) {
    return fail_errno("giving a stream to the workload's user");
  }
  return pipe;
}

Result<Fd> duplicate(FdRef fd) {
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) return fail_errno("duplicating a terminal");
  return copy;
}

}  // namespace

Result<ContainerHull::Stdio> ContainerHull::make_stdio(const wire::Process& process,
                                                       std::uint32_t uid) const {
  Stdio stdio;
  if (process.terminal) {
    socket::Pair pair = TRY(socket::stream_pair(socket::Blocking::yes));
    stdio.console_ours = std::move(pair.first);
    stdio.console = std::move(pair.second);
    return stdio;
  }
  const std::uint32_t host_uid = spec_.ids ? spec_.ids->first + uid : uid;
  if (process.open_input) {
    file::Pipe pipe = TRY(pipe_for(host_uid));
    stdio.input = std::move(pipe.read);
    stdio.ours.input = std::move(pipe.write);
  } else {
    stdio.input = TRY(file::open("/dev/null", O_RDONLY));
  }
  file::Pipe output = TRY(pipe_for(host_uid));
  file::Pipe error = TRY(pipe_for(host_uid));
  stdio.output = std::move(output.write);
  stdio.ours.output = std::move(output.read);
  stdio.error = std::move(error.write);
  stdio.ours.error = std::move(error.read);
  for (const Fd* ours : {&stdio.ours.input, &stdio.ours.output, &stdio.ours.error}) {
    if (ours->valid()) TRY(socket::set_blocking(*ours, socket::Blocking::no));
  }
  return stdio;
}

Result<Streams> ContainerHull::finish_stdio(Stdio stdio, Running& running) const {
  const auto number = static_cast<std::uint32_t>(running.child.pid());
  stdio.ours.shown_number = number;
  if (!stdio.console_ours.valid()) return std::move(stdio.ours);
  stdio.console.reset();
  std::array<std::byte, 64> name;
  socket::Received received =
      TRY(socket::receive(stdio.console_ours, name), "receiving the terminal");
  if (received.descriptors.empty()) {
    return fail(ErrorKind::internal, "the container sent no terminal");
  }
  running.terminal = std::move(received.descriptors.front());
  Streams streams;
  streams.shown_number = number;
  streams.output = TRY(duplicate(running.terminal));
  streams.input = TRY(duplicate(running.terminal));
  TRY(socket::set_blocking(running.terminal, socket::Blocking::no));
  return streams;
}

void ContainerHull::resize(const std::string& exec, wire::WindowSize size, Done<> done) {
  Result<Running*> running = find(exec);
  if (!running.ok()) return done(std::move(running).error());
  if (!running.value()->terminal.valid()) return done({});
  done(process::set_window_size(running.value()->terminal, {size.rows, size.columns}));
}

}  // namespace proa::hull
