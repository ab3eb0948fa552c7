// Rollback collects undo steps of a multi-step setup and runs them backwards unless committed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace proa {

// Owner: the function that sets things up. Thread: that function's.
class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    while (!steps_.empty()) {
      const std::function<void()> undo = std::move(steps_.back());
      steps_.pop_back();
      undo();
    }
  }

  void add(std::function<void()> undo) { steps_.push_back(std::move(undo)); }
  // Keeps what was set up: nothing is undone any more.
  void commit() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace proa
