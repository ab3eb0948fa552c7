// proad: the engine of a host. Wiring only: options, log, engine, API, and an orderly end.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "api/route/status.h"
#include "api/routes.h"
#include "api/services.h"
#include "apps/daemon/listeners.h"
#include "apps/daemon/options.h"
#include "io/http/server.h"
#include "kernel/file/file.h"
#include "kernel/file/lock_file.h"

namespace proa::daemon {
namespace {

// How long one that was killed here may still hold its lock (LockFile::take_within).
constexpr std::chrono::seconds kPredecessor{5};

int stop_event = -1;  // an eventfd; what a signal's handler can reach

void on_stop_signal(int) { ::eventfd_write(stop_event, 1); }
void on_broken_pipe(int) {}

// Handlers, not SIG_IGN or a mask: programs that are started here begin with neither.
Result<void> watch_signals() {
  stop_event = ::eventfd(0, EFD_CLOEXEC);
  if (stop_event < 0) return fail_errno("making an eventfd");
  struct sigaction action = {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  action.sa_handler = on_broken_pipe;
  ::sigaction(SIGPIPE, &action, nullptr);
  return {};
}

// A thread per connection: what each takes while it waits is kept small.
void keep_threads_small() {
  constexpr std::size_t kStack = 512 << 10;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  ::mallopt(M_ARENA_MAX, 2);
}

void start_log(bool debug) {
  auto log = spdlog::stderr_logger_mt("proad");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  log->set_level(debug ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

engine::Options engine_options(const Options& options) {
  engine::Options made;
  made.root = options.root;
  made.run = options.run;
  made.programs = options.programs;
  made.tag = tag_of(options.root);
  made.ids_first = options.ids_first;
  made.ids_count = options.ids_count;
  made.warn = [](const std::string& message) { spdlog::warn("{}", printable(message, 2000)); };
  return made;
}

// Steps of builds share one range of ids, the last of those that may be leased.
build::Options builder_options(const Options& options, engine::Engine& engine) {
  build::Options made;
  made.root = options.root;
  made.run = options.run;
  made.tag = tag_of(options.root);
  made.step_program = cat(options.programs, "/proa-step");
  made.ids_count = std::min(made.ids_count, options.ids_count);
  made.ids_first = options.ids_first + (options.ids_count - made.ids_count);
  made.images = options.images;
  made.image_uses = [&engine] { return engine::image_uses(engine); };
  made.cache_limit = options.build_cache;
  made.join_network = [&engine](const engine::SeatRequest& request, FdRef joins) {
    return engine.take_seat(request, joins);
  };
  return made;
}

void answer_fault(http::Connection& connection, const Error& error) {
  const int status = error.kind() == ErrorKind::exhausted ? 431 : api::status_of(error.kind());
  http::Headers headers;
  headers.add("Content-Type", "application/json");
  discard(connection.respond(status, headers, api::error_body(error.message())),
          "whoever sent this may have gone");
}

Result<void> serve(const Options& options) {
  keep_threads_small();
  start_log(options.debug);
  TRY(watch_signals());
  TRY(file::make_directories(options.root, 0711));
  TRY(file::make_directories(options.run, 0711));
  const auto lock = TRY(file::LockFile::take_within(cat(options.run, "/proad.lock"), kPredecessor));
  if (!lock) return fail(ErrorKind::busy, "another proad runs in '", options.run, "'");
  const auto images = TRY(engine::Images::open(options.root, options.images));
  const auto engine = TRY(engine::Engine::open(engine_options(options), *images));
  const std::vector<Fd> listeners = TRY(open_listeners(options.hosts, options.group));

  const auto builder = TRY(build::Builder::open(builder_options(options, *engine)));

  api::Services services{*engine, *images, *builder, options.defaults};
  const api::Router router(api::all_routes());
  http::Server server(
      {},
      [&](http::Connection& connection, const http::RequestHead& head) {
        spdlog::debug("{} {}", head.method, printable(head.path));
        router.dispatch(services, connection, head);
      },
      answer_fault);
  std::thread stopper([&] {
    eventfd_t count = 0;
    while (::eventfd_read(stop_event, &count) != 0) {
    }
    server.stop();
  });
  spdlog::info("proad {} serves {} from {}", "0.1.0", join(options.hosts, " "), options.root);
  const std::vector<FdRef> sockets(listeners.begin(), listeners.end());
  Result<void> served = server.serve(sockets);
  on_stop_signal(0);
  stopper.join();
  spdlog::info("proad ends; workloads go on");
  return served;
}

}  // namespace
}  // namespace proa::daemon

int main(int count, char** arguments) {
  using namespace proa;
  const Result<std::optional<daemon::Options>> options = daemon::read_options(count, arguments);
  if (!options.ok()) {
    std::fprintf(stderr, "proad: %s\n", options.error().message().c_str());
    return 2;
  }
  if (!options.value()) return 0;
  const Result<void> served = daemon::serve(*options.value());
  if (served.ok()) return 0;
  std::fprintf(stderr, "proad: %s\n", served.error().message().c_str());
  return 1;
}
