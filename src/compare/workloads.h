// The workloads of one comparison, on whatever engines: made here, and taken away with it, also
// when it is interrupted or killed.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "client/http/address.h"
#include "kernel/process/child.h"

namespace proa::compare {

// Each carries this comparison's value of the label "proa.comparison": that is how they are found.
// Thread: any. Owner: who asks for the comparison.
class Workloads {
 public:
  // `engines`: all on which some may be made.
  explicit Workloads(std::vector<client::Address> engines);

  // Makes one from the body of a create request; gives its id.
  //
  // Errors: cancelled (after end()), what the engine says
  Result<std::string> make(const client::Address& engine, json::Value body);
  // Takes one away.
  static void remove(const client::Address& engine, const std::string& id);
  // Takes all away; none is made afterwards.
  void end();
  // Starts a child that takes all away if this process goes without having ended the child: a kill
  // gives it no chance to do so itself. Thread: the process has one still.
  Result<process::Child> keep();

 private:
  void remove_all() const;
  [[noreturn]] void outlive(const Fd& parent) const;

  const std::vector<client::Address> engines_;
  const std::string comparison_;
  std::mutex mutex_;
  bool has_ended_ = false;  // guarded
  Fd alive_;                // closed by our end, however we end
};

}  // namespace proa::compare
