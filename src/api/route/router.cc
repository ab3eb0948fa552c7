#include "api/route/router.h"

#include <new>

namespace proa::api {
namespace {

// Matches from segment to segment; a "{name*}" first takes as much as it can.
bool match_segments(std::string_view pattern, std::string_view path, PathNames& names) {
  if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
  const std::size_t pattern_end = pattern.find('/', 1);
  const std::string_view segment = pattern.substr(1, pattern_end - 1);
  const std::string_view pattern_rest =
      pattern_end == std::string_view::npos ? std::string_view() : pattern.substr(pattern_end);
  if (!segment.starts_with('{')) {
    const std::size_t end = path.find('/', 1);
    if (path.substr(1, end - 1) != segment) return false;
    return match_segments(
        pattern_rest, end == std::string_view::npos ? std::string_view() : path.substr(end), names);
  }
  const bool many = segment.ends_with("*}");
  const std::string_view name = segment.substr(1, segment.size() - (many ? 3 : 2));
  std::size_t end = many ? path.size() : std::min(path.find('/', 1), path.size());
  while (end > 1) {
    if (match_segments(pattern_rest, path.substr(end), names)) {
      names[std::string(name)] = path.substr(1, end - 1);
      return true;
    }
    if (!many) return false;
    end = path.rfind('/', end - 1);
  }
  return false;
}

}  // namespace

bool match_path(std::string_view pattern, std::string_view path, PathNames& names) {
  return match_segments(pattern, path, names);
}

Result<VersionedPath> split_version(std::string_view path) {
  VersionedPath split{kHighestVersion, std::string(path)};
  if (!path.starts_with("/v")) return split;
  const std::size_t end = path.find('/', 1);
  const std::string_view version = path.substr(2, end == std::string_view::npos ? end : end - 2);
  const auto [major, minor] = split_once(version, '.');
  const Result<unsigned> first = parse_number<unsigned>(major);
  const Result<unsigned> second = parse_number<unsigned>(minor);
  if (!first.ok() || !second.ok()) return split;  // "/volumes"
  if (first.value() > 1 || second.value() > kHighestVersion) {
    return fail(ErrorKind::invalid_argument, "client version ", version,
                " is too new. Maximum supported API version is 1.", kHighestVersion);
  }
  if (first.value() < 1 || second.value() < kLowestVersion) {
    return fail(ErrorKind::invalid_argument, "client version ", version,
                " is too old. Minimum supported API version is 1.", kLowestVersion,
                ", please upgrade your client to a newer version");
  }
  split.version = static_cast<int>(second.value());
  split.path = end == std::string_view::npos ? "/" : std::string(path.substr(end));
  return split;
}

void Router::dispatch(Services& services, http::Connection& connection,
                      const http::RequestHead& head) const {
  Result<VersionedPath> split = split_version(head.path);
  Request request(connection, head, split.ok() ? split.value().version : kHighestVersion);
  const auto answer = [&]() -> Result<void> {
    const VersionedPath target = TRY(std::move(split));
    for (const Route& route : routes_) {
      PathNames names;
      const bool same_method = route.method == head.method || route.method == "*" ||
                               (head.method == "HEAD" && route.method == "GET");
      if (!same_method || !match_path(route.path, target.path, names)) continue;
      request.set_names(std::move(names));
      return route.handler(services, request);
    }
    return request.reply_error(404, "page not found");
  };
  const Result<void> answered = answer();
  if (answered.ok()) return;
  if (connection.hijacked() || connection.answered()) {
    connection.close_after();
    return;
  }
  discard(request.reply_error(answered.error()), "a client that has gone needs no answer");
}

}  // namespace proa::api
