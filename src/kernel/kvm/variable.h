// The kernel's structures that end in an array of as many elements as they say, and the requests
// that take them. Our own layouts: in C++ the kernel's header puts a byte before such an array,
// so that sizes, offsets and request numbers come out wrong.
#pragma once

#include <linux/kvm.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace proa::kvm {

// Behind it: CPUID entries, MSRs, or interrupt routes.
struct ListHead {
  std::uint32_t count = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(ListHead) == 8);
// Behind it: numbers of MSRs.
struct ShortListHead {
  std::uint32_t count = 0;
};
static_assert(sizeof(ShortListHead) == 4);

constexpr unsigned long kGetMsrIndexList = _IOWR(KVMIO, 0x02, ShortListHead);
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, ListHead);
constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, ListHead);
constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, ListHead);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, ListHead);
constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, ListHead);

// A head with `count` elements behind it. Thread: a value.
template <typename Head, typename Element>
class Variable {
 public:
  explicit Variable(std::size_t count) : bytes_(sizeof(Head) + count * sizeof(Element)) {
    set_count(count);
  }
  explicit Variable(std::span<const Element> elements) : Variable(elements.size()) {
    if (!elements.empty()) {
      std::memcpy(bytes_.data() + sizeof(Head), elements.data(), elements.size_bytes());
    }
  }

  void* data() { return bytes_.data(); }
  // The first `count` elements, or as many as there is room for.
  std::vector<Element> elements(std::size_t count) const {
    std::vector<Element> copies(std::min(count, room()));
    if (!copies.empty()) {
      std::memcpy(copies.data(), bytes_.data() + sizeof(Head), copies.size() * sizeof(Element));
    }
    return copies;
  }
  // As many as the head says.
  std::vector<Element> elements() const {
    Head head;
    std::memcpy(&head, bytes_.data(), sizeof head);
    return elements(head.count);
  }

 private:
  std::size_t room() const { return (bytes_.size() - sizeof(Head)) / sizeof(Element); }
  void set_count(std::size_t count) {
    Head head;
    head.count = static_cast<std::uint32_t>(count);
    std::memcpy(bytes_.data(), &head, sizeof head);
  }

  std::vector<std::byte> bytes_;
};

}  // namespace proa::kvm
