// Parses one HTTP/1.1 request from bytes as they arrive: head first, then the body in pieces,
// plain or chunked. Boost.Beast does the parsing; only the .cc knows it.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "io/http/message.h"

namespace proa::http {

struct Limits {
  std::size_t head_bytes = 64 * 1024;
  // Of a body that is read whole (read_text); streamed bodies have none.
  std::size_t text_bytes = std::size_t{16} << 20;
};

// Spec:   RFC 9112
// Thread: one at a time.
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  // Takes bytes up to the end of the head, and says how many it took; 0 means that it needs more
  // bytes than these to go on.
  //
  // Errors: invalid_argument (not HTTP), exhausted (a head beyond the limit)
  Result<std::size_t> feed_head(ByteSpan bytes);
  bool head_done() const;
  // The head; once, when it is done.
  Result<RequestHead> take_head();

  struct Fed {
    std::size_t taken;     // of the input
    std::size_t produced;  // into the output
  };
  // Decodes body bytes into `output`.
  //
  // Errors: invalid_argument (broken chunks)
  Result<Fed> feed_body(ByteSpan bytes, MutableByteSpan output);
  // Whether the whole message has been taken.
  bool done() const;

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

}  // namespace proa::http
