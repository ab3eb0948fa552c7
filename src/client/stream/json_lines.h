// Reads a body of JSON values, one after the other, as events, stats and progress come.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "client/http/connection.h"

namespace proa::client {

// Cuts bytes into JSON objects that follow each other with or without blanks between them.
// Thread: one at a time.
class JsonSplitter {
 public:
  using Sink = std::function<Result<void>(json::Value)>;

  // Errors: corrupt (no object where one should begin, or one of more than 16 MiB),
  //         invalid_argument (broken JSON), the sink's own
  Result<void> feed(std::string_view bytes, const Sink& sink);
  bool between_values() const { return pending_.empty(); }

 private:
  std::string pending_;  // an object that is not whole yet
  int depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

// Passes every value of the answer's body on, until its end.
Result<void> for_each_value(Connection& connection, const JsonSplitter::Sink& sink);

}  // namespace proa::client
