// A reply of JSON objects, one a line, that may come from several threads: the progress of pulls
// and pushes.
#pragma once

#include <mutex>
#include <stop_token>

#include "api/route/request.h"

namespace proa::api {

// The head goes with the first object, so that what fails before it is answered by status.
// Owner: a handler, for one request. Thread: write() from any.
class JsonStream {
 public:
  explicit JsonStream(Request& request) : request_(request) {}

  // Once the client has gone, nothing is sent any more and a stop is requested.
  void write(const json::Value& value);
  // Sends the head now: what fails from here on is told in the stream.
  Result<void> begin();
  // Ends the reply; a failure after its head is told in the stream.
  Result<void> finish(const Result<void>& outcome);
  // Requested when the client goes.
  std::stop_token stop() const { return stop_.get_token(); }
  void client_gone() { stop_.request_stop(); }

 private:
  Request& request_;
  std::stop_source stop_;
  std::mutex mutex_;
  bool begun_ = false;  // guarded by mutex_
};

}  // namespace proa::api
