// JSON (RFC 8259): a value that keeps its members in order, a parser that names line and column,
// a printer, and a Reader that names the place in the document when a field has the wrong shape.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace proa::json {

struct Member;

// Thread: a value; not shared.
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;

  Value();
  Value(std::nullptr_t);
  Value(bool boolean);
  template <std::signed_integral Number>
  Value(Number number);
  template <std::unsigned_integral Number>
    requires(!std::same_as<Number, bool>)
  Value(Number number);
  Value(double number);
  Value(std::string text);
  Value(std::string_view text);
  Value(const char* text);
  Value(Array elements);
  Value(Object members);
  Value(const std::vector<std::string>& texts);

  static Value array();
  static Value object();

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  template <typename T>
  T* get_if() {
    return std::get_if<T>(&data_);
  }
  // "object", "array", "string", ... for messages.
  std::string_view type_name() const;

  // The member of that name, or nullptr; also nullptr where this is no object.
  const Value* find(std::string_view key) const;
  // Sets a member of an object, replacing an earlier one of the same name. A null becomes an
  // object first.
  Value& set(std::string key, Value value);
  // Appends to an array. A null becomes an array first.
  Value& push(Value value);

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      data_;
};

struct Member {
  std::string key;
  Value value;
  bool operator==(const Member&) const = default;
};

// Behind Member: to make a Value is to know how to destroy one, and so a Member.
inline Value::Value() = default;
inline Value::Value(std::nullptr_t) {}
inline Value::Value(bool boolean) : data_(boolean) {}
template <std::signed_integral Number>
Value::Value(Number number) : data_(static_cast<std::int64_t>(number)) {}
template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>)
Value::Value(Number number) {
  if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    data_ = static_cast<std::int64_t>(number);
  } else {
    data_ = static_cast<std::uint64_t>(number);
  }
}
inline Value::Value(double number) : data_(number) {}
inline Value::Value(std::string text) : data_(std::move(text)) {}
inline Value::Value(std::string_view text) : data_(std::string(text)) {}
inline Value::Value(const char* text) : data_(std::string(text)) {}
inline Value::Value(Array elements) : data_(std::move(elements)) {}
inline Value::Value(Object members) : data_(std::move(members)) {}
inline Value Value::array() { return Value(Array()); }
inline Value Value::object() { return Value(Object()); }

// Parses one document of at most kMaxDepth nested values; of equal keys the last one wins.
//
// Errors: invalid_argument ("config.json:3:17: ...", with `name` as the file)
Result<Value> parse(std::string_view text, std::string_view name);
constexpr int kMaxDepth = 200;

// Prints on one line, without blanks.
std::string print(const Value& value);
// Prints indented by `indent` blanks a level, without a line feed at the end.
std::string print_pretty(const Value& value, int indent = 2);

// A place in a document, for taking checked fields out; errors are invalid_argument and name
// file and path: "config.json: linux.namespaces[2].type: expected a string, got a number".
// Owner: borrows the document, which outlives it. Thread: a value.
class Reader {
 public:
  Reader(const Value& root, std::string_view name) : root_(&root), value_(&root), name_(name) {}

  const Value& value() const { return *value_; }
  std::string path() const;
  // An error at this place.
  template <typename... Pieces>
  Error fault(const Pieces&... pieces) const {
    return fail(ErrorKind::invalid_argument, path(), ": ", pieces...);
  }

  // The member of that name; absent, null, and "this is no object" are the same.
  std::optional<Reader> find(std::string_view key) const;
  // The member of that name, which must be there.
  Result<Reader> at(std::string_view key) const;

  Result<std::string> string() const;
  Result<bool> boolean() const;
  Result<double> number() const;
  template <std::integral Number>
  Result<Number> integer() const {
    if (const auto* number = value_->get_if<std::int64_t>()) {
      if (std::in_range<Number>(*number)) return static_cast<Number>(*number);
      return out_of_range();
    }
    if (const auto* number = value_->get_if<std::uint64_t>()) {
      if (std::in_range<Number>(*number)) return static_cast<Number>(*number);
      return out_of_range();
    }
    return expected("an integer");
  }
  Result<std::vector<Reader>> elements() const;
  Result<std::vector<std::pair<std::string_view, Reader>>> members() const;
  Result<std::vector<std::string>> strings() const;
  // Key to string, in the document's order.
  Result<std::vector<std::pair<std::string, std::string>>> string_map() const;

 private:
  Reader(const Value& root, const Value& value, std::string_view name)
      : root_(&root), value_(&value), name_(name) {}
  Error expected(std::string_view what) const;
  Error out_of_range() const;

  const Value* root_;
  const Value* value_;
  std::string_view name_;
};

}  // namespace proa::json
