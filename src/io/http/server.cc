#include "io/http/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

namespace proa::http {

Server::Server(const ServerOptions& options, Handler handler, FaultHandler on_fault)
    : options_(options),
      handler_(std::move(handler)),
      on_fault_(std::move(on_fault)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(wake_.valid());
}

Server::~Server() {
  stop();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return std::ranges::all_of(active_, [](const Active& entry) { return entry.finished; });
  });
  lock.unlock();
  reap_finished();
}

Result<void> Server::serve(const std::vector<FdRef>& listeners) {
  std::vector<pollfd> entries;
  for (const FdRef listener : listeners) entries.push_back({listener.get(), POLLIN, 0});
  entries.push_back({wake_.get(), POLLIN, 0});
  while (true) {
    if (::poll(entries.data(), entries.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail_errno("waiting for connections");
    }
    if (entries.back().revents != 0) return {};
    for (std::size_t index = 0; index + 1 < entries.size(); ++index) {
      if (entries[index].revents == 0) continue;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
          return stopping_ || std::ranges::count_if(active_, [](const Active& entry) {
                                return !entry.finished;
                              }) < options_.connections;
        });
      }
      Fd socket(::accept4(entries[index].fd, nullptr, nullptr, SOCK_CLOEXEC));
      if (socket.valid()) start_connection(std::move(socket));
    }
    reap_finished();
  }
}

void Server::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const Active& entry : active_) {
    if (entry.socket >= 0) ::shutdown(entry.socket, SHUT_RDWR);
  }
  discard(Result<int>(::eventfd_write(wake_.get(), 1)), "the counter cannot be full");
  changed_.notify_all();
}

void Server::start_connection(Fd socket) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  Active& entry = active_.emplace_back();
  entry.socket = socket.get();
  entry.thread = std::thread([this, &entry, owned = std::move(socket)]() mutable {
    run_connection(std::move(owned), entry);
  });
}

void Server::run_connection(Fd socket, Active& active) {
  const auto forget_socket = [&] {
    const std::lock_guard lock(mutex_);
    active.socket = -1;
  };
  try {
    Connection connection(std::move(socket), options_.limits, forget_socket);
    serve_requests(connection);
  } catch (const std::bad_alloc&) {
    // Memory ran out for this client: its connection has ended, the others go on.
  }
  const std::lock_guard lock(mutex_);
  active.finished = true;
  changed_.notify_all();
}

void Server::serve_requests(Connection& connection) {
  while (!connection.hijacked()) {
    const Result<std::optional<RequestHead>> head = connection.next();
    if (!head.ok()) {
      connection.close_after();
      if (!connection.answered()) on_fault_(connection, head.error());
      return;
    }
    if (!head.value()) return;
    handler_(connection, *head.value());
    if (!connection.hijacked() && !connection.answered()) {
      on_fault_(connection, fail(ErrorKind::internal, "the request was not answered"));
    }
  }
}

void Server::reap_finished() {
  std::list<Active> finished;
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = active_.begin(); entry != active_.end();) {
      const auto next = std::next(entry);
      if (entry->finished) finished.splice(finished.end(), active_, entry);
      entry = next;
    }
  }
  for (Active& entry : finished) entry.thread.join();
}

}  // namespace proa::http
