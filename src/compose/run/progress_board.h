// How far each service is: what threads that bring services up wait for.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"

namespace proa::compose {

// Thread: any.
class ProgressBoard {
 public:
  // The service's containers are started, or could not be.
  void finish(const std::string& service, const Result<void>& outcome);
  // Waits until a service is finished; fails as it failed.
  //
  // Errors: unavailable ("dependency db failed to start"), cancelled (another service failed)
  Result<void> await(const std::string& service);
  // The first failure, by the order of time.
  Result<void> outcome() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, bool> finished_;  // by service, whether well; guarded by mutex_
  std::optional<Error> first_;            // guarded by mutex_
};

}  // namespace proa::compose
