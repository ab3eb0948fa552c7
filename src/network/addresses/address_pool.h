// The addresses of one subnet: which are handed out, and which comes next. Pure; whoever owns it
// writes down what was leased before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace proa::network {

// Hands out the next free address after the last one, so that one just given back rests for as
// long as possible. Never gives out the subnet's first and last address (version 4), its gateway,
// or what is reserved.
//
// Thread: none of its own; the owner locks.
class AddressPool {
 public:
  struct Shape {
    Subnet subnet;
    IpAddress gateway;
    std::optional<Subnet> range;  // part of the subnet to choose from; absent: all of it
    std::set<IpAddress> reserved;
  };
  // Errors: invalid_argument (a gateway or range outside the subnet, no room for a workload)
  static Result<AddressPool> make(Shape shape);

  // Errors: exhausted
  Result<IpAddress> lease();
  // Leases this very address, of the range or not.
  // Errors: invalid_argument (outside the subnet, or never handed out), busy
  Result<void> take(const IpAddress& address);
  // What is not leased is no error.
  void release(const IpAddress& address);

  const Subnet& subnet() const { return shape_.subnet; }
  const IpAddress& gateway() const { return shape_.gateway; }

 private:
  explicit AddressPool(Shape shape);
  bool may_be_leased(const IpAddress& address) const;

  Shape shape_;
  std::uint32_t first_ = 0, last_ = 0;  // offsets in the subnet that lease() chooses from
  std::uint32_t next_ = 0;
  std::set<std::uint32_t> leased_;  // offsets
};

struct SubnetRange {
  Subnet range;
  int prefix;               // of the subnets cut from it
  std::uint32_t first = 0;  // the subnet to look at first, counted from the range's base
};
// The first subnet cut from one of `ranges` that overlaps nothing in `taken`.
//
// Errors: exhausted
Result<Subnet> choose_subnet(const std::vector<SubnetRange>& ranges,
                             const std::vector<Subnet>& taken);

}  // namespace proa::network
