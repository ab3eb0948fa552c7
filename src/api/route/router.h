// The routing table: rows of method, path and handler, to which every resource adds its own.
#pragma once

#include <string_view>
#include <vector>

#include "api/route/request.h"

namespace proa::api {

struct Services;

// Answers, or returns the error to answer with; after an answer has begun its error ends the
// connection.
using Handler = Result<void> (*)(Services& services, Request& request);

// Shape: `method` "*" is any; `path` without the version, "/containers/{id}/json"; "{name*}" takes
// one segment or more
struct Route {
  std::string_view method;
  std::string_view path;
  Handler handler;
};

using Routes = std::vector<Route>;

constexpr int kLowestVersion = 24;
constexpr int kHighestVersion = 44;

// Thread: any, once made.
class Router {
 public:
  explicit Router(Routes routes) : routes_(std::move(routes)) {}

  // Answers one request.
  void dispatch(Services& services, http::Connection& connection,
                const http::RequestHead& head) const;

 private:
  Routes routes_;
};

// Whether `path` fits `pattern`; then the {name}s are put into `names`.
bool match_path(std::string_view pattern, std::string_view path, PathNames& names);

// Takes "/v1.44" off the front of `path`.
//
// Errors: invalid_argument (a version that is not spoken, in Docker's words)
struct VersionedPath {
  int version = kHighestVersion;
  std::string path;
};
Result<VersionedPath> split_version(std::string_view path);

}  // namespace proa::api
