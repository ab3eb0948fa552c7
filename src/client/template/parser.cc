#include "client/template/parser.h"

#include <cstdlib>

#include "base/number.h"
#include "base/text.h"
#include "client/template/functions.h"
#include "client/template/lexer.h"

namespace proa::client {
namespace {

constexpr int kMaxDepth = 100;

// Thread: one.
class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  // What ended a list: {{end}}, {{else}} (then the tokens of its action follow), or the text's end.
  enum class Stop : unsigned char { end, otherwise, text_end };

  Result<Stop> parse_list(ast::List& list) {
    if (++depth_ > kMaxDepth) return fault("nested too deep");
    while (true) {
      const Token& token = take();
      if (token.kind == Token::Kind::end) {
        --depth_;
        return Stop::text_end;
      }
      if (token.kind == Token::Kind::text) {
        list.nodes.push_back({ast::Text{token.value}, token.offset});
        continue;
      }
      // An action: the lexer gives nothing else here.
      if (is_word("end") || is_word("else")) {
        const Stop stop = is_word("end") ? Stop::end : Stop::otherwise;
        take();
        if (stop == Stop::end) TRY(expect(Token::Kind::close, "'}}'"));
        --depth_;
        return stop;
      }
      ast::Node node = TRY(parse_action());
      list.nodes.push_back(std::move(node));
    }
  }

