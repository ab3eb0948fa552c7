#include "base/json.h"

// Debian's RapidJSON counts from a null pointer in an empty stack, which clang's sanitizer reports.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <algorithm>

namespace proa::json {
namespace {

// Builds a Value from the parser's events; returning false stops the parser.
class Builder {
 public:
  bool Null() { return add(Value()); }
  bool Bool(bool boolean) { return add(Value(boolean)); }
  bool Int(int number) { return add(Value(number)); }
  bool Uint(unsigned number) { return add(Value(number)); }
  bool Int64(std::int64_t number) { return add(Value(number)); }
  bool Uint64(std::uint64_t number) { return add(Value(number)); }
  bool Double(double number) { return add(Value(number)); }
  bool RawNumber(const char* /*text*/, unsigned /*size*/, bool /*copy*/) { return false; }
  bool String(const char* text, unsigned size, bool /*copy*/) {
    return add(Value(std::string(text, size)));
  }
  bool Key(const char* text, unsigned size, bool /*copy*/) {
    keys_.emplace_back(text, size);
    return true;
  }
  bool StartObject() { return open(Value::object()); }
  bool StartArray() { return open(Value::array()); }
  bool EndObject(unsigned /*count*/) { return close(); }
  bool EndArray(unsigned /*count*/) { return close(); }

  bool too_deep() const { return too_deep_; }
  Value take() { return std::move(root_); }

 private:
  bool open(Value container) {
    if (open_.size() >= kMaxDepth) {
      too_deep_ = true;
      return false;
    }
    open_.push_back(std::move(container));
    return true;
  }
  bool close() {
    Value container = std::move(open_.back());
    open_.pop_back();
    return add(std::move(container));
  }
  bool add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().get_if<Value::Array>() != nullptr) {
      open_.back().push(std::move(value));
    } else {
      open_.back().get_if<Value::Object>()->push_back(
          Member{std::move(keys_.back()), std::move(value)});
      keys_.pop_back();
    }
    return true;
  }

  Value root_;
  std::vector<Value> open_;
  std::vector<std::string> keys_;
  bool too_deep_ = false;
};

Error parse_fault(std::string_view text, std::string_view name, std::size_t offset,
                  std::string_view reason) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_start = before.rfind('\n') + 1;
  return fail(ErrorKind::invalid_argument, name, ":", line, ":", before.size() - line_start + 1,
              ": ", reason);
}

template <typename Writer>
void write(Writer& writer, const Value& value) {
  if (const auto* boolean = value.get_if<bool>()) {
    writer.Bool(*boolean);
  } else if (const auto* signed_number = value.get_if<std::int64_t>()) {
    writer.Int64(*signed_number);
  } else if (const auto* unsigned_number = value.get_if<std::uint64_t>()) {
    writer.Uint64(*unsigned_number);
  } else if (const auto* real = value.get_if<double>()) {
    writer.Double(*real);
  } else if (const auto* text = value.get_if<std::string>()) {
    writer.String(text->data(), static_cast<unsigned>(text->size()));
  } else if (const auto* elements = value.get_if<Value::Array>()) {
    writer.StartArray();
    for (const Value& element : *elements) write(writer, element);
    writer.EndArray();
  } else if (const auto* members = value.get_if<Value::Object>()) {
    writer.StartObject();
    for (const Member& member : *members) {
      writer.Key(member.key.data(), static_cast<unsigned>(member.key.size()));
      write(writer, member.value);
    }
    writer.EndObject();
  } else {
    writer.Null();
  }
}

// Prints "key": value a line; RapidJSON's own PrettyWriter breaks empty arrays over two lines.
void write_pretty(std::string& out, const Value& value, std::size_t indent, std::size_t depth) {
  const std::string margin(indent * (depth + 1), ' ');
  if (const auto* elements = value.get_if<Value::Array>(); elements && !elements->empty()) {
    out.append("[\n");
    for (const Value& element : *elements) {
      out.append(margin);
      write_pretty(out, element, indent, depth + 1);
      out.append(&element == &elements->back() ? "\n" : ",\n");
    }
    out.append(indent * depth, ' ').push_back(']');
  } else if (const auto* members = value.get_if<Value::Object>(); members && !members->empty()) {
    out.append("{\n");
    for (const Member& member : *members) {
      out.append(margin).append(print(Value(member.key))).append(": ");
      write_pretty(out, member.value, indent, depth + 1);
      out.append(&member == &members->back() ? "\n" : ",\n");
    }
    out.append(indent * depth, ' ').push_back('}');
  } else {
    out.append(print(value));
  }
}

// Finds the path from `from` to the value at address `target`; only errors ask for paths.
bool find_path(const Value& from, const Value* target, std::string& path) {
  if (&from == target) return true;
  const std::size_t length = path.size();
  if (const auto* members = from.get_if<Value::Object>()) {
    for (const Member& member : *members) {
      path.append(path.empty() ? "" : ".").append(printable(member.key, 64));
      if (find_path(member.value, target, path)) return true;
      path.resize(length);
    }
  } else if (const auto* elements = from.get_if<Value::Array>()) {
    for (std::size_t index = 0; index < elements->size(); ++index) {
      path.append(cat("[", index, "]"));
      if (find_path((*elements)[index], target, path)) return true;
      path.resize(length);
    }
  }
  return false;
}

}  // namespace

