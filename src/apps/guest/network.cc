#include "apps/guest/network.h"

#include <fcntl.h>

#include "apps/guest/boot.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/link/link.h"

namespace proa::guest {
namespace {

constexpr const char* kDevices = "/sys/class/net";

Result<std::string> find_device(const std::string& mac) {
  const Fd directory = TRY(file::open(kDevices, O_RDONLY | O_DIRECTORY));
  for (const std::string& name : TRY(file::list(directory))) {
    const auto address = file::read_file(cat(kDevices, "/", name, "/address"));
    if (address.ok() && to_lower(trim(address.value())) == to_lower(mac)) return name;
  }
  return fail(ErrorKind::not_found, "the machine has no network device ", printable(mac));
}

// A card that leads nowhere may have the name: it takes another one.
Result<void> make_room(const std::string& name) {
  if (!file::exists(cat(kDevices, "/", name))) return {};
  for (int number = 0;; ++number) {
    const std::string free = cat("card", number);
    if (!file::exists(cat(kDevices, "/", free))) return link::rename(name, free);
  }
}

Result<void> set_up(const wire::Endpoint& endpoint) {
  std::string device = TRY(find_device(endpoint.link));
  const std::string& name = endpoint.guest_device;
  if (!name.empty() && name != device) {
    TRY(make_room(name));
    TRY(link::rename(device, name));
    device = name;
  }
  if (endpoint.link != endpoint.mac) TRY(link::set_mac(device, endpoint.mac));
  if (endpoint.mtu != 0) TRY(link::set_mtu(device, endpoint.mtu));
  // Addresses are known to be nobody else's: nobody has to be asked before they are used.
  discard(file::write_existing(cat("/proc/sys/net/ipv6/conf/", device, "/accept_dad"), "0"),
          "a kernel without IPv6");
  TRY(link::bring_up(device));
  for (const std::string& address : endpoint.addresses) TRY(link::add_address(device, address));
  for (const std::string& gateway : endpoint.gateways) {
    if (!gateway.empty()) TRY(link::add_default_route(device, gateway, endpoint.metric));
  }
  return {};
}

}  // namespace

Result<void> set_up_network(const std::vector<wire::Endpoint>& endpoints) {
  TRY(link::bring_up("lo"));
  if (endpoints.empty()) return {};
  TRY(load_modules("net"));
  for (const wire::Endpoint& endpoint : endpoints) {
    TRY(set_up(endpoint), "network ", endpoint.network);
  }
  return {};
}

Result<void> clear_network(const wire::Endpoint& endpoint) {
  return link::clear(TRY(find_device(endpoint.mac)));
}

}  // namespace proa::guest
