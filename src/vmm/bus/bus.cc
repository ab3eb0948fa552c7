#include "vmm/bus/bus.h"

#include <algorithm>
#include <limits>

namespace proa::vmm {

Result<void> Bus::add(GuestRange range, BusDevice& device) {
  if (range.size == 0 ||
      range.size - 1 > std::numeric_limits<std::uint64_t>::max() - range.start.value) {
    return fail(ErrorKind::invalid_argument, "a window of ", range.size, " bytes at ",
                hex(range.start.value));
  }
  const auto after = std::ranges::upper_bound(places_, range.start, {},
                                              [](const Place& place) { return place.range.start; });
  const bool below = after != places_.begin() &&
                     range.start - std::prev(after)->range.start < std::prev(after)->range.size;
  const bool above = after != places_.end() && after->range.start - range.start < range.size;
  if (below || above) {
    return fail(ErrorKind::already_exists, "the window at ", hex(range.start.value),
                " overlaps another");
  }
  places_.insert(after, {range, &device});
  return {};
}

const Bus::Place* Bus::find(GuestAddr address, std::uint64_t length) const {
  const auto after = std::ranges::upper_bound(places_, address, {},
                                              [](const Place& place) { return place.range.start; });
  if (after == places_.begin()) return nullptr;
  const Place& place = *std::prev(after);
  return place.range.contains(address, length) ? &place : nullptr;
}

Result<void> Bus::read(GuestAddr address, MutableByteSpan into) const {
  const Place* const place = find(address, into.size());
  std::ranges::fill(into, place == nullptr ? std::byte{0xff} : std::byte{0});
  if (place == nullptr) return {};
  return place->device->read(address - place->range.start, into);
}

Result<void> Bus::write(GuestAddr address, ByteSpan from) const {
  const Place* const place = find(address, from.size());
  if (place == nullptr) return {};
  return place->device->write(address - place->range.start, from);
}

}  // namespace proa::vmm
