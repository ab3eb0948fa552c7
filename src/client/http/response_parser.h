// Parses one HTTP/1.1 response from bytes as they arrive: the head, then the body in pieces that
// point into the input, so that nothing is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/http/message.h"

namespace proa::client {

struct ResponseHead {
  int status = 0;
  http::Headers headers;
};

enum class HasBody : bool { no, as_said };

// Spec:   RFC 9112
// Thread: one at a time.
class ResponseParser {
 public:
  // `body`: no where the request was HEAD.
  explicit ResponseParser(HasBody body = HasBody::as_said) : has_body_(body) {}

  // Takes bytes up to the end of the head and says how many; interim responses (1xx, but not 101)
  // are passed over.
  //
  // Errors: corrupt (not HTTP, or a head of more than 64 KiB)
  Result<std::size_t> feed_head(std::string_view bytes);
  bool head_done() const { return state_ != State::head; }
  const ResponseHead& head() const { return head_; }

  struct Fed {
    std::size_t taken = 0;     // of the input
    std::string_view content;  // part of the input
  };
  // Takes some of the body; takes nothing where it needs more bytes than there are.
  //
  // Errors: corrupt (broken chunks)
  Result<Fed> feed_body(std::string_view bytes);
  // The peer has closed.
  //
  // Errors: corrupt (in the middle of a response)
  Result<void> feed_end();

  bool done() const { return state_ == State::done; }
  // Whether another request may follow on the connection, once done.
  bool keep_alive() const { return keep_alive_; }

 private:
  enum class State : std::uint8_t {
    head,
    counted,     // `remaining_` bytes of body
    until_end,   // the body ends with the connection
    chunk_size,  // a line
    chunk,       // `remaining_` bytes of a chunk
    chunk_end,   // the line feed behind it
    trailer,     // lines up to an empty one
    done,
  };

  Result<void> read_head(std::string_view lines);
  Result<void> frame_body(int version);
  Result<Fed> feed_line(std::string_view bytes);
  Fed feed_counted(std::string_view bytes, State next);

  HasBody has_body_;
  State state_ = State::head;
  std::string lines_;  // of the head, so far
  ResponseHead head_;
  std::uint64_t remaining_ = 0;
  std::size_t trailer_bytes_ = 0;
  bool keep_alive_ = false;
};

}  // namespace proa::client
