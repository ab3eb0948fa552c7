// QEMU's control protocol: one JSON object a line, commands answered in order, events in between.
// QEMU may be taken over by its guest: lengths are bounded and what it says is not trusted.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/json.h"
#include "hull/hull.h"
#include "io/loop.h"

namespace proa::hull {

// Cuts QMP's byte stream into lines of JSON. Pure.
// Thread: one. Owner: the client.
class QmpReader {
 public:
  static constexpr std::size_t kMaxLine = 64 << 10;  // bytes; ours ask for nothing longer
  void feed(std::string_view bytes) { pending_ += bytes; }
  // The next object, or nothing until more bytes came.
  //
  // Errors: corrupt (a line that is too long, or no JSON object)
  Result<std::optional<json::Value>> next();

 private:
  std::string pending_;
};

// Thread: the loop's. Owner: the machine.
class QmpClient {
 public:
  using OnEvent = std::move_only_function<void(const std::string& name, const json::Value& data)>;

  // Says hello and enters command mode; commands may follow at once.
  static Result<std::unique_ptr<QmpClient>> open(io::Loop& loop, Fd socket, OnEvent on_event);
  QmpClient(const QmpClient&) = delete;
  QmpClient& operator=(const QmpClient&) = delete;
  ~QmpClient();

  // Errors (to `done`): internal (QEMU's words), unavailable (QEMU has gone)
  void command(const std::string& name, Done<> done);
  // Hears what there is to read now: for when QEMU has ended.
  void take_rest();

 private:
  QmpClient(io::Loop& loop, Fd socket, OnEvent on_event)
      : loop_(loop), socket_(std::move(socket)), on_event_(std::move(on_event)) {}
  // Reads once and hears what came; says whether there may be more.
  bool take();
  Result<void> on_object(const json::Value& object);
  void end();

  io::Loop& loop_;
  Fd socket_;
  OnEvent on_event_;
  QmpReader reader_;
  std::deque<Done<>> waiting_;  // in the order of the commands
};

}  // namespace proa::hull
