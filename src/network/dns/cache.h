// Answers of other name servers, kept for as long as they say, and no longer.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "network/dns/message.h"

namespace proa::network {

// Bounded: the answer that was used longest ago makes room.
//
// Thread: one. Owner: the name server.
class DnsCache {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kAnswers = 1000;

  // `servers` is part of the key: two askers with other servers see other worlds.
  static std::string key_of(const DnsQuestion& question, const std::string& servers);
  // An answer for this question, its lifetimes counted down, under the question's own id.
  std::optional<std::string> find(const std::string& key, const DnsQuestion& question,
                                  Clock::time_point moment);
  void put(const std::string& key, std::string message, const DnsAnswer& answer,
           Clock::time_point moment);

 private:
  struct Kept {
    std::string key, message;
    std::vector<std::size_t> lifetime_offsets;
    Clock::time_point since, until;
  };
  std::list<Kept> kept_;  // the one used last first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_key_;
};

}  // namespace proa::network
