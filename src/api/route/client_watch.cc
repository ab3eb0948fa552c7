#include "api/route/client_watch.h"

namespace proa::api {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};

}  // namespace

ClientWatch::ClientWatch(const http::Connection& connection, std::function<void()> on_gone)
    : connection_(connection), on_gone_(std::move(on_gone)), thread_([this] { run(); }) {}

ClientWatch::~ClientWatch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ClientWatch::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kBetweenLooks, [this] { return over_; })) {
    if (!connection_.client_closed()) continue;
    on_gone_();
    return;
  }
}

}  // namespace proa::api
