// What Docker's streams share: their content types, frames, detach keys, and the readers' patience.
#pragma once

#include <string>

#include "api/route/request.h"
#include "base/fd.h"
#include "wire/messages.h"

namespace proa::api::docker {

// Without a terminal clients of 1.42 and later are told that the stream has frames.
std::string_view stream_type(bool terminal, int version);

enum class StreamKind : std::uint8_t { input = 0, output = 1, error = 2 };
// One piece with its 8-byte head in front.
std::string frame(StreamKind kind, std::string_view text);

// "ctrl-p,ctrl-q" as the bytes that a terminal sends; "" is Docker's default, ctrl-p ctrl-q.
//
// Errors: invalid_argument ("Invalid escape keys (x) provided")
Result<std::string> parse_detach_keys(std::string_view text);

// Takes a body that a client sent with its upgrade off the connection: it is no input. Of chunks
// nobody knows where input begins, so they stay.
Result<void> drop_body(Request& request);

// Waits until the client has taken the reply's head off its connection: docker-py loses what
// arrives together with it. A client that takes its time is not waited for.
void wait_until_read(FdRef connection);

// A terminal's size out of the query's h and w.
Result<wire::WindowSize> window_size(const Request& request);

}  // namespace proa::api::docker
