#include "apps/cli/start_engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>

#include "base/text.h"
#include "client/http/connection.h"
#include "kernel/event/poll.h"
#include "kernel/file/file.h"
#include "kernel/file/lock_file.h"
#include "kernel/process/child.h"
#include "kernel/socket/connect.h"
#include "kernel/socket/unix_stream.h"

namespace proa::cli {
namespace {

constexpr int kListener = 3;  // sd_listen_fds(3)
constexpr std::chrono::milliseconds kStartLimit = std::chrono::seconds(20);

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

// Waits until the new engine answers; it takes connections before it is ready.
Result<void> await_answer(const std::string& socket) {
  const client::Address address = TRY(client::parse_address(cat("unix://", socket)));
  client::Connection connection = TRY(client::Connection::open(address));
  TRY(connection.send(client::Request("GET", "/_ping"), ""));
  std::array<event::Waiting, 1> waits{{{connection.socket().get(), {.readable = true}}}};
  TRY(event::wait_for_any(waits, kStartLimit));
  if (!waits[0].ready.readable && !waits[0].ready.closed) {
    return fail(ErrorKind::timeout, "it did not answer within ", kStartLimit.count() / 1000, " s");
  }
  TRY(connection.receive_head());
  return {};
}

// Waits until an engine that is ending has ended: it holds its lock to the last.
Result<void> await_lock(const std::string& run) {
  constexpr std::chrono::seconds kPatience(10);
  const auto lock = TRY(file::LockFile::take_within(cat(run, "/proad.lock"), kPatience));
  if (lock) return {};
  return fail(ErrorKind::busy, "an engine runs in '", run, "' that does not listen there");
}

Result<std::string> own_program() { return file::read_link_at(FdRef::cwd(), "/proc/self/exe"); }

}  // namespace

bool nobody_listens(const Error& error) {
  return error.errno_code() == ENOENT || error.errno_code() == ECONNREFUSED;
}

Result<void> start_engine(const std::string& socket) {
  if (::geteuid() != 0) {
    return fail(ErrorKind::permission, "no engine runs at ", socket,
                ", and only root can start one (proad)");
  }
  const std::string run = socket.substr(0, socket.rfind('/'));
  TRY(file::make_directories(run, 0711), "starting the engine");
  // Of several that find no engine one starts it; the others wait here, and find it then.
  const file::LockFile lock = TRY(file::LockFile::wait(cat(run, "/start.lock")));
  if (socket::connect_path(socket).ok()) return {};
  TRY(await_lock(run));
  const Fd directory = TRY(file::open(run, O_PATH | O_DIRECTORY));
  Fd listener = TRY(socket::listen_at(directory, socket.substr(run.size() + 1), 0660));
  const Fd log = TRY(file::open(cat(run, "/proad.log"), O_WRONLY | O_CREAT | O_APPEND, 0640));
  const std::string program = TRY(own_program());
  process::Child child = TRY(process::Child::spawn(
      {.program = program,
       .arguments = {"proa", "__engine", run, variable("PROA_ROOT", "/var/lib/proa")},
       .environment = {},
       .standard_input = {},
       .standard_output = log,
       .standard_error = log,
       .inherited = {{listener, kListener}}}));
  // Ours to close: an engine that ends early is then seen to have gone.
  listener.reset();
  const Result<void> answered = await_answer(socket);
  if (!answered.ok()) {
    return fail(ErrorKind::unavailable, "the engine does not start: ", answered.error().message(),
                "; its log is ", run, "/proad.log");
  }
  child.detach();
  return {};
}

Result<int> become_engine(const std::string& run, const std::string& root) {
  ::setsid();
  ::umask(022);
  if (::chdir("/") != 0) return fail_errno("entering '/'");
  ::setenv("LISTEN_PID", cat(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "1", 1);
  const std::string own = TRY(own_program());
  const std::string program = cat(own.substr(0, own.rfind('/')), "/proad");
  ::execl(program.c_str(), "proad", "--root", root.c_str(), "--run", run.c_str(), nullptr);
  return fail_errno("starting '", program, "'");
}

}  // namespace proa::cli
