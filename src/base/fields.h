// One list of fields per struct, walked by every codec. A struct takes part by
//
//   template <typename Visitor, typename Self>
//   static void fields(Visitor& visit, Self& self) {
//     visit(1, "name", self.name);
//     visit(2, "size", self.size);
//   }
//
// The number names the field on the wire and in journals (never reused, never renumbered), the
// text names it in JSON. Fields may be added; a reader that does not know one skips it, and one
// that misses one keeps its default.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace proa {

namespace internal {
struct AnyVisitor {
  template <typename T>
  void operator()(int, const char*, T&) {}
};
template <typename T>
struct IsVector : std::false_type {};
template <typename Element>
struct IsVector<std::vector<Element>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename Inner>
struct IsOptional<std::optional<Inner>> : std::true_type {};
template <typename T>
struct IsStringMap : std::false_type {};
template <typename Mapped>
struct IsStringMap<std::map<std::string, Mapped>> : std::true_type {};
}  // namespace internal

template <typename T>
concept Fielded = requires(internal::AnyVisitor& visitor, T& value) { T::fields(visitor, value); };
template <typename T>
concept VectorField = internal::IsVector<T>::value;
template <typename T>
concept OptionalField = internal::IsOptional<T>::value;
template <typename T>
concept StringMapField = internal::IsStringMap<T>::value;

}  // namespace proa
