// Names as one asker sees them: an index over the records. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "network/dns/records.h"

namespace proa::network {

// Thread: one. Owner: the name server.
class Directory {
 public:
  Directory() = default;
  // Addresses that are none are left out.
  explicit Directory(Records records);

  // A workload that asks; borrowed, until the directory is replaced.
  struct Asker {
    std::vector<std::string_view> networks;
    std::vector<IpAddress> servers;
    std::map<std::string, std::string, std::less<>> links;  // alias: name
    bool may_leave = false;  // one of its networks at least is not internal
  };
  // Nothing where the address is nobody's.
  const Asker* asker(const IpAddress& source) const;

  struct Found {
    bool known = false;                // there is such a name
    std::vector<IpAddress> addresses;  // of the version asked for; another one first at each call
  };
  // `name` in lower case: a name or alias, or one of them with its network behind a dot, or one of
  // the asker's links, which come first.
  enum class Version : std::uint8_t { v4, v6 };
  Found find(const Asker& asker, std::string_view name, Version version);
  // The name that the asker knows an address by.
  std::optional<std::string> name_of(const Asker& asker, const IpAddress& address) const;

 private:
  struct Point {
    std::string network;
    std::vector<IpAddress> addresses;
    std::vector<std::string> names;
  };
  void add(const Asker& asker, std::string_view name, std::string_view network, Version version,
           Found& found) const;

  std::vector<Point> points_;
  std::vector<Asker> askers_;
  std::map<IpAddress, std::pair<std::size_t, std::size_t>> by_address_;  // asker, point
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::vector<std::size_t>, Hash, std::equal_to<>> by_name_;
  std::size_t turn_ = 0;
};

}  // namespace proa::network
