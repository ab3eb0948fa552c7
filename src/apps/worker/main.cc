// proa-worker: handles foreign bytes for its parent, jailed, in one role; see image/worker.
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>

#include "apps/worker/calls.h"
#include "apps/worker/jail.h"
#include "apps/worker/roles.h"
#include "image/registry/fetch_service.h"
#include "image/worker/worker.h"
#include "io/http_client/http_client.h"
#include "kernel/process/confine.h"

namespace proa::worker {
namespace {

using image::WorkerRole;

std::optional<WorkerRole> parse_role(std::string_view text) {
  for (const WorkerRole role : {WorkerRole::fetch, WorkerRole::convert, WorkerRole::restore,
                                WorkerRole::unpack, WorkerRole::inflate}) {
    if (image::name(role) == text) return role;
  }
  return std::nullopt;
}

Result<void> run(WorkerRole role) {
  std::string authorities;
  if (role == WorkerRole::fetch) {
    TRY(io::HttpClient::prepare_process());
    authorities = io::HttpClient::system_authorities();
  }
  TRY(enter_jail(role), "entering the jail");
  TRY(restrict_calls(), "restricting system calls");
  process::ignore_broken_pipes();
  const FdRef socket(image::kWorkerSocket);
  switch (role) {
    case WorkerRole::fetch:
      return image::serve_fetches(socket, authorities);
    case WorkerRole::convert:
      return convert(socket);
    case WorkerRole::restore:
      return restore(socket);
    case WorkerRole::unpack:
      return unpack(socket);
    case WorkerRole::inflate:
      return inflate(socket);
  }
  return {};
}

int main_of(int count, char** arguments) {
  const std::optional<WorkerRole> role =
      count == 2 ? parse_role(arguments[1]) : std::optional<WorkerRole>();
  if (!role) {
    std::fprintf(stderr, "proa-worker is started by proa and proad, not by hand\n");
    return 2;
  }
  const Result<void> done = run(*role);
  if (done.ok()) return 0;
  discard(image::send_message(FdRef(image::kWorkerSocket), image::error_message(done.error())),
          "the parent is gone");
  std::fprintf(stderr, "proa-worker: %s\n", done.error().message().c_str());
  return 1;
}

}  // namespace
}  // namespace proa::worker

int main(int count, char** arguments) {
  try {
    return proa::worker::main_of(count, arguments);
  } catch (const std::bad_alloc&) {
    std::fputs("proa-worker: out of memory\n", stderr);
    return 1;
  }
}
