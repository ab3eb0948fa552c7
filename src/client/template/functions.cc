#include "client/template/functions.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace proa::client {
namespace {

using json::Value;
using Arguments = std::span<const Value>;
using Function = Result<Value> (*)(Arguments);

constexpr std::size_t kMaxResult = std::size_t{64} << 20;

std::string print_real(double number) {
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%.17g", number);
  for (int precision = 1; precision < 17; ++precision) {
    char shorter[40];
    const int short_size = std::snprintf(shorter, sizeof shorter, "%.*g", precision, number);
    if (std::strtod(shorter, nullptr) == number)
      return {shorter, static_cast<std::size_t>(short_size)};
  }
  return {text, static_cast<std::size_t>(size)};
}

std::vector<const json::Member*> sorted(const Value::Object& members) {
  std::vector<const json::Member*> order;
  for (const json::Member& member : members) order.push_back(&member);
  std::ranges::sort(order, {}, [](const json::Member* member) { return member->key; });
  return order;
}

Error wrong(std::string_view function, std::string_view what) {
  return fail(ErrorKind::invalid_argument, "error calling ", function, ": ", what);
}

std::string text_of_argument(const Value& value) { return print_as_go(value); }

// docker's json leaves <, > and & as they are, as our printer does.
Result<Value> do_json(Arguments arguments) { return Value(json::print(arguments[0])); }
Result<Value> do_lower(Arguments arguments) {
  return Value(to_lower(text_of_argument(arguments[0])));
}
Result<Value> do_upper(Arguments arguments) {
  std::string text = text_of_argument(arguments[0]);
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return Value(std::move(text));
}
Result<Value> do_title(Arguments arguments) {
  std::string text = text_of_argument(arguments[0]);
  bool begins = true;
  for (char& letter : text) {
    if (begins && letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    begins = letter == ' ' || letter == '-' || letter == '_';
  }
  return Value(std::move(text));
}

Result<Value> do_join(Arguments arguments) {
  const auto* elements = arguments[0].get_if<Value::Array>();
  if (arguments[0].is_null()) return Value("");
  if (elements == nullptr) return wrong("join", "the first argument is no list");
  std::string joined;
  for (const Value& element : *elements) {
    if (&element != &elements->front()) joined.append(text_of_argument(arguments[1]));
    joined.append(print_as_go(element));
  }
  return Value(std::move(joined));
}

Result<Value> do_split(Arguments arguments) {
  const std::string text = text_of_argument(arguments[0]);
  const std::string separator = text_of_argument(arguments[1]);
  Value parts = Value::array();
  if (separator.empty()) {
    for (const char character : text) parts.push(std::string(1, character));
    return parts;
  }
  std::size_t start = 0;
  for (std::size_t at = text.find(separator); at != std::string::npos;
       at = text.find(separator, start)) {
    parts.push(text.substr(start, at - start));
    start = at + separator.size();
  }
  parts.push(text.substr(start));
  return parts;
}

Result<Value> do_len(Arguments arguments) {
  if (const auto* text = arguments[0].get_if<std::string>()) return Value(text->size());
  if (const auto* list = arguments[0].get_if<Value::Array>()) return Value(list->size());
  if (const auto* map = arguments[0].get_if<Value::Object>()) return Value(map->size());
  if (arguments[0].is_null()) return Value(0);
  return wrong("len", cat("len of ", arguments[0].type_name()));
}

Result<Value> do_index(Arguments arguments) {
  Value value = arguments[0];
  for (const Value& key : arguments.subspan(1)) {
    if (const auto* list = value.get_if<Value::Array>()) {
      const auto* index = key.get_if<std::int64_t>();
      if (index == nullptr) return wrong("index", "a list is indexed by a number");
      if (*index < 0 || static_cast<std::uint64_t>(*index) >= list->size()) {
        return wrong("index", cat("index out of range: ", *index));
      }
      // Not in one step: the element dies with the list it is assigned over.
      Value element = (*list)[static_cast<std::size_t>(*index)];
      value = std::move(element);
    } else if (value.get_if<Value::Object>() != nullptr) {
      const auto* name = key.get_if<std::string>();
      if (name == nullptr) return wrong("index", "a map is indexed by a string");
      const Value* found = value.find(*name);
      Value element = found == nullptr ? Value("") : *found;
      value = std::move(element);
    } else if (value.is_null()) {
      return wrong("index", "index of nil");
    } else {
      return wrong("index", cat("can't index ", value.type_name()));
    }
  }
  return value;
}

Result<Value> do_slice(Arguments arguments) {
  std::size_t bounds[2] = {0, std::string::npos};
  for (std::size_t index = 1; index < arguments.size(); ++index) {
    const auto* number = arguments[index].get_if<std::int64_t>();
    if (number == nullptr || *number < 0 || index > 2) return wrong("slice", "bad bounds");
    bounds[index - 1] = static_cast<std::size_t>(*number);
  }
  const auto* text = arguments[0].get_if<std::string>();
  const auto* list = arguments[0].get_if<Value::Array>();
  if (text == nullptr && list == nullptr) return wrong("slice", "can't slice this");
  const std::size_t size = text != nullptr ? text->size() : list->size();
  if (bounds[1] == std::string::npos) bounds[1] = size;
  if (bounds[0] > bounds[1] || bounds[1] > size) return wrong("slice", "bounds out of range");
  if (text != nullptr) return Value(text->substr(bounds[0], bounds[1] - bounds[0]));
  Value part = Value::array();
  for (std::size_t at = bounds[0]; at < bounds[1]; ++at) part.push((*list)[at]);
  return part;
}

Result<Value> do_print(Arguments arguments) {
  std::string text;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    // As Go: a blank only between two that are no strings.
    const bool parted = index > 0 && arguments[index].get_if<std::string>() == nullptr &&
                        arguments[index - 1].get_if<std::string>() == nullptr;
    text.append(parted ? " " : "").append(print_as_go(arguments[index]));
  }
  return Value(std::move(text));
}

Result<Value> do_println(Arguments arguments) {
  std::string text;
  for (const Value& argument : arguments) {
    text.append(text.empty() ? "" : " ").append(print_as_go(argument));
  }
  return Value(text.append("\n"));
}

// %s %v %d %q %t %f %x with flags, width and precision.
Result<Value> do_printf(Arguments arguments) {
  const std::string format = text_of_argument(arguments[0]);
  std::size_t next = 1;
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out.push_back(format[at]);
      continue;
    }
    if (++at == format.size()) return Value(out.append("%!(NOVERB)"));
    if (format[at] == '%') {
      out.push_back('%');
      continue;
    }
    bool left = false;
    bool zero = false;
    for (; at < format.size() && (format[at] == '-' || format[at] == '0'); ++at) {
      (format[at] == '-' ? left : zero) = true;
    }
    std::size_t width = 0;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9' && width < 10'000; ++at) {
      width = width * 10 + static_cast<std::size_t>(format[at] - '0');
    }
    int precision = -1;
    if (at < format.size() && format[at] == '.') {
      precision = 0;
      for (++at; at < format.size() && format[at] >= '0' && format[at] <= '9' && precision < 1000;
           ++at) {
        precision = precision * 10 + (format[at] - '0');
      }
    }
    if (at == format.size()) return Value(out.append("%!(NOVERB)"));
    const char verb = format[at];
    if (next == arguments.size()) {
      out.append("%!").push_back(verb);
      out.append("(MISSING)");
      continue;
    }
    const Value& argument = arguments[next++];
    std::string piece = print_as_go(argument);
    if (verb == 'q') {
      piece = json::print(Value(piece));
    } else if (verb == 'f' || verb == 'F') {
      char digits[400];
      const auto* real = argument.get_if<double>();
      const auto* whole = argument.get_if<std::int64_t>();
      const double number = real != nullptr    ? *real
                            : whole != nullptr ? static_cast<double>(*whole)
                                               : 0;
      const int size =
          std::snprintf(digits, sizeof digits, "%.*f", precision < 0 ? 6 : precision, number);
      piece.assign(digits, std::min(static_cast<std::size_t>(size), sizeof digits - 1));
    } else if (verb == 'x') {
      const auto* whole = argument.get_if<std::int64_t>();
      piece = whole != nullptr ? hex(static_cast<std::uint64_t>(*whole)).substr(2) : to_hex(piece);
    } else if (std::string_view("svdt").find(verb) == std::string_view::npos) {
      piece = cat("%!", verb, "(", piece, ")");
    } else if (precision >= 0 && verb == 's') {
      piece.resize(std::min(piece.size(), static_cast<std::size_t>(precision)));
    }
    if (piece.size() < width) {
      const std::size_t gap = width - piece.size();
      left ? piece.append(gap, ' ') : piece.insert(0, gap, zero ? '0' : ' ');
    }
    out.append(piece);
    if (out.size() > kMaxResult) return wrong("printf", "the result is too long");
  }
  return Value(std::move(out));
}

