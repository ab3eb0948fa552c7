#include "kernel/link/link.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/number.h"
#include "base/text.h"

namespace proa::link {
namespace {

// linux/ipv6.h and linux/in6.h do not go together with the C library's headers.
struct Ipv6Address {
  in6_addr address;
  std::uint32_t prefix;
  int device;
};
struct Ipv6Route {
  in6_addr destination, source, gateway;
  std::uint32_t type;
  std::uint16_t destination_length, source_length;
  std::uint32_t metric;
  unsigned long info;
  std::uint32_t flags;
  int device;
};

Result<ifreq> request_for(const std::string& device) {
  ifreq request = {};
  if (device.empty() || device.size() >= sizeof request.ifr_name) {
    return fail(ErrorKind::invalid_argument, "'", printable(device), "' names no network device");
  }
  device.copy(request.ifr_name, device.size());
  return request;
}

Result<void> control(int family, unsigned long what, void* request, const std::string& doing) {
  const Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("making a socket");
  if (::ioctl(socket.get(), what, request) != 0) return fail_errno(doing);
  return {};
}

Result<int> index_of(const std::string& device) {
  const unsigned index = ::if_nametoindex(device.c_str());
  if (index == 0) return fail_errno("network device '", printable(device), "'");
  return static_cast<int>(index);
}

sockaddr generic(const in_addr& address) {
  sockaddr_in specific = {};
  specific.sin_family = AF_INET;
  specific.sin_addr = address;
  sockaddr result;
  std::memcpy(&result, &specific, sizeof result);
  return result;
}

}  // namespace

Result<void> rename(const std::string& device, const std::string& name) {
  ifreq request = TRY(request_for(device));
  if (name.empty() || name.size() >= sizeof request.ifr_newname) {
    return fail(ErrorKind::invalid_argument, "'", printable(name), "' names no network device");
  }
  name.copy(request.ifr_newname, name.size());
  return control(AF_INET, SIOCSIFNAME, &request, cat("renaming ", device));
}

Result<void> set_mtu(const std::string& device, std::uint32_t mtu) {
  ifreq request = TRY(request_for(device));
  request.ifr_mtu = static_cast<int>(mtu);
  return control(AF_INET, SIOCSIFMTU, &request, cat("setting the MTU of ", device));
}

Result<void> bring_up(const std::string& device) {
  ifreq request = TRY(request_for(device));
  TRY(control(AF_INET, SIOCGIFFLAGS, &request, cat("looking at ", device)));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return control(AF_INET, SIOCSIFFLAGS, &request, cat("bringing up ", device));
}

Result<void> set_mac(const std::string& device, const std::string& mac) {
  ifreq request = TRY(request_for(device));
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  const std::vector<std::string_view> parts = split(mac, ':');
  if (parts.size() != 6) {
    return fail(ErrorKind::invalid_argument, "invalid MAC address '", printable(mac, 40), "'");
  }
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const auto byte = TRY(parse_number<std::uint8_t>(parts[at], 16), "a MAC address");
    request.ifr_hwaddr.sa_data[at] = static_cast<char>(byte);
  }
  return control(AF_INET, SIOCSIFHWADDR, &request, cat("giving ", device, " ", mac));
}

namespace {

// These calls know one address of version 4 by each label of a device.
std::string label_of(const std::string& device, int number) {
  return number == 0 ? device : cat(device, ":", number);
}

Result<bool> has_address(const std::string& label) {
  ifreq request = TRY(request_for(label));
  request.ifr_addr.sa_family = AF_INET;
  const Result<void> asked = control(AF_INET, SIOCGIFADDR, &request, cat("asking ", label));
  if (asked.ok()) return true;
  const int reason = asked.error().errno_code();
  if (reason == EADDRNOTAVAIL || reason == ENODEV) return false;
  return asked.error();
}

}  // namespace

Result<void> clear(const std::string& device) {
  ifreq request = TRY(request_for(device));
  TRY(control(AF_INET, SIOCGIFFLAGS, &request, cat("looking at ", device)));
  // Down: that takes routes and addresses of version 6 along.
  request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_UP);
  TRY(control(AF_INET, SIOCSIFFLAGS, &request, cat("taking down ", device)));
  for (int number = 0; TRY(has_address(label_of(device, number))); ++number) {
    ifreq labelled = TRY(request_for(label_of(device, number)));
    labelled.ifr_addr = generic({INADDR_ANY});
    TRY(control(AF_INET, SIOCSIFADDR, &labelled, cat("taking the address of ", device)));
  }
  return {};
}

Result<void> add_address(const std::string& device, const std::string& address) {
  const auto [text, length] = split_once(address, '/');
  const std::uint32_t prefix = TRY(parse_number<std::uint32_t>(length));
  in_addr v4 = {};
  in6_addr v6 = {};
  const std::string host(text);
  if (prefix <= 32 && ::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    int number = 0;
    while (TRY(has_address(label_of(device, number)))) ++number;
    ifreq request = TRY(request_for(label_of(device, number)));
    request.ifr_addr = generic(v4);
    TRY(control(AF_INET, SIOCSIFADDR, &request, cat("giving ", device, " ", address)));
    const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
    request.ifr_netmask = generic({htonl(mask)});
    return control(AF_INET, SIOCSIFNETMASK, &request, cat("giving ", device, " ", address));
  }
  if (prefix <= 128 && ::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    Ipv6Address request = {v6, prefix, TRY(index_of(device))};
    return control(AF_INET6, SIOCSIFADDR, &request, cat("giving ", device, " ", address));
  }
  return fail(ErrorKind::invalid_argument, "'", printable(address), "' is no address");
}

Result<void> add_default_route(const std::string& device, const std::string& gateway,
                               std::uint32_t metric) {
  in_addr v4 = {};
  in6_addr v6 = {};
  const std::string doing = cat("the route by ", printable(gateway));
  if (::inet_pton(AF_INET, gateway.c_str(), &v4) == 1) {
    rtentry route = {};
    route.rt_dst = generic({INADDR_ANY});
    route.rt_genmask = generic({INADDR_ANY});
    route.rt_gateway = generic(v4);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    route.rt_metric = static_cast<short>(metric + 1);  // this call counts from 1
    std::string name = device;
    route.rt_dev = name.data();
    return control(AF_INET, SIOCADDRT, &route, doing);
  }
  if (::inet_pton(AF_INET6, gateway.c_str(), &v6) == 1) {
    Ipv6Route route = {};
    route.gateway = v6;
    route.flags = RTF_UP | RTF_GATEWAY;
    route.metric = metric == 0 ? 1 : metric;
    route.device = TRY(index_of(device));
    return control(AF_INET6, SIOCADDRT, &route, doing);
  }
  return fail(ErrorKind::invalid_argument, "'", printable(gateway), "' is no address");
}

}  // namespace proa::link
