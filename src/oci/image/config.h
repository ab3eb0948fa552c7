// The configuration of an image: what its workloads run by default, its layers by the digests of
// their tars, and its history. Parsed from foreign bytes with limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "oci/image/platform.h"

namespace proa::oci::image {

// Spec: Docker image specification 1.2, "Healthcheck" (OCI has no word for it)
struct HealthCheck {
  std::vector<std::string> test;  // empty: inherited; {"NONE"}: off; "CMD" or "CMD-SHELL" first
  std::chrono::nanoseconds interval{0};  // 0: the default, here and below
  std::chrono::nanoseconds timeout{0};
  std::chrono::nanoseconds start_period{0};
  std::chrono::nanoseconds start_interval{0};
  int retries = 0;

  bool operator==(const HealthCheck&) const = default;
};

// What a workload of the image runs unless told otherwise.
// Spec: OCI image specification 1.1, config.md, "config"
struct RunDefaults {
  std::string user;
  std::vector<std::string> exposed_ports;  // "80/tcp"
  std::vector<std::string> environment;    // "NAME=value"
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> volumes;  // paths
  std::string working_directory;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string stop_signal;
  std::optional<int> stop_timeout;  // seconds; Docker's
  std::vector<std::string> shell;   // Docker's
  std::vector<std::string> on_build;
  std::optional<HealthCheck> health_check;

  bool operator==(const RunDefaults&) const = default;
};

struct HistoryEntry {
  std::string created;  // RFC 3339, as it came
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;

  bool operator==(const HistoryEntry&) const = default;
};

// Thread: a value.
struct Config {
  std::string created;  // RFC 3339, as it came; "" where none is given
  std::string author;
  std::string parent;  // the id of the image that it was committed from; Docker's, "" for none
  Platform platform;
  RunDefaults run;
  std::vector<Digest> diff_ids;  // lowest layer first, at most kMaxLayers
  std::vector<HistoryEntry> history;

  // Errors: invalid_argument (names the place), exhausted (limits)
  static Result<Config> parse(std::string_view text);
  // Prints what it knows; members that Proa has no word for are not kept. An image that was
  // pulled keeps its own bytes and is never printed anew.
  std::string print() const;

  bool operator==(const Config&) const = default;
};

// "config" as Docker's API shows it, and for changes to it.
json::Value to_json(const RunDefaults& run);

}  // namespace proa::oci::image