Value::Value(const std::vector<std::string>& texts) : data_(Array(texts.begin(), texts.end())) {}

std::string_view Value::type_name() const {
  constexpr std::string_view kNames[] = {"null",     "a boolean", "an integer", "an integer",
                                         "a number", "a string",  "an array",   "an object"};
  return kNames[data_.index()];
}

const Value* Value::find(std::string_view key) const {
  const auto* members = get_if<Object>();
  if (members == nullptr) return nullptr;
  // Backwards: of equal keys the last one wins.
  for (auto member = members->rbegin(); member != members->rend(); ++member) {
    if (member->key == key) return &member->value;
  }
  return nullptr;
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object();
  auto* members = get_if<Object>();
  CHECK(members != nullptr);
  for (Member& member : *members) {
    if (member.key == key) return member.value = std::move(value);
  }
  members->push_back(Member{std::move(key), std::move(value)});
  return members->back().value;
}

Value& Value::push(Value value) {
  if (is_null()) data_ = Array();
  auto* elements = get_if<Array>();
  CHECK(elements != nullptr);
  elements->push_back(std::move(value));
  return elements->back();
}

Result<Value> parse(std::string_view text, std::string_view name) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  Builder builder;
  const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, builder);
  if (builder.too_deep()) {
    return parse_fault(text, name, parsed.Offset(), cat("nested deeper than ", kMaxDepth));
  }
  if (parsed.IsError()) {
    return parse_fault(text, name, parsed.Offset(), rapidjson::GetParseError_En(parsed.Code()));
  }
  return builder.take();
}

std::string print(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write(writer, value);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string print_pretty(const Value& value, int indent) {
  std::string out;
  write_pretty(out, value, static_cast<std::size_t>(indent), 0);
  return out;
}

std::string Reader::path() const {
  std::string path;
  find_path(*root_, value_, path);
  return path.empty() ? std::string(name_) : cat(name_, ": ", path);
}

std::optional<Reader> Reader::find(std::string_view key) const {
  const Value* member = value_->find(key);
  if (member == nullptr || member->is_null()) return std::nullopt;
  return Reader(*root_, *member, name_);
}

Result<Reader> Reader::at(std::string_view key) const {
  if (value_->get_if<Value::Object>() == nullptr) return expected("an object");
  const std::optional<Reader> member = find(key);
  if (!member) return fault("'", key, "' is missing");
  return *member;
}

Result<std::string> Reader::string() const {
  if (const auto* text = value_->get_if<std::string>()) return *text;
  return expected("a string");
}

Result<bool> Reader::boolean() const {
  if (const auto* boolean = value_->get_if<bool>()) return *boolean;
  return expected("a boolean");
}

Result<double> Reader::number() const {
  if (const auto* real = value_->get_if<double>()) return *real;
  if (const auto* number = value_->get_if<std::int64_t>()) return static_cast<double>(*number);
  if (const auto* number = value_->get_if<std::uint64_t>()) return static_cast<double>(*number);
  return expected("a number");
}

Result<std::vector<Reader>> Reader::elements() const {
  const auto* elements = value_->get_if<Value::Array>();
  if (elements == nullptr) return expected("an array");
  std::vector<Reader> readers;
  readers.reserve(elements->size());
  for (const Value& element : *elements) readers.push_back(Reader(*root_, element, name_));
  return readers;
}

Result<std::vector<std::pair<std::string_view, Reader>>> Reader::members() const {
  const auto* members = value_->get_if<Value::Object>();
  if (members == nullptr) return expected("an object");
  std::vector<std::pair<std::string_view, Reader>> readers;
  readers.reserve(members->size());
  for (const Member& member : *members) {
    readers.emplace_back(member.key, Reader(*root_, member.value, name_));
  }
  return readers;
}

Result<std::vector<std::string>> Reader::strings() const {
  const std::vector<Reader> readers = TRY(elements());
  std::vector<std::string> texts;
  texts.reserve(readers.size());
  for (const Reader& reader : readers) {
    std::string text = TRY(reader.string());
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<std::pair<std::string, std::string>>> Reader::string_map() const {
  const auto readers = TRY(members());
  std::vector<std::pair<std::string, std::string>> texts;
  texts.reserve(readers.size());
  for (const auto& [key, reader] : readers) {
    std::string text = TRY(reader.string());
    texts.emplace_back(key, std::move(text));
  }
  return texts;
}

Error Reader::expected(std::string_view what) const {
  return fault("expected ", what, ", got ", value_->type_name());
}

Error Reader::out_of_range() const { return fault("the integer is out of range"); }

}  // namespace proa::json
