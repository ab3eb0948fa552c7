#include "network/dns/directory.h"

#include <algorithm>

namespace proa::network {

Directory::Directory(Records records) {
  points_.reserve(records.points.size());
  std::unordered_map<std::string, std::size_t> by_workload;
  for (NamePoint& record : records.points) {
    const std::size_t at = points_.size();
    Point& point = points_.emplace_back();
    point.network = std::move(record.network);
    point.names = std::move(record.names);
    const auto [known, fresh] = by_workload.emplace(record.workload, askers_.size());
    if (fresh) askers_.emplace_back();
    Asker& asker = askers_[known->second];
    asker.networks.emplace_back(point.network);
    asker.may_leave = asker.may_leave || !record.internal;
    for (const std::string& text : record.addresses) {
      const Result<IpAddress> address = IpAddress::parse(text);
      if (!address.ok()) continue;
      point.addresses.push_back(address.value());
      by_address_[address.value()] = {known->second, at};
    }
    for (network::NameLink& link : record.links) {
      asker.links.insert_or_assign(std::move(link.alias), std::move(link.name));
    }
    for (const std::string& text : record.servers) {
      const Result<IpAddress> address = IpAddress::parse(text);
      if (address.ok() &&
          std::ranges::find(asker.servers, address.value()) == asker.servers.end()) {
        asker.servers.push_back(address.value());
      }
    }
    for (const std::string& name : point.names) by_name_[name].push_back(at);
  }
}

const Directory::Asker* Directory::asker(const IpAddress& source) const {
  const auto found = by_address_.find(source);
  return found == by_address_.end() ? nullptr : &askers_[found->second.first];
}

void Directory::add(const Asker& asker, std::string_view name, std::string_view network,
                    Version version, Found& found) const {
  const auto points = by_name_.find(name);
  if (points == by_name_.end()) return;
  for (const std::size_t at : points->second) {
    const Point& point = points_[at];
    if (!network.empty() && point.network != network) continue;
    if (std::ranges::find(asker.networks, point.network) == asker.networks.end()) continue;
    found.known = true;
    for (const IpAddress& address : point.addresses) {
      if (address.is_v6() == (version == Version::v6)) found.addresses.push_back(address);
    }
  }
}

Directory::Found Directory::find(const Asker& asker, std::string_view name, Version version) {
  Found found;
  if (const auto link = asker.links.find(name); link != asker.links.end()) name = link->second;
  add(asker, name, {}, version, found);
  // "web.shop": the part behind the last dot may be a network's name.
  if (const std::size_t dot = name.rfind('.'); !found.known && dot != std::string_view::npos) {
    add(asker, name.substr(0, dot), name.substr(dot + 1), version, found);
  }
  std::ranges::sort(found.addresses);
  const auto same = std::ranges::unique(found.addresses);
  found.addresses.erase(same.begin(), same.end());
  if (found.addresses.size() > 1) {
    const auto first = static_cast<std::ptrdiff_t>(turn_++ % found.addresses.size());
    std::ranges::rotate(found.addresses, found.addresses.begin() + first);
  }
  return found;
}

std::optional<std::string> Directory::name_of(const Asker& asker, const IpAddress& address) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return std::nullopt;
  const Point& point = points_[found->second.second];
  if (point.names.empty() ||
      std::ranges::find(asker.networks, point.network) == asker.networks.end()) {
    return std::nullopt;
  }
  return cat(point.names.front(), ".", point.network);
}

}  // namespace proa::network
