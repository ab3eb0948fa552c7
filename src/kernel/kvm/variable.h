// Room for the kernel's structures that end in an array of as many elements as they say.
#pragma once

#include <cstddef>
#include <memory>

namespace proa::kvm {

// A zeroed Header with `count` elements behind it. Thread: a value.
template <typename Header, typename Element>
class Variable {
 public:
  explicit Variable(std::size_t count)
      : storage_(new std::max_align_t[words(count)]()),
        header_(reinterpret_cast<Header*>(storage_.get())) {}

  Header* get() { return header_; }
  Header* operator->() { return header_; }

 private:
  static std::size_t words(std::size_t count) {
    return (sizeof(Header) + count * sizeof(Element)) / sizeof(std::max_align_t) + 1;
  }

  std::unique_ptr<std::max_align_t[]> storage_;
  Header* header_;
};

}  // namespace proa::kvm
