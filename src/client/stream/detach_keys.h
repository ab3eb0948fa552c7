// The keys that leave an attached terminal: "ctrl-p,ctrl-q" and what --detach-keys says.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proa::client {

// Thread: one at a time.
class DetachKeys {
 public:
  // Reads keys parted by commas: a letter or character, or "ctrl-" and one of a-z @ [ \ ] ^ _.
  // An empty text means no such keys.
  //
  // Errors: invalid_argument
  static Result<DetachKeys> parse(std::string_view text);

  struct Passed {
    std::string bytes;  // to be sent on
    bool detached = false;
  };
  // Takes typed bytes; what may be the beginning of the sequence is held back.
  Passed feed(std::string_view typed);

 private:
  explicit DetachKeys(std::string sequence) : sequence_(std::move(sequence)) {}

  std::string sequence_;
  std::size_t matched_ = 0;
};

}  // namespace proa::client
