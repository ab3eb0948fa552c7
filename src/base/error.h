// The error value every fallible function returns: a kind for programs, a text and a chain of
// context for people, and the errno where a system call was at fault. Not a log entry: whoever
// turns an error into something else prints it once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace proa {

enum class ErrorKind : std::uint8_t {
  invalid_argument,
  not_found,
  already_exists,
  permission,
  busy,
  unsupported,
  exhausted,
  timeout,
  cancelled,
  corrupt,
  guest_fault,
  unavailable,
  internal,
};

std::string_view name(ErrorKind kind);

// Gives the kind that fits a system call's errno, `internal` where none does.
ErrorKind kind_of_errno(int errno_code);

// Thread: a value; not shared.
class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string text);
  Error(ErrorKind kind, int errno_code, std::string text);

  ErrorKind kind() const { return kind_; }
  // The errno of the system call that failed, 0 where none did.
  int errno_code() const { return errno_code_; }
  // "starting 'web': mounting 'proc': Operation not permitted": outermost context first.
  std::string message() const;

  // Puts a further context in front of the message.
  Error&& with_context(std::string context) &&;
  Error&& with_kind(ErrorKind kind) &&;

 private:
  ErrorKind kind_;
  int errno_code_;
  std::string text_;
};

// Makes an error of `kind` whose text is the pieces put together.
template <typename... Pieces>
Error fail(ErrorKind kind, const Pieces&... pieces) {
  return Error(kind, cat(pieces...));
}

// Makes an error from `errno_code`, its kind following from the number.
template <typename... Pieces>
Error fail_with(int errno_code, const Pieces&... pieces) {
  return Error(kind_of_errno(errno_code), errno_code, cat(pieces...));
}

// Makes an error from the calling thread's errno.
template <typename... Pieces>
Error fail_errno(const Pieces&... pieces) {
  const int errno_code = *__errno_location();
  return fail_with(errno_code, pieces...);
}

}  // namespace proa
