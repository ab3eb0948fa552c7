#include "network/dns/cache.h"

#include "base/bytes.h"

namespace proa::network {

std::string DnsCache::key_of(const DnsQuestion& question, const std::string& servers) {
  return cat(servers, "|", static_cast<std::uint16_t>(question.type), "|", question.dns_class, "|",
             question.edns ? 1 : 0, "|", question.name);
}

std::optional<std::string> DnsCache::find(const std::string& key, const DnsQuestion& question,
                                          Clock::time_point moment) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  if (moment >= found->second->until) {
    kept_.erase(found->second);
    by_key_.erase(found);
    return std::nullopt;
  }
  kept_.splice(kept_.begin(), kept_, found->second);
  std::string message = found->second->message;
  if (message.size() > question.udp_size) return std::nullopt;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(moment - found->second->since);
  for (const std::size_t at : found->second->lifetime_offsets) {
    std::uint32_t lifetime = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) {
      lifetime = (lifetime << 8) | static_cast<unsigned char>(message[at + byte]);
    }
    const auto passed = static_cast<std::uint32_t>(age.count());
    lifetime = lifetime > passed ? lifetime - passed : 0;
    for (std::size_t byte = 0; byte < 4; ++byte) {
      message[at + byte] = static_cast<char>((lifetime >> (24 - 8 * byte)) & 0xff);
    }
  }
  // The question as this client spelled it: some check the case of its letters.
  message.replace(kDnsHeader, question.section.size(), question.section);
  set_id(message, question.id);
  return message;
}

void DnsCache::put(const std::string& key, std::string message, const DnsAnswer& answer,
                   Clock::time_point moment) {
  if (answer.truncated || answer.lifetime == 0) return;
  if (answer.code != DnsCode::ok && answer.code != DnsCode::no_such_name) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) {
    kept_.erase(old->second);
    by_key_.erase(old);
  }
  kept_.push_front({key, std::move(message), answer.lifetime_offsets, moment,
                    moment + std::chrono::seconds(answer.lifetime)});
  by_key_[key] = kept_.begin();
  if (kept_.size() > kAnswers) {
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
}

}  // namespace proa::network
