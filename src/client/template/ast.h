// What a template is parsed into. Plain data; the parser makes it, the runner walks it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"

namespace proa::client::ast {

struct Pipeline;

// One value in a command: what it starts from, and the fields looked up in it.
struct Operand {
  struct Dot {};
  struct Variable {
    std::string name;  // "" is $, the data given to the template
  };
  struct Function {
    std::string name;
  };
  std::variant<Dot, Variable, Function, json::Value, std::shared_ptr<Pipeline>> base;
  std::vector<std::string> fields;
  std::size_t offset = 0;
};

struct Command {
  std::vector<Operand> operands;  // the first may be a function
};

struct Pipeline {
  std::vector<std::string> variables;  // set to the result; two only in range
  bool declares = true;
  std::vector<Command> commands;
};

struct Node;
struct List {
  std::vector<Node> nodes;
};

struct Text {
  std::string text;
};
struct Action {
  Pipeline pipeline;
};
// if, range, with
struct Branch {
  enum class Kind : unsigned char { conditional, range, with } kind;
  Pipeline pipeline;
  List body;
  List otherwise;
};

struct Node {
  std::variant<Text, Action, Branch> what;
  std::size_t offset = 0;
};

}  // namespace proa::client::ast
