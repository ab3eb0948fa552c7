// Notices that a client goes while its request takes long and nothing is written meanwhile.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "io/http/connection.h"

namespace proa::api {

// Owner: a handler, for one request. Thread: calls `on_gone` at most once, from its own.
class ClientWatch {
 public:
  ClientWatch(const http::Connection& connection, std::function<void()> on_gone);
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch();

 private:
  void run();

  const http::Connection& connection_;
  std::function<void()> on_gone_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace proa::api
