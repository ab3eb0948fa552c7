#include "network/addresses/address_pool.h"

#include <algorithm>

namespace proa::network {

AddressPool::AddressPool(Shape shape) : shape_(std::move(shape)) {
  const Subnet& range = shape_.range.value_or(shape_.subnet);
  first_ = range.base.minus(shape_.subnet.base);
  last_ = first_ + range.size() - 1;
  next_ = first_;
}

Result<AddressPool> AddressPool::make(Shape shape) {
  const Subnet& subnet = shape.subnet;
  if (subnet.base.bits() - subnet.prefix < 2) {
    return fail(ErrorKind::invalid_argument, "the subnet ", subnet.text(), " is too small");
  }
  if (!subnet.contains(shape.gateway)) {
    return fail(ErrorKind::invalid_argument, "no matching subnet for gateway ",
                shape.gateway.text());
  }
  if (shape.range && (!subnet.contains(shape.range->base) || shape.range->prefix < subnet.prefix)) {
    return fail(ErrorKind::invalid_argument, "no matching subnet for range ", shape.range->text());
  }
  return AddressPool(std::move(shape));
}

bool AddressPool::may_be_leased(const IpAddress& address) const {
  if (!shape_.subnet.contains(address)) return false;
  const std::uint32_t offset = address.minus(shape_.subnet.base);
  const bool edge = offset == 0 || (!address.is_v6() && offset == shape_.subnet.size() - 1);
  return !edge && address != shape_.gateway && !shape_.reserved.contains(address);
}

Result<IpAddress> AddressPool::lease() {
  // At most one more step than there are addresses that cannot be had.
  std::uint64_t steps = leased_.size() + shape_.reserved.size() + 4;
  for (; steps > 0; --steps) {
    const std::uint32_t offset = next_;
    next_ = next_ >= last_ ? first_ : next_ + 1;
    const IpAddress address = shape_.subnet.base.plus(offset);
    if (!may_be_leased(address)) continue;
    if (leased_.insert(offset).second) return address;
  }
  return fail(ErrorKind::exhausted, "no available IPv", shape_.subnet.base.is_v6() ? "6" : "4",
              " addresses on this network's address pools: ", shape_.subnet.text());
}

Result<void> AddressPool::take(const IpAddress& address) {
  if (!may_be_leased(address)) {
    return fail(ErrorKind::invalid_argument, "invalid address ", address.text(),
                ": it does not belong to workloads of the subnet ", shape_.subnet.text());
  }
  if (!leased_.insert(address.minus(shape_.subnet.base)).second) {
    return fail(ErrorKind::busy, "Address already in use: ", address.text());
  }
  return {};
}

void AddressPool::release(const IpAddress& address) {
  if (shape_.subnet.contains(address)) leased_.erase(address.minus(shape_.subnet.base));
}

Result<Subnet> choose_subnet(const std::vector<SubnetRange>& ranges,
                             const std::vector<Subnet>& taken) {
  for (const auto& [range, prefix, first] : ranges) {
    const int spare = std::min(prefix - range.prefix, 16);
    if (spare < 0) continue;
    const std::uint32_t count = std::uint32_t{1} << spare;
    for (std::uint32_t step = 0; step < count; ++step) {
      const std::uint32_t number = (first + step) % count;
      Subnet subnet{range.base, prefix};
      if (prefix <= 32 && !range.base.is_v6()) {
        subnet.base = range.base.plus(number << (32 - prefix));
      } else {
        // The 16 bits in front of the prefix's end count the subnets.
        std::array<std::uint8_t, 16> bytes = {};
        std::ranges::copy(range.base.bytes(), bytes.begin());
        const auto at = static_cast<std::size_t>(prefix / 8);
        bytes[at - 1] = static_cast<std::uint8_t>(number);
        bytes[at - 2] = static_cast<std::uint8_t>(number >> 8);
        subnet.base = IpAddress::v6(bytes);
      }
      const bool free =
          std::ranges::none_of(taken, [&](const Subnet& other) { return subnet.overlaps(other); });
      if (free) return subnet;
    }
  }
  return fail(ErrorKind::exhausted,
              "could not find an available, non-overlapping address pool among the defaults to "
              "assign to the network");
}

}  // namespace proa::network
