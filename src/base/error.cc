#include "base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace proa {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return "invalid argument";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::already_exists:
      return "already exists";
    case ErrorKind::permission:
      return "permission denied";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::exhausted:
      return "exhausted";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::guest_fault:
      return "guest fault";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

ErrorKind kind_of_errno(int errno_code) {
  switch (errno_code) {
    case ENOENT:
    case ESRCH:
    case ENXIO:
    case ENODEV:
      return ErrorKind::not_found;
    case EEXIST:
      return ErrorKind::already_exists;
    case EPERM:
    case EACCES:
    case EROFS:
      return ErrorKind::permission;
    case EBUSY:
    case ETXTBSY:
      return ErrorKind::busy;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorKind::unsupported;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return ErrorKind::exhausted;
    case ETIMEDOUT:
      return ErrorKind::timeout;
    case ECANCELED:
      return ErrorKind::cancelled;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ErrorKind::unavailable;
    case EINVAL:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV:
      return ErrorKind::invalid_argument;
    default:
      return ErrorKind::internal;
  }
}

Error::Error(ErrorKind kind, std::string text)
    : kind_(kind), errno_code_(0), text_(std::move(text)) {}

Error::Error(ErrorKind kind, int errno_code, std::string text)
    : kind_(kind), errno_code_(errno_code), text_(std::move(text)) {}

std::string Error::message() const {
  if (errno_code_ == 0) return text_;
  const char* description = ::strerrordesc_np(errno_code_);
  if (description == nullptr) return cat(text_, ": errno ", errno_code_);
  return cat(text_, ": ", description);
}

Error&& Error::with_context(std::string context) && {
  context.append(": ").append(text_);
  text_ = std::move(context);
  return std::move(*this);
}

Error&& Error::with_kind(ErrorKind kind) && {
  kind_ = kind;
  return std::move(*this);
}

}  // namespace proa
