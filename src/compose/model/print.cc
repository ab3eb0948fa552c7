#include "compose/model/print.h"

#include <cmath>
#include <cstdio>

#include "base/fields.h"
#include "compose/document/scalars.h"
#include "compose/model/keyed.h"

namespace proa::compose {
namespace {

template <typename T>
json::Value print(const T& value);

// Whether a key with this value would say no more than a missing one.
bool says_nothing(const json::Value& value) {
  if (value.is_null()) return true;
  if (const auto* flag = value.get_if<bool>()) return !*flag;
  if (const auto* text = value.get_if<std::string>()) return text->empty();
  if (const auto* list = value.get_if<json::Value::Array>()) return list->empty();
  if (const auto* members = value.get_if<json::Value::Object>()) return members->empty();
  if (const auto* number = value.get_if<std::int64_t>()) return *number == 0;
  return false;
}

struct Printer {
  json::Value& object;
  template <typename T>
  void operator()(const char* key, const T& member) {
    if constexpr (OptionalField<T>) {
      if (member) object.set(key, print(*member));
    } else {
      json::Value printed = print(member);
      // The one flag that is on where nobody says anything.
      if (std::string_view(key) == "attach") {
        if (!*printed.template get_if<bool>()) object.set(key, std::move(printed));
      } else if (!says_nothing(printed)) {
        object.set(key, std::move(printed));
      }
    }
  }
};

template <typename T>
json::Value print(const T& value) {
  if constexpr (Keyed<T>) {
    json::Value object = json::Value::object();
    Printer printer{object};
    T::keys(printer, value);
    return object;
  } else if constexpr (OptionalField<T>) {
    return value ? print(*value) : json::Value();
  } else if constexpr (VectorField<T>) {
    json::Value list = json::Value::array();
    for (const auto& element : value) list.push(print(element));
    return list;
  } else if constexpr (StringMapField<T>) {
    json::Value object = json::Value::object();
    for (const auto& [key, mapped] : value) object.set(key, print(mapped));
    return object;
  } else if constexpr (std::same_as<T, ByteSize>) {
    return json::Value(cat(value.bytes));
  } else if constexpr (std::same_as<T, Duration>) {
    return json::Value(print_duration(value.nanoseconds));
  } else if constexpr (std::same_as<T, CpuCount>) {
    return json::Value(value.cpus);
  } else if constexpr (std::same_as<T, FileMode>) {
    char text[16];
    std::snprintf(text, sizeof text, "0%o", value.mode);
    return json::Value(text);
  } else {
    return json::Value(value);
  }
}

bool plain_in_yaml(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  for (const std::string_view word :
       {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", "<<"}) {
    if (to_lower(text) == word) return false;
  }
  const char first = text.front();
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                      first == '/' || first == '_' || first == '.';
  if (!letter || text.find(": ") != std::string_view::npos ||
      text.find(" #") != std::string_view::npos) {
    return false;
  }
  for (const char character : text) {
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) return false;
  }
  // ".5" and ".inf" are numbers.
  return first != '.' || text.starts_with("./") || text.starts_with("../");
}

std::string scalar(const json::Value& value) {
  const auto* text = value.get_if<std::string>();
  if (text != nullptr && plain_in_yaml(*text)) return *text;
  return json::print(value);  // JSON's strings are YAML's double-quoted ones
}

void print_block(const json::Value& value, int indent, std::string& out);

void print_behind_key(const json::Value& value, int indent, std::string& out) {
  const auto* list = value.get_if<json::Value::Array>();
  const auto* members = value.get_if<json::Value::Object>();
  if (list != nullptr && !list->empty()) {
    out += '\n';
    print_block(value, indent, out);
  } else if (members != nullptr && !members->empty()) {
    out += '\n';
    print_block(value, indent, out);
  } else {
    out += cat(" ", scalar(value), "\n");
  }
}

void print_block(const json::Value& value, int indent, std::string& out) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  if (const auto* members = value.get_if<json::Value::Object>()) {
    for (const auto& [key, member] : *members) {
      out += cat(margin, scalar(json::Value(key)), ":");
      print_behind_key(member, indent + 2, out);
    }
    return;
  }
  if (const auto* list = value.get_if<json::Value::Array>()) {
    for (const json::Value& element : *list) {
      const auto* inner = element.get_if<json::Value::Object>();
      if (inner == nullptr || inner->empty()) {
        out += cat(margin, "- ", scalar(element), "\n");
        continue;
      }
      // The first key stands behind the dash.
      std::string block;
      print_block(element, indent + 2, block);
      block[static_cast<std::size_t>(indent)] = '-';
      out += block;
    }
  }
}

}  // namespace

json::Value to_json(const Project& project) { return print(project); }
json::Value to_json(const Service& service) { return print(service); }

std::string print_yaml(const json::Value& value) {
  std::string out;
  print_block(value, 0, out);
  return out;
}

}  // namespace proa::compose
