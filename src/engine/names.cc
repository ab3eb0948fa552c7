#include "engine/names.h"

#include <algorithm>
#include <array>
#include <random>

#include "base/text.h"

namespace proa::engine {
namespace {

constexpr std::array kQualities = {"bold",   "brisk", "calm",   "clever", "deft",    "eager",
                                   "fair",   "fast",  "gentle", "grand",  "hardy",   "keen",
                                   "lively", "lucky", "merry",  "nimble", "patient", "quick",
                                   "quiet",  "ready", "rustic", "serene", "sharp",   "sleek",
                                   "steady", "stout", "sunny",  "swift",  "tidy",    "wise"};
constexpr std::array kThings = {"anchor",  "atoll",  "bay",       "beacon",  "breeze",  "canoe",
                                "compass", "coral",  "current",   "dolphin", "gull",    "harbor",
                                "heron",   "island", "keel",      "lagoon",  "mast",    "mooring",
                                "oar",     "osprey", "outrigger", "paddle",  "pelican", "reef",
                                "rudder",  "sail",   "shore",     "star",    "swell",   "tide"};

bool is_alphanumeric(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

}  // namespace

Result<void> check_name(std::string_view name) {
  const bool good =
      name.size() >= 2 && is_alphanumeric(name.front()) &&
      std::ranges::all_of(name, [](char letter) {
        return is_alphanumeric(letter) || letter == '_' || letter == '.' || letter == '-';
      });
  if (good) return {};
  return fail(ErrorKind::invalid_argument, "Invalid container name (", printable(name, 80),
              "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

std::string make_name(const std::function<bool(const std::string&)>& taken) {
  thread_local std::mt19937 random{std::random_device{}()};
  for (int attempt = 0;; ++attempt) {
    std::string name =
        cat(kQualities[random() % kQualities.size()], "_", kThings[random() % kThings.size()]);
    if (attempt >= 6) name += cat(random() % 100000);
    if (!taken(name)) return name;
  }
}

}  // namespace proa::engine
