// JSON for structs that list their fields (base/fields.h): used for what the engine keeps in its
// database and in spec.json, not for foreign documents, whose shapes have parsers of their own.
#pragma once

#include <utility>

#include "base/fields.h"
#include "base/json.h"

namespace proa::json {

template <typename T>
Value to_json(const T& value);

namespace internal {

struct FieldPrinter {
  Value& object;
  template <typename T>
  void operator()(int, const char* name, const T& member) {
    if constexpr (OptionalField<T>) {
      if (!member) return;
    }
    object.set(name, to_json(member));
  }
};

}  // namespace internal

// Prints a fielded struct as an object; absent optionals are left out.
template <typename T>
Value to_json(const T& value) {
  if constexpr (Fielded<T>) {
    Value object = Value::object();
    internal::FieldPrinter printer{object};
    T::fields(printer, value);
    return object;
  } else if constexpr (OptionalField<T>) {
    return value ? to_json(*value) : Value();
  } else if constexpr (VectorField<T>) {
    Value array = Value::array();
    for (const auto& element : value) array.push(to_json(element));
    return array;
  } else if constexpr (StringMapField<T>) {
    Value object = Value::object();
    for (const auto& [key, mapped] : value) object.set(key, to_json(mapped));
    return object;
  } else if constexpr (std::is_enum_v<T>) {
    return Value(static_cast<std::uint64_t>(value));
  } else {
    return Value(value);
  }
}

// Reads a value at `reader`; members that are absent keep what `into` holds.
//
// Errors: invalid_argument (a member of another type; its path is named)
template <typename T>
Result<void> from_json(const Reader& reader, T& into);

namespace internal {

struct FieldReader {
  const Reader& object;
  Result<void> outcome = {};
  template <typename T>
  void operator()(int, const char* name, T& member) {
    if (!outcome.ok()) return;
    if (const std::optional<Reader> found = object.find(name)) outcome = from_json(*found, member);
  }
};

}  // namespace internal

template <typename T>
Result<void> from_json(const Reader& reader, T& into) {
  if constexpr (Fielded<T>) {
    internal::FieldReader members{reader};
    T::fields(members, into);
    return std::move(members.outcome);
  } else if constexpr (OptionalField<T>) {
    return from_json(reader, into.emplace());
  } else if constexpr (VectorField<T>) {
    into.clear();
    const auto elements = TRY(reader.elements());
    for (const Reader& element : elements) TRY(from_json(element, into.emplace_back()));
    return {};
  } else if constexpr (StringMapField<T>) {
    into.clear();
    const auto members = TRY(reader.members());
    for (const auto& [key, member] : members) TRY(from_json(member, into[std::string(key)]));
    return {};
  } else {
    if constexpr (std::is_enum_v<T>) {
      into = static_cast<T>(TRY(reader.integer<std::underlying_type_t<T>>()));
    } else if constexpr (std::same_as<T, bool>) {
      into = TRY(reader.boolean());
    } else if constexpr (std::integral<T>) {
      into = TRY(reader.integer<T>());
    } else if constexpr (std::same_as<T, double>) {
      into = TRY(reader.number());
    } else if constexpr (std::same_as<T, Value>) {
      into = reader.value();
    } else {
      into = TRY(reader.string());
    }
    return {};
  }
}

}  // namespace proa::json
