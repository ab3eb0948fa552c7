#include "client/template/template.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "client/template/ast.h"
#include "client/template/functions.h"
#include "client/template/parser.h"

namespace proa::client {
namespace {

using json::Value;

constexpr std::size_t kMaxOutput = std::size_t{64} << 20;

// Walks a tree with data. Values live in the data or in `made_`.
// Thread: one.
class Runner {
 public:
  explicit Runner(const Value& data) : dot_(&data) { variables_.emplace_back("", data); }

  Result<std::string> run(const ast::List& root) {
    TRY(run_list(root));
    return std::move(out_);
  }

 private:
  Result<void> run_list(const ast::List& list) {
    const std::size_t scope = variables_.size();
    for (const ast::Node& node : list.nodes) {
      if (const auto* text = std::get_if<ast::Text>(&node.what)) {
        TRY(write(text->text));
      } else if (const auto* action = std::get_if<ast::Action>(&node.what)) {
        TRY(run_action(*action));
      } else {
        TRY(run_branch(std::get<ast::Branch>(node.what)));
      }
    }
    variables_.resize(scope);
    return {};
  }

  Result<void> write(std::string_view text) {
    if (out_.size() + text.size() > kMaxOutput) {
      return fail(ErrorKind::exhausted, "the template's result is too long");
    }
    out_.append(text);
    return {};
  }

  Result<void> run_action(const ast::Action& action) {
    const Value value = TRY(evaluate(action.pipeline));
    if (action.pipeline.variables.empty()) return write(print_as_go(value));
    return set_variable(action.pipeline, 0, value);
  }

  Result<void> set_variable(const ast::Pipeline& pipeline, std::size_t index, Value value) {
    const std::string& name = pipeline.variables[index];
    if (pipeline.declares) {
      variables_.emplace_back(name, std::move(value));
      return {};
    }
    Value* variable = find_variable(name);
    if (variable == nullptr) return undefined(name);
    *variable = std::move(value);
    return {};
  }

  Value* find_variable(std::string_view name) {
    const auto found = std::ranges::find(variables_.rbegin(), variables_.rend(), name,
                                         &std::pair<std::string, Value>::first);
    return found == variables_.rend() ? nullptr : &found->second;
  }
  static Error undefined(std::string_view name) {
    return fail(ErrorKind::invalid_argument, "template: undefined variable \"$", name, "\"");
  }

  Result<void> run_branch(const ast::Branch& branch) {
    const std::size_t scope = variables_.size();
    // What may be missing is asked for in conditions: that it is not there is an answer.
    asking_ = true;
    Result<Value> asked = evaluate(branch.pipeline);
    asking_ = false;
    const Value value = TRY(std::move(asked));
    if (branch.kind == ast::Branch::Kind::range) {
      TRY(run_range(branch, value));
    } else {
      if (!branch.pipeline.variables.empty()) TRY(set_variable(branch.pipeline, 0, value));
      const Value* before = dot_;
      if (branch.kind == ast::Branch::Kind::with && is_true(value)) dot_ = &value;
      TRY(run_list(is_true(value) ? branch.body : branch.otherwise));
      dot_ = before;
    }
    variables_.resize(scope);
    return {};
  }

  Result<void> run_range(const ast::Branch& branch, const Value& value) {
    std::vector<std::pair<Value, const Value*>> entries;
    if (const auto* list = value.get_if<Value::Array>()) {
      for (const Value& element : *list) entries.emplace_back(Value(entries.size()), &element);
    } else if (const auto* members = value.get_if<Value::Object>()) {
      for (const json::Member& member : *members) entries.emplace_back(member.key, &member.value);
      std::ranges::sort(entries, {}, [](const auto& entry) {
        return *entry.first.template get_if<std::string>();
      });
    } else if (!value.is_null()) {
      return fail(ErrorKind::invalid_argument, "template: range can't iterate over ",
                  printable(print_as_go(value)));
    }
    const Value* before = dot_;
    const std::size_t names = branch.pipeline.variables.size();
    for (const auto& [key, element] : entries) {
      const std::size_t scope = variables_.size();
      if (names == 2) TRY(set_variable(branch.pipeline, 0, key));
      if (names > 0) TRY(set_variable(branch.pipeline, names - 1, *element));
      dot_ = element;
      TRY(run_list(branch.body));
      variables_.resize(scope);
    }
    dot_ = before;
    if (entries.empty()) TRY(run_list(branch.otherwise));
    return {};
  }

