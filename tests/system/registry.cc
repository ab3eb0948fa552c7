#include "tests/system/registry.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"

namespace proa::tests {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Result<int> free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, size) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    return fail_errno("finding a free port");
  }
  return static_cast<int>(ntohs(address.sin_port));
}

bool answers(int port) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Result<Registry> Registry::start(const std::string& extra) {
  file::TempDir directory = TRY(file::TempDir::create("/tmp", "proa-registry-"));
  const int port = TRY(free_port());
  const std::string configuration =
      cat("version: 0.1\nstorage: {filesystem: {rootdirectory: ", directory.path(),
          "/data}}\nlog: {level: error}\nhttp:\n  addr: 127.0.0.1:", port, "\n", extra);
  const std::string path = cat(directory.path(), "/config.yml");
  TRY(file::replace_file(FdRef::cwd(), path, configuration, 0600, file::Durable::no));
  const Fd log = TRY(file::open(cat(directory.path(), "/log"), O_WRONLY | O_CREAT, 0600));
  process::Spawn spawn;
  spawn.program = "/usr/bin/docker-registry";
  spawn.arguments = {"docker-registry", "serve", path};
  spawn.standard_output = FdRef(log);
  spawn.standard_error = FdRef(log);
  process::Child child = TRY(process::Child::spawn(spawn));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!answers(port)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorKind::timeout, "docker-registry does not answer");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Registry(std::move(directory), std::move(child), port);
}

std::string Registry::address() const { return cat("127.0.0.1:", port_); }

Ran run(const std::string& shell_command) {
  Result<file::Pipe> pipe = file::make_pipe(65536);
  if (!pipe.ok()) return {-1, pipe.error().message()};
  process::Spawn spawn;
  spawn.program = "/bin/sh";
  spawn.arguments = {"sh", "-c", shell_command};
  spawn.standard_output = FdRef(pipe.value().write);
  spawn.standard_error = FdRef(pipe.value().write);
  Result<process::Child> child = process::Child::spawn(spawn);
  if (!child.ok()) return {-1, child.error().message()};
  pipe.value().write.reset();
  Result<std::string> output = file::read_all(pipe.value().read);
  const Result<process::End> end = child.value().wait();
  return {end.ok() ? process::shell_code(end.value()) : -1,
          output.ok() ? output.value() : output.error().message()};
}

std::string program(const std::string& name) {
  if (const char* directory = std::getenv("PROA_BIN")) return cat(directory, "/", name);
  const Result<std::string> self = file::read_link_at(FdRef::cwd(), "/proc/self/exe");
  return self.ok() ? cat(self.value().substr(0, self.value().rfind('/')), "/", name) : name;
}

}  // namespace proa::tests
