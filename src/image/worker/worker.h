// The parent's side of proa-worker, the jailed process that handles foreign bytes: starting it,
// and the messages that both sides exchange. A message is one JSON object in one packet, with
// descriptors riding on it; docs/formats/worker.md lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "kernel/process/child.h"

namespace proa::image {

// What one worker process does; it is told on its command line and jails itself accordingly.
//   fetch    speaks to a registry: the network and no file
//   convert  makes a layer file from a compressed tar: no network
//   restore  gives back a layer's tar, plain or compressed: no network
//   unpack   takes an archive of images apart: no network
//   inflate  undoes an archive's compression: no network
//   disk     makes a layer file of what a machine's disk has above its image: no network
enum class WorkerRole : std::uint8_t { fetch, convert, restore, unpack, inflate, disk };
std::string_view name(WorkerRole role);

// The descriptor at which a worker finds its end of the socket.
inline constexpr int kWorkerSocket = 3;

struct Message {
  json::Value value;
  std::vector<Fd> descriptors;
};

Result<void> send_message(FdRef end, const json::Value& value,
                          const std::vector<FdRef>& descriptors = {});
// Waits for the next message. A message that carries an error becomes that error.
//
// Errors: unavailable (the other end is gone), corrupt (no JSON object), and what was sent
Result<Message> receive_message(FdRef end);
// As receive_message, but gives an error message as a value too: for the worker, whose parent
// never sends one, and for telling the end of the stream (empty descriptors, null value).
Result<Message> receive_request(FdRef end);

json::Value error_message(const Error& error);

// One worker process.
// Owner: whoever started it; killed and reaped with its owner. Thread: one at a time, but kill().
class Worker {
 public:
  static Result<Worker> start(const std::string& program, WorkerRole role);

  FdRef socket() const { return socket_; }
  // Ends it at once; whoever waits for its messages then learns that it is gone.
  void kill() const;
  // Closes the socket and waits for the end: afterwards nobody but us holds what it was given.
  //
  // Errors: internal (it did not end well)
  Result<void> finish();

 private:
  Worker(process::Child child, Fd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

  process::Child child_;
  Fd socket_;
};

}  // namespace proa::image
