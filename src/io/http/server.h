// An HTTP server: a thread per connection, up to a cap; what a request means is the handler's.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "io/http/connection.h"

namespace proa::http {

struct ServerOptions {
  Limits limits;
  // Connections beyond it wait in the listener's backlog.
  int connections = 1024;
};

// Answers one request; called on the connection's thread. A handler that neither answered nor
// hijacked is answered 500.
using Handler = std::function<void(Connection&, const RequestHead&)>;
// Makes the answer to a request that could not even be parsed.
using FaultHandler = std::function<void(Connection&, const Error&)>;

// Owner: whoever serves. Thread: serve() blocks its caller; stop() may be called from any thread.
class Server {
 public:
  Server(const ServerOptions& options, Handler handler, FaultHandler on_fault);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Stops, and waits for the connections' threads.
  ~Server();

  // Accepts on listening stream sockets until stop(). The sockets stay the caller's.
  Result<void> serve(const std::vector<FdRef>& listeners);
  // Ends serve() and cuts the connections that are open.
  void stop();

 private:
  struct Active {
    std::thread thread;
    int socket = -1;  // for shutdown(2) alone; -1 from when the connection lets it go
    bool finished = false;
  };

  void start_connection(Fd socket);
  void run_connection(Fd socket, Active& active);
  void serve_requests(Connection& connection);
  void reap_finished();

  ServerOptions options_;
  Handler handler_;
  FaultHandler on_fault_;
  Fd wake_;  // an eventfd that ends serve()
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Active> active_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
};

}  // namespace proa::http