  Error fault(std::string_view message) const {
    return template_fault(text_, peek().offset, message);
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is(Token::Kind kind) const { return peek().kind == kind; }
  bool is_word(std::string_view word) const {
    return is(Token::Kind::identifier) && peek().value == word;
  }
  Result<void> expect(Token::Kind kind, std::string_view what) {
    if (!is(kind)) return fault(cat("expected ", what));
    take();
    return {};
  }

  Result<ast::Node> parse_action() {
    const std::size_t offset = peek().offset;
    for (const std::string_view word : {"define", "template", "block", "break", "continue"}) {
      if (is_word(word)) return fault(cat("'", word, "' is not supported here"));
    }
    using Kind = ast::Branch::Kind;
    constexpr std::pair<std::string_view, Kind> kBranches[] = {
        {"if", Kind::conditional}, {"range", Kind::range}, {"with", Kind::with}};
    for (const auto& [word, kind] : kBranches) {
      if (!is_word(word)) continue;
      take();
      ast::Branch branch = TRY(parse_branch(kind));
      return ast::Node{std::move(branch), offset};
    }
    ast::Action action;
    action.pipeline = TRY(parse_pipeline(1));
    TRY(expect(Token::Kind::close, "'}}'"));
    return ast::Node{std::move(action), offset};
  }

  Result<ast::Branch> parse_branch(ast::Branch::Kind kind) {
    if (++depth_ > kMaxDepth) return fault("nested too deep");
    ast::Branch branch{kind, {}, {}, {}};
    branch.pipeline = TRY(parse_pipeline(kind == ast::Branch::Kind::range ? 2 : 1));
    TRY(expect(Token::Kind::close, "'}}'"));
    const Stop stop = TRY(parse_list(branch.body));
    if (stop == Stop::text_end) return fault("unexpected end: {{end}} is missing");
    if (stop == Stop::otherwise) TRY(parse_otherwise(branch));
    --depth_;
    return branch;
  }

  Result<void> parse_otherwise(ast::Branch& branch) {
    if (is_word("if")) {
      // {{else if}} shares the {{end}} of the first.
      const std::size_t offset = take().offset;
      ast::Branch inner = TRY(parse_branch(ast::Branch::Kind::conditional));
      branch.otherwise.nodes.push_back({std::move(inner), offset});
      return {};
    }
    TRY(expect(Token::Kind::close, "'}}'"));
    const Stop stop = TRY(parse_list(branch.otherwise));
    if (stop != Stop::end) return fault("{{end}} is missing");
    return {};
  }

  // "$a, $b :=" in front of a pipeline, at most `most` names.
  Result<void> parse_variables(ast::Pipeline& pipeline, std::size_t most) {
    std::size_t ahead = at_;
    while (tokens_[ahead].kind == Token::Kind::variable &&
           tokens_[ahead + 1].kind == Token::Kind::comma) {
      ahead += 2;
    }
    const Token::Kind sign = tokens_[std::min(ahead + 1, tokens_.size() - 1)].kind;
    if (tokens_[ahead].kind != Token::Kind::variable ||
        (sign != Token::Kind::declare && sign != Token::Kind::assign)) {
      return {};
    }
    do {
      pipeline.variables.push_back(take().value);
    } while (take().kind == Token::Kind::comma);
    if (pipeline.variables.size() > most) return fault("too many variables");
    pipeline.declares = sign == Token::Kind::declare;
    return {};
  }

  Result<ast::Pipeline> parse_pipeline(std::size_t most_variables) {
    if (++depth_ > kMaxDepth) return fault("nested too deep");
    ast::Pipeline pipeline;
    TRY(parse_variables(pipeline, most_variables));
    while (true) {
      ast::Command command = TRY(parse_command(pipeline.commands.empty()));
      pipeline.commands.push_back(std::move(command));
      if (!is(Token::Kind::pipe)) break;
      take();
    }
    --depth_;
    return pipeline;
  }

  Result<ast::Command> parse_command(bool first) {
    ast::Command command;
    while (!is(Token::Kind::close) && !is(Token::Kind::pipe) && !is(Token::Kind::right)) {
      ast::Operand operand = TRY(parse_operand());
      command.operands.push_back(std::move(operand));
    }
    if (command.operands.empty()) return fault("missing value for command");
    const bool calls =
        std::holds_alternative<ast::Operand::Function>(command.operands.front().base);
    if (!calls && (command.operands.size() > 1 || !first)) {
      return fault("only a function takes arguments");
    }
    return command;
  }

  Result<ast::Operand> parse_operand() {
    ast::Operand operand;
    operand.offset = peek().offset;
    const Token token = take();
    switch (token.kind) {
      case Token::Kind::field:
        operand.base = ast::Operand::Dot{};
        if (!token.value.empty()) operand.fields.push_back(token.value);
        break;
      case Token::Kind::variable:
        operand.base = ast::Operand::Variable{token.value};
        break;
      case Token::Kind::string:
        operand.base = json::Value(token.value);
        break;
      case Token::Kind::number: {
        json::Value number = TRY(parse_literal(token));
        operand.base = std::move(number);
        break;
      }
      case Token::Kind::identifier: {
        TRY(parse_word(token, operand));
        break;
      }
      case Token::Kind::left: {
        ast::Pipeline inner = TRY(parse_pipeline(0));
        TRY(expect(Token::Kind::right, "')'"));
        operand.base = std::make_shared<ast::Pipeline>(std::move(inner));
        break;
      }
      default:
        return template_fault(text_, token.offset, cat("unexpected '", token.value, "'"));
    }
    while (is(Token::Kind::field) && !peek().spaced && !peek().value.empty()) {
      operand.fields.push_back(take().value);
    }
    return operand;
  }

  Result<void> parse_word(const Token& token, ast::Operand& operand) {
    if (token.value == "true" || token.value == "false") {
      operand.base = json::Value(token.value == "true");
    } else if (token.value == "nil") {
      operand.base = json::Value();
    } else if (is_template_function(token.value)) {
      operand.base = ast::Operand::Function{token.value};
    } else {
      return template_fault(text_, token.offset,
                            cat("function \"", printable(token.value), "\" not defined"));
    }
    return {};
  }

  Result<json::Value> parse_literal(const Token& token) const {
    if (const auto number = parse_number<std::int64_t>(token.value); number.ok()) {
      return json::Value(number.value());
    }
    char* end = nullptr;
    const double real = std::strtod(token.value.c_str(), &end);
    if (*end != '\0') {
      return template_fault(text_, token.offset, cat("bad number '", printable(token.value), "'"));
    }
    return json::Value(real);
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<ast::List> parse_template(std::string_view text) {
  std::vector<Token> tokens = TRY(lex_template(text));
  Parser parser(text, std::move(tokens));
  ast::List list;
  const Parser::Stop stop = TRY(parser.parse_list(list));
  if (stop != Parser::Stop::text_end) return parser.fault("unexpected {{end}} or {{else}}");
  return list;
}

}  // namespace proa::client
