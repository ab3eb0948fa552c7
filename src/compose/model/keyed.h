// Which structs list their keys, for the reader and the printer.
#pragma once

namespace proa::compose {

namespace internal {
struct AnyKey {
  template <typename T>
  void operator()(const char*, T&) {}
};
}  // namespace internal

template <typename T>
concept Keyed = requires(internal::AnyKey& visitor, T& value) { T::keys(visitor, value); };

}  // namespace proa::compose
