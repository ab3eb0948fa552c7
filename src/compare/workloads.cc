#include "compare/workloads.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/id.h"
#include "client/http/client.h"
#include "client/http/request.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/clone.h"

namespace proa::compare {
namespace {

using client::Request;
using json::Value;

constexpr const char* kLabel = "proa.comparison";
// A create request that was on its way when its sender was killed makes its workload within it.
constexpr std::chrono::seconds kLastCreate{1};

std::string text_of(const Value& object, std::string_view key) {
  const Value* found = object.find(key);
  const auto* text = found == nullptr ? nullptr : found->get_if<std::string>();
  return text == nullptr ? std::string() : *text;
}

Result<void> be_alone(const Fd& parent) {
  // What ends a terminal's programs is not meant for it, and nobody is to wait for its output.
  ::setsid();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
  const Fd null = TRY(file::open("/dev/null", O_RDWR));
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(null.get(), stream) < 0) return fail_errno("leaving the standard streams");
  }
  return process::close_all_but({parent.get()});
}

}  // namespace

Workloads::Workloads(std::vector<client::Address> engines)
    : engines_(std::move(engines)), comparison_(random_hex(16)) {}

Result<std::string> Workloads::make(const client::Address& engine, Value body) {
  body.set("Labels", Value::Object{{kLabel, comparison_}});
  const std::lock_guard lock(mutex_);
  if (has_ended_) return fail(ErrorKind::cancelled, "the comparison was ended");
  client::Client client(engine);
  Request request("POST", "/containers/create");
  request.body(body);
  return text_of(TRY(client.call_json(request)), "Id");
}

void Workloads::remove(const client::Address& engine, const std::string& id) {
  client::Client client(engine);
  Request request("DELETE", cat("/containers/", id));
  request.query("force", "1").query("v", "1");
  discard(client.call(request), "nothing is left that could be told");
}

void Workloads::end() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  remove_all();
}

void Workloads::remove_all() const {
  const Value filters =
      Value::Object{{"label", std::vector<std::string>{cat(kLabel, "=", comparison_)}}};
  for (const client::Address& engine : engines_) {
    client::Client client(engine);
    Request request("GET", "/containers/json");
    request.query("all", "1").query("filters", json::print(filters));
    const Result<Value> list = client.call_json(request);
    const auto* found = list.ok() ? list.value().get_if<Value::Array>() : nullptr;
    if (found == nullptr) continue;
    for (const Value& workload : *found) remove(engine, text_of(workload, "Id"));
  }
}

Result<process::Child> Workloads::keep() {
  file::Pipe pipe = TRY(file::make_pipe(4096));
  process::Cloned cloned = TRY(process::clone({}));
  if (cloned.pid == 0) outlive(pipe.read);
  alive_ = std::move(pipe.write);
  return process::Child(cloned.pid, std::move(cloned.pidfd));
}

void Workloads::outlive(const Fd& parent) const {
  if (be_alone(parent).ok()) {
    std::array<std::byte, 1> byte;
    // Nothing is ever written: this returns when the other end is closed.
    discard(file::read_some(parent, byte), "an error is an end too");
    remove_all();
    std::this_thread::sleep_for(kLastCreate);
    remove_all();
  }
  ::_exit(0);
}

}  // namespace proa::compare
