// Takes the fields of a JSON object into the members of a struct, each checked for its type. What
// is absent or null leaves the member as it was.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::oci::runtime {

// Errors: invalid_argument (names the place of what should have been an object)
inline Result<void> check_object(const json::Reader& reader) {
  if (reader.value().get_if<json::Value::Object>() != nullptr) return {};
  return reader.fault("expected an object, got ", reader.value().type_name());
}

// Gives the member `key` where it is there, which then has to be an object.
inline Result<std::optional<json::Reader>> find_object(const json::Reader& parent,
                                                       std::string_view key) {
  std::optional<json::Reader> child = parent.find(key);
  if (child) TRY(check_object(*child));
  return child;
}

template <typename T>
Result<T> read_as(const json::Reader& reader) {
  if constexpr (std::same_as<T, bool>) {
    return reader.boolean();
  } else if constexpr (std::integral<T>) {
    return reader.integer<T>();
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {
    return reader.strings();
  } else {
    return reader.string();
  }
}

// Errors: invalid_argument (another type or out of range, naming the place)
template <typename T>
Result<void> take(const json::Reader& object, std::string_view key, std::optional<T>& member) {
  if (const auto reader = object.find(key)) member = TRY(read_as<T>(*reader));
  return {};
}

template <typename T>
Result<void> take(const json::Reader& object, std::string_view key, T& member) {
  if (const auto reader = object.find(key)) member = TRY(read_as<T>(*reader));
  return {};
}

// Takes a member that has to be there.
template <typename T>
Result<void> take_required(const json::Reader& object, std::string_view key, T& member) {
  const json::Reader reader = TRY(object.at(key));
  member = TRY(read_as<T>(reader));
  return {};
}

// Takes a list whose elements `parse` reads, one Reader each.
template <typename T, typename Parse>
Result<void> take_list(const json::Reader& object, std::string_view key, std::vector<T>& member,
                       Parse parse) {
  const auto list = object.find(key);
  if (!list) return {};
  const std::vector<json::Reader> elements = TRY(list->elements());
  member.clear();
  member.reserve(elements.size());
  for (const json::Reader& element : elements) {
    T parsed = TRY(parse(element));
    member.push_back(std::move(parsed));
  }
  return {};
}

}  // namespace proa::oci::runtime
