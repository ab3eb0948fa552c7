#include <algorithm>

#include "apps/oci/commands.h"
#include "base/number.h"
#include "base/text.h"

namespace proa::oci_app {
namespace {

const Option* find(const std::vector<Option>& options, std::string_view word) {
  const auto found = std::ranges::find_if(options, [&](const Option& option) {
    return word.starts_with("--") ? option.name == word.substr(2)
                                  : word.size() == 2 && option.letter == word[1];
  });
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

Result<void> take_options(Arguments& arguments, const std::vector<Option>& options) {
  std::size_t at = 0;
  while (at < arguments.size() && arguments[at].size() > 1 && arguments[at][0] == '-') {
    const std::string word = arguments[at++];
    if (word == "--") break;
    const std::size_t equals = word.find('=');
    const Option* option = find(options, std::string_view(word).substr(0, equals));
    if (option == nullptr) {
      return fail(ErrorKind::invalid_argument, "unknown option '", printable(word, 80), "'");
    }
    const bool has_value = equals != std::string::npos;
    if (option->on_switch) {
      const std::string value = has_value ? word.substr(equals + 1) : "true";
      if (value != "true" && value != "false") {
        return fail(ErrorKind::invalid_argument, "option '--", option->name, "' is a switch");
      }
      if (value == "true") option->on_switch();
      continue;
    }
    if (!has_value && at == arguments.size()) {
      return fail(ErrorKind::invalid_argument, "option '", word, "' needs a value");
    }
    const std::string value = has_value ? word.substr(equals + 1) : arguments[at++];
    TRY(option->on_value(value), "option '--", option->name, "'");
  }
  arguments.erase(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

Option value_option(std::string_view name, char letter, std::string& target) {
  return {name,
          letter,
          [&target](const std::string& value) -> Result<void> {
            target = value;
            return {};
          },
          {}};
}

Option number_option(std::string_view name, char letter, int& target) {
  return {name,
          letter,
          [&target](const std::string& value) -> Result<void> {
            target = TRY(parse_number<int>(value));
            if (target < 0) return fail(ErrorKind::invalid_argument, "'", value, "' is negative");
            return {};
          },
          {}};
}

Option switch_option(std::string_view name, char letter, bool& target) {
  return {name, letter, {}, [&target] { target = true; }};
}

Result<std::string> take_id(Arguments& arguments) {
  if (arguments.empty()) {
    return fail(ErrorKind::invalid_argument, "a container's id is missing");
  }
  std::string id = arguments.front();
  arguments.erase(arguments.begin());
  return id;
}

}  // namespace proa::oci_app
