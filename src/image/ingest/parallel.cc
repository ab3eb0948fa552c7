#include "image/ingest/parallel.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

namespace proa::image {
namespace {

// Out of memory ends the task, not the process.
Result<void> run_guarded(const std::function<Result<void>()>& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::exhausted, "out of memory");
  }
}

}  // namespace

Result<void> run_parallel(std::vector<std::function<Result<void>()>> tasks, std::size_t limit) {
  std::mutex mutex;
  std::size_t next = 0;                // guarded by mutex
  std::optional<Error> first_failure;  // guarded by mutex
  const auto work = [&] {
    while (true) {
      std::size_t mine = 0;
      {
        const std::lock_guard lock(mutex);
        if (first_failure || next == tasks.size()) return;
        mine = next++;
      }
      Result<void> done = run_guarded(tasks[mine]);
      if (done.ok()) continue;
      const std::lock_guard lock(mutex);
      if (!first_failure) first_failure = std::move(done).error();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t count = 0; count < std::min(limit, tasks.size()); ++count) {
      threads.emplace_back(work);
    }
  }
  if (first_failure) return std::move(*first_failure);
  return {};
}

}  // namespace proa::image
