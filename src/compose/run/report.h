// Tells what is being done with which part of an app, a line each, from any thread.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace proa::compose {

// Thread: any. Owner: the command.
class Report {
 public:
  using Print = std::function<void(std::string_view line)>;
  explicit Report(Print print) : print_(std::move(print)) {}

  // " Container shop-web-1  Started"
  void tell(std::string_view kind, std::string_view name, std::string_view what);
  void warn(std::string_view message);

 private:
  std::mutex mutex_;
  Print print_;  // guarded by mutex_
};

}  // namespace proa::compose
