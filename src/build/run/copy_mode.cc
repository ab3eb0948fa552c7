#include "base/number.h"
#include "base/text.h"
#include "build/run/copy.h"

namespace proa::build {
namespace {

constexpr std::uint32_t kUser = 04700;
constexpr std::uint32_t kGroup = 02070;
constexpr std::uint32_t kOther = 01007;

Error refused(std::string_view text) {
  return fail(ErrorKind::invalid_argument, "'", printable(text, 40),
              "' is no mode: octal digits, or clauses such as u=rwX,go=rX");
}

}  // namespace

Result<ModeChange> ModeChange::parse(std::string_view text) {
  ModeChange change;
  const Result<std::uint32_t> number = parse_number<std::uint32_t>(text, 8);
  if (number.ok()) {
    if (number.value() > 07777) return refused(text);
    change.number_ = number.value();
    return change;
  }
  for (std::string_view part : split(text, ',')) {
    Clause clause;
    while (!part.empty() && std::string_view("ugoa").find(part.front()) != std::string_view::npos) {
      switch (part.front()) {
        case 'u':
          clause.who |= kUser;
          break;
        case 'g':
          clause.who |= kGroup;
          break;
        case 'o':
          clause.who |= kOther;
          break;
        default:
          clause.who |= kUser | kGroup | kOther;
      }
      part.remove_prefix(1);
    }
    if (clause.who == 0) clause.who = kUser | kGroup | kOther;
    if (part.empty() || std::string_view("+-=").find(part.front()) == std::string_view::npos) {
      return refused(text);
    }
    clause.sign = part.front();
    clause.letters = part.substr(1);
    if (clause.letters.find_first_not_of("rwxXst") != std::string::npos) return refused(text);
    change.clauses_.push_back(std::move(clause));
  }
  return change;
}

std::uint32_t ModeChange::apply(std::uint32_t mode, bool is_directory) const {
  if (number_) return *number_;
  for (const Clause& clause : clauses_) {
    std::uint32_t bits = 0;
    for (const char letter : clause.letters) {
      if (letter == 'r') bits |= 0444;
      if (letter == 'w') bits |= 0222;
      if (letter == 'x') bits |= 0111;
      if (letter == 'X' && (is_directory || (mode & 0111) != 0)) bits |= 0111;
      if (letter == 's') bits |= 06000;
      if (letter == 't') bits |= 01000;
    }
    bits &= clause.who;
    if (clause.sign == '+') mode |= bits;
    if (clause.sign == '-') mode &= ~bits;
    if (clause.sign == '=') mode = (mode & ~(clause.who & 0777)) | bits;
  }
  return mode;
}

}  // namespace proa::build
