// One candidate's workload over an engine's API: made, watched, entered, removed. The same calls
// for each hull and for other engines, so that what differs is the engine.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/http/client.h"
#include "compare/figures.h"
#include "compare/workloads.h"

namespace proa::compare {

struct Target {
  Candidate candidate;
  client::Address engine;
  std::string runtime;                             // "" for the engine's own
  std::map<std::string, std::string> annotations;  // "proa.hypervisor"
};

struct Order {
  std::string image;
  std::vector<std::string> command;  // empty: the image's
  std::optional<std::uint16_t> port;
};

using Clock = std::chrono::steady_clock;

// What one start took. Units: milliseconds
struct StartTimes {
  double start = 0;              // until the engine said that it runs
  std::optional<double> output;  // until its first byte; nothing where it wrote none so far
  std::optional<double> reply;   // until its port answered
};

// Thread: one at a time. Owner: the comparison; whatever it made is removed with it.
class Subject {
 public:
  Subject(const Target& target, Order order, Workloads& workloads)
      : client_(target.engine), target_(target), order_(std::move(order)), workloads_(workloads) {}
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  ~Subject() { remove(); }

  // Creates and starts it; waits for output and reply as long as `patience`.
  //
  // Errors: also unavailable (it ended meanwhile; with its exit code and its last words)
  Result<StartTimes> start(Clock::duration patience);
  // How it ended, where it does not run any more.
  std::optional<Error> ended();
  // Its address, as the engine's inspect tells it; "" without a network.
  Result<std::string> address();
  // Its first process as the host counts it.
  Result<pid_t> first_process();
  // Runs a program inside and gives what it wrote.
  Result<std::string> run(const std::vector<std::string>& arguments);
  // Starts a program inside and lets it run.
  Result<void> run_detached(const std::vector<std::string>& arguments);
  // Puts a program into it at `path`.
  Result<void> put_program(const std::string& path, const std::string& bytes);
  void remove();

 private:
  Result<void> create();
  std::string last_words();
  Result<void> await_reply(Clock::duration patience);
  Result<std::string> make_exec(const std::vector<std::string>& arguments);

  client::Client client_;
  const Target& target_;
  Order order_;
  Workloads& workloads_;
  std::string id_;
};

}  // namespace proa::compare
