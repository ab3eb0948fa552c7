// One list of fields per JSON body, walked to read it and to print it. A struct takes part by a
// function beside it, found by the visitor's namespace:
//
//   template <typename Visitor, Is<engine::Ulimit> Self>
//   void shape(Visitor& visit, Self& self) {
//     visit("Name", self.name);
//   }
//
// Reading ignores members it does not know, as Docker does, and keeps what a missing or null one
// would have set; a member of another type is an error that names its place.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/json.h"

namespace proa::api {

template <typename T, typename Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

class ShapeReader;
class ShapePrinter;

template <typename T>
Result<void> read_shape(const json::Reader& reader, T& into);
template <typename T>
json::Value print_shape(const T& value);

// Thread: a temporary.
class ShapeReader {
 public:
  explicit ShapeReader(const json::Reader& reader) : reader_(reader) {}

  template <typename T>
  void operator()(const char* name, T& member) {
    if (!outcome_.ok()) return;
    const std::optional<json::Reader> found = reader_.find(name);
    if (found) outcome_ = read_shape(*found, member);
  }
  Result<void> take() { return std::move(outcome_); }

 private:
  const json::Reader& reader_;
  Result<void> outcome_;
};

// Thread: a temporary.
class ShapePrinter {
 public:
  template <typename T>
  void operator()(const char* name, const T& member) {
    object_.set(name, print_shape(member));
  }
  json::Value take() { return std::move(object_); }

 private:
  json::Value object_ = json::Value::object();
};

template <typename T>
Result<void> read_shape(const json::Reader& reader, T& into) {
  if constexpr (OptionalField<T>) {
    return read_shape(reader, into.emplace());
  } else if constexpr (VectorField<T>) {
    into.clear();
    for (const json::Reader& element : TRY(reader.elements())) {
      TRY(read_shape(element, into.emplace_back()));
    }
    return {};
  } else if constexpr (StringMapField<T>) {
    into.clear();
    for (const auto& [key, member] : TRY(reader.members())) {
      TRY(read_shape(member, into[std::string(key)]));
    }
    return {};
  } else if constexpr (std::same_as<T, bool>) {
    into = TRY(reader.boolean());
    return {};
  } else if constexpr (std::integral<T>) {
    into = TRY(reader.template integer<T>());
    return {};
  } else if constexpr (std::same_as<T, std::string>) {
    into = TRY(reader.string());
    return {};
  } else {
    TRY(reader.members());
    ShapeReader visit(reader);
    shape(visit, into);
    return visit.take();
  }
}

template <typename T>
json::Value print_shape(const T& value) {
  if constexpr (OptionalField<T>) {
    return value ? print_shape(*value) : json::Value();
  } else if constexpr (VectorField<T>) {
    json::Value array = json::Value::array();
    for (const auto& element : value) array.push(print_shape(element));
    return array;
  } else if constexpr (StringMapField<T>) {
    json::Value object = json::Value::object();
    for (const auto& [key, mapped] : value) object.set(key, print_shape(mapped));
    return object;
  } else if constexpr (std::constructible_from<json::Value, T>) {
    return json::Value(value);
  } else {
    ShapePrinter visit;
    shape(visit, value);
    return visit.take();
  }
}

}  // namespace proa::api
