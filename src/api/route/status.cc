#include "api/route/status.h"

#include "base/json.h"

namespace proa::api {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return 400;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::already_exists:
    case ErrorKind::busy:
      return 409;
    case ErrorKind::permission:
      return 403;
    case ErrorKind::unsupported:
      return 501;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::exhausted:
    case ErrorKind::timeout:
    case ErrorKind::cancelled:
    case ErrorKind::corrupt:
    case ErrorKind::guest_fault:
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

std::string error_body(std::string_view message) {
  json::Value body = json::Value::object();
  body.set("message", message);
  return json::print(body).append("\n");
}

}  // namespace proa::api