Result<Value> do_pad(Arguments arguments) {
  const auto* before = arguments[1].get_if<std::int64_t>();
  const auto* after = arguments[2].get_if<std::int64_t>();
  if (before == nullptr || after == nullptr || *before < 0 || *after < 0 || *before > 10'000 ||
      *after > 10'000) {
    return wrong("pad", "bad widths");
  }
  const std::string text = text_of_argument(arguments[0]);
  if (text.empty()) return Value(text);
  return Value(std::string(static_cast<std::size_t>(*before), ' ') + text +
               std::string(static_cast<std::size_t>(*after), ' '));
}

Result<Value> do_truncate(Arguments arguments) {
  const auto* length = arguments[1].get_if<std::int64_t>();
  if (length == nullptr || *length < 0) return wrong("truncate", "bad length");
  return Value(text_of_argument(arguments[0]).substr(0, static_cast<std::size_t>(*length)));
}

Result<Value> do_not(Arguments arguments) { return Value(!is_true(arguments[0])); }

std::optional<double> number_of(const Value& value) {
  if (const auto* whole = value.get_if<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* large = value.get_if<std::uint64_t>()) return static_cast<double>(*large);
  if (const auto* real = value.get_if<double>()) return *real;
  return std::nullopt;
}

// -1, 0, 1; 2 for values that have no order.
Result<int> compare(std::string_view function, const Value& left, const Value& right) {
  if (left.get_if<std::int64_t>() != nullptr && right.get_if<std::int64_t>() != nullptr) {
    const std::int64_t first = *left.get_if<std::int64_t>();
    const std::int64_t second = *right.get_if<std::int64_t>();
    return first < second ? -1 : first > second ? 1 : 0;
  }
  const auto first = number_of(left);
  const auto second = number_of(right);
  if (first && second) return *first < *second ? -1 : *first > *second ? 1 : 0;
  const auto* first_text = left.get_if<std::string>();
  const auto* second_text = right.get_if<std::string>();
  if (first_text != nullptr && second_text != nullptr) {
    const int order = first_text->compare(*second_text);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (left.type_name() == right.type_name() || left.is_null() || right.is_null()) {
    return left == right ? 0 : 2;
  }
  return wrong(function, "incompatible types for comparison");
}

Result<Value> do_eq(Arguments arguments) {
  for (const Value& other : arguments.subspan(1)) {
    const int order = TRY(compare("eq", arguments[0], other));
    if (order == 0) return Value(true);
  }
  return Value(false);
}
template <typename Holds>
Result<Value> ordered(std::string_view name, Arguments arguments, Holds holds) {
  const int order = TRY(compare(name, arguments[0], arguments[1]));
  if (order == 2) return wrong(name, "these have no order");
  return Value(static_cast<bool>(holds(order)));
}
Result<Value> do_ne(Arguments arguments) {
  const int order = TRY(compare("ne", arguments[0], arguments[1]));
  return Value(order != 0);
}
Result<Value> do_lt(Arguments arguments) {
  return ordered("lt", arguments, [](int order) { return order < 0; });
}
Result<Value> do_le(Arguments arguments) {
  return ordered("le", arguments, [](int order) { return order <= 0; });
}
Result<Value> do_gt(Arguments arguments) {
  return ordered("gt", arguments, [](int order) { return order > 0; });
}
Result<Value> do_ge(Arguments arguments) {
  return ordered("ge", arguments, [](int order) { return order >= 0; });
}

struct Named {
  std::string_view name;
  Function function;  // none for what the runner does
  std::size_t least;
  std::size_t most;
};
constexpr std::size_t kAny = 1000;
constexpr Named kFunctions[] = {
    {"and", nullptr, 1, kAny},
    {"eq", do_eq, 2, kAny},
    {"ge", do_ge, 2, 2},
    {"gt", do_gt, 2, 2},
    {"index", do_index, 1, kAny},
    {"join", do_join, 2, 2},
    {"json", do_json, 1, 1},
    {"le", do_le, 2, 2},
    {"len", do_len, 1, 1},
    {"lower", do_lower, 1, 1},
    {"lt", do_lt, 2, 2},
    {"ne", do_ne, 2, 2},
    {"not", do_not, 1, 1},
    {"or", nullptr, 1, kAny},
    {"pad", do_pad, 3, 3},
    {"print", do_print, 0, kAny},
    {"printf", do_printf, 1, kAny},
    {"println", do_println, 0, kAny},
    {"slice", do_slice, 1, 3},
    {"split", do_split, 2, 2},
    {"title", do_title, 1, 1},
    {"truncate", do_truncate, 2, 2},
    {"upper", do_upper, 1, 1},
};

const Named* find_function(std::string_view name) {
  const auto* found = std::ranges::find(kFunctions, name, &Named::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace

bool is_template_function(std::string_view name) { return find_function(name) != nullptr; }

Result<Value> call_template_function(std::string_view name, Arguments arguments) {
  const Named* named = find_function(name);
  CHECK(named != nullptr && named->function != nullptr);
  if (arguments.size() < named->least || arguments.size() > named->most) {
    return fail(ErrorKind::invalid_argument, "wrong number of args for ", name, ": want ",
                named->least, " got ", arguments.size());
  }
  return named->function(arguments);
}

std::string print_as_go(const Value& value) {
  if (const auto* text = value.get_if<std::string>()) return *text;
  if (const auto* real = value.get_if<double>()) return print_real(*real);
  std::string out;
  if (const auto* list = value.get_if<Value::Array>()) {
    for (const Value& element : *list) {
      out.append(out.empty() ? "[" : " ").append(print_as_go(element));
    }
    return out.empty() ? "[]" : out.append("]");
  }
  if (const auto* members = value.get_if<Value::Object>()) {
    for (const json::Member* member : sorted(*members)) {
      out.append(out.empty() ? "map[" : " ").append(member->key).append(":");
      out.append(print_as_go(member->value));
    }
    return out.empty() ? "map[]" : out.append("]");
  }
  if (value.is_null()) return "<no value>";
  return json::print(value);
}

bool is_true(const Value& value) {
  if (const auto* boolean = value.get_if<bool>()) return *boolean;
  if (const auto* text = value.get_if<std::string>()) return !text->empty();
  if (const auto* list = value.get_if<Value::Array>()) return !list->empty();
  if (const auto* map = value.get_if<Value::Object>()) return !map->empty();
  if (const auto number = number_of(value)) return *number != 0;
  return false;
}

}  // namespace proa::client