  Result<Value> evaluate(const ast::Pipeline& pipeline) {
    std::optional<Value> piped;
    for (const ast::Command& command : pipeline.commands) {
      Value value = TRY(evaluate(command, piped));
      piped = std::move(value);
    }
    return std::move(*piped);
  }

  Result<Value> evaluate(const ast::Command& command, const std::optional<Value>& piped) {
    const ast::Operand& first = command.operands.front();
    const auto* function = std::get_if<ast::Operand::Function>(&first.base);
    if (function == nullptr) return evaluate(first);
    std::vector<Value> arguments;
    const bool is_and = function->name == "and";
    const bool stops_early = is_and || function->name == "or";
    for (std::size_t index = 1; index < command.operands.size(); ++index) {
      Value argument = TRY(evaluate(command.operands[index]));
      if (stops_early && is_true(argument) != is_and) return argument;
      arguments.push_back(std::move(argument));
    }
    if (piped) arguments.push_back(*piped);
    if (!stops_early) {
      return fields_of(first, TRY(call_template_function(function->name, arguments),
                                  "template: executing at <", function->name, ">"));
    }
    if (arguments.empty()) {
      return fail(ErrorKind::invalid_argument, "template: ", function->name, " wants arguments");
    }
    return std::move(arguments.back());
  }

  Result<Value> evaluate(const ast::Operand& operand) {
    if (std::holds_alternative<ast::Operand::Dot>(operand.base)) return fields_of(operand, *dot_);
    if (const auto* literal = std::get_if<Value>(&operand.base)) return *literal;
    if (const auto* variable = std::get_if<ast::Operand::Variable>(&operand.base)) {
      const Value* value = find_variable(variable->name);
      if (value == nullptr) return undefined(variable->name);
      return fields_of(operand, *value);
    }
    if (const auto* function = std::get_if<ast::Operand::Function>(&operand.base)) {
      return fields_of(operand, TRY(call_template_function(function->name, {})));
    }
    return fields_of(operand,
                     TRY(evaluate(*std::get<std::shared_ptr<ast::Pipeline>>(operand.base))));
  }

  static const Value* find_field(const Value& value, std::string_view name) {
    if (const Value* exact = value.find(name)) return exact;
    const std::string lower = to_lower(name);
    const auto* members = value.get_if<Value::Object>();
    if (members == nullptr) return nullptr;
    for (const json::Member& member : *members) {
      if (member.key.size() == name.size() && to_lower(member.key) == lower) return &member.value;
    }
    return nullptr;
  }

  // Whether a member's keys are the user's, so that any of them may be missing.
  static bool is_users_map(std::string_view name) {
    constexpr std::string_view kMaps[] = {"Labels",   "Annotations", "Attributes", "Options",
                                          "Networks", "Ports",       "Sysctls",    "DriverOpts"};
    return std::ranges::find(kMaps, name) != std::end(kMaps);
  }

  Result<Value> fields_of(const ast::Operand& operand, const Value& start) const {
    const Value* value = &start;
    std::string path;
    std::string_view parent;
    for (const std::string& name : operand.fields) {
      path.append(".").append(name);
      const bool may_lack = asking_ || is_users_map(std::exchange(parent, name));
      if (value->is_null()) {
        if (asking_) return Value();
        return fail(ErrorKind::invalid_argument, "template: executing at <", path,
                    ">: nil data; no entry for key \"", name, "\"");
      }
      const Value* field = find_field(*value, name);
      if (field == nullptr && may_lack) return Value();
      if (field == nullptr) {
        return fail(ErrorKind::invalid_argument, "template: executing at <", path,
                    value->get_if<Value::Object>() != nullptr ? ">: map has no entry for key \""
                                                              : ">: can't evaluate field \"",
                    name, "\"");
      }
      value = field;
    }
    return *value;
  }

  const Value* dot_;
  bool asking_ = false;  // within the condition of a branch
  std::vector<std::pair<std::string, Value>> variables_;
  std::string out_;
};

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  auto root = std::make_shared<ast::List>();
  *root = TRY(parse_template(text));
  return Template(std::move(root));
}

Result<std::string> Template::execute(const Value& data) const { return Runner(data).run(*root_); }

std::string unescape_format(std::string_view format) {
  std::string text;
  for (std::size_t at = 0; at < format.size(); ++at) {
    const char next = at + 1 < format.size() ? format[at + 1] : '\0';
    if (format[at] == '\\' && (next == 't' || next == 'n')) {
      text.push_back(next == 't' ? '\t' : '\n');
      ++at;
    } else {
      text.push_back(format[at]);
    }
  }
  return text;
}

}  // namespace proa::client
