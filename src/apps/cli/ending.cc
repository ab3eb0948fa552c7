#include "apps/cli/ending.h"

namespace proa::cli {

EndingSignals::EndingSignals() {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

std::optional<int> EndingSignals::wait(const std::stop_token& done) const {
  const timespec brief{0, 200'000'000};
  while (!done.stop_requested()) {
    const int signal = ::sigtimedwait(&signals_, nullptr, &brief);
    if (signal > 0) return signal;
  }
  return std::nullopt;
}

}  // namespace proa::cli
