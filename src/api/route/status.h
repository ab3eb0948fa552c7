// The one table that maps the kinds of errors to HTTP status codes, and the body every error has.
#pragma once

#include <string>

#include "base/error.h"

namespace proa::api {

// Spec: Docker Engine API 1.44, "Errors"
int status_of(ErrorKind kind);

// {"message":"..."}
std::string error_body(std::string_view message);

}  // namespace proa::api
