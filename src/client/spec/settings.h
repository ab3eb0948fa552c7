// Small settings that several commands share: environments, labels, limits by name, restart
// policies, key=value lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

// Lines of a file of variables or labels; blank lines and those that begin with # are skipped.
//
// Errors: not_found, invalid_argument (a name with blanks)
Result<std::vector<std::string>> read_lines(const std::string& path);

// --env-file and --env together: a name without "=" takes our own environment's value, or goes.
Result<std::vector<std::string>> gather_environment(const std::vector<std::string>& files,
                                                    const std::vector<std::string>& settings);

// "key=value" texts as an object of strings; a key alone has the value "".
//
// Errors: invalid_argument (no key)
Result<json::Value> key_values(const std::vector<std::string>& texts, std::string_view what);
// As key_values, with lines of files before them.
Result<json::Value> gather_labels(const std::vector<std::string>& files,
                                  const std::vector<std::string>& labels);

// "no", "always", "unless-stopped", "on-failure[:3]".
//
// Errors: invalid_argument
Result<json::Value> parse_restart(std::string_view text);
// "nofile=1024:4096".
//
// Errors: invalid_argument
Result<json::Value> parse_ulimit(std::string_view text);
// "/dev/sda:1mb" of --device-read-bps and the like.
//
// Errors: invalid_argument
enum class RateUnit : bool { bytes, operations };
Result<json::Value> parse_device_rate(std::string_view text, RateUnit unit);
// "seccomp=profile.json" gets the file's content; all others stay.
Result<std::vector<std::string>> gather_security(const std::vector<std::string>& options);
// --filter: "key=value" texts as the API takes them: {"key":{"value":true}}.
//
// Errors: invalid_argument (no "=")
Result<std::string> filters_text(const std::vector<std::string>& filters);
// "name=...,ip=..." of --network, or a name alone: the network and its endpoint's settings.
struct NetworkFlag {
  std::string name;
  json::Value endpoint;
};
Result<NetworkFlag> parse_network(std::string_view text);

}  // namespace proa::client
