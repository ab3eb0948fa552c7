// completion and __complete: what a shell asks when the user presses the tabulator.
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/help.h"
#include "apps/cli/system/commands.h"
#include "base/text.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

// One candidate a line; ":file" asks the shell for file names.
class Candidates {
 public:
  explicit Candidates(std::string_view typed) : typed_(typed) {}
  void add(std::string_view candidate) {
    if (candidate.starts_with(typed_)) all_.emplace_back(candidate);
  }
  void add_files() { files_ = true; }
  std::string print() {
    std::ranges::sort(all_);
    all_.erase(std::unique(all_.begin(), all_.end()), all_.end());
    std::string out;
    for (const std::string& candidate : all_) out.append(candidate).append("\n");
    return files_ ? out.append(":file\n") : out;
  }

 private:
  std::string typed_;
  std::vector<std::string> all_;
  bool files_ = false;
};

void add_list(Call& call, Candidates& candidates, const std::string& path, std::string_view list,
              std::string_view member) {
  // Where the engine cannot be asked there is nothing to offer.
  auto client = call.another();
  if (!client.ok()) return;
  const auto answer = client.value().call_json(Request("GET", path));
  if (!answer.ok()) return;
  const Value& value = list.empty() ? answer.value() : member_at(answer.value(), list);
  const auto* entries = value.get_if<Value::Array>();
  if (entries == nullptr) return;
  for (const Value& entry : *entries) {
    for (const Value& name : list_at(entry, member)) {
      const auto* text = name.get_if<std::string>();
      if (text != nullptr) candidates.add(text->starts_with('/') ? text->substr(1) : *text);
    }
    if (const std::string name = text_at(entry, member); !name.empty()) candidates.add(name);
  }
}

void add_objects(Call& call, Candidates& candidates, std::string_view what) {
  if (what == "container") add_list(call, candidates, "/containers/json?all=1", "", "Names");
  if (what == "running") add_list(call, candidates, "/containers/json", "", "Names");
  if (what == "image") add_list(call, candidates, "/images/json", "", "RepoTags");
  if (what == "volume") add_list(call, candidates, "/volumes", "Volumes", "Name");
  if (what == "network") add_list(call, candidates, "/networks", "", "Name");
  if (what == "file") candidates.add_files();
  if (what == "runtime") {
    candidates.add("container");
    candidates.add("vm");
  }
}

const Flag* flag_of(std::span<const Flag> table, std::string_view word) {
  for (const Flag& flag : table) {
    if (word == cat("--", flag.name) ||
        (flag.letter != '\0' && word == std::string{'-', flag.letter})) {
      return &flag;
    }
  }
  return nullptr;
}

bool takes_value(const Flag& flag) { return flag.kind != Flag::Kind::boolean; }

// The words behind the command, the last of them being typed.
void complete_command(Call& call, Candidates& candidates, const Command& command,
                      std::span<const std::string> words) {
  const std::vector<Flag> table = flags_of(command);
  const std::string& typed = words.back();
  std::size_t arguments = 0;
  const Flag* pending = nullptr;
  for (const std::string& word : words.first(words.size() - 1)) {
    const Flag* flag = pending == nullptr ? flag_of(table, word) : nullptr;
    if (pending == nullptr && flag == nullptr && !word.starts_with('-')) ++arguments;
    pending = flag != nullptr && takes_value(*flag) ? flag : nullptr;
  }
  if (pending != nullptr) return add_objects(call, candidates, pending->completes);
  const bool plain = command.interspersed == client::Interspersed::no && arguments > 0;
  if (typed.starts_with('-') && !plain) {
    for (const Flag& flag : table) candidates.add(cat("--", flag.name));
    return;
  }
  if (plain) return candidates.add_files();
  if (static_cast<int>(arguments) < command.most) add_objects(call, candidates, command.completes);
}

void add_names(Candidates& candidates, const Group& group) {
  for (const Entry& entry : group.entries) {
    if (entry.shown) candidates.add(entry.name);
  }
}

// `__complete WORD...`: the words behind "proa" up to the cursor.
Result<int> do_complete(Call& call) {
  const std::vector<std::string>& words = call.arguments();
  if (words.empty()) return 0;
  Candidates candidates(words.back());
  const Group* group = find_group("");
  std::size_t at = 0;
  if (words.size() > 1 && !words[0].empty() && find_group(words[0]) != nullptr) {
    group = find_group(words[0]);
    at = 1;
  }
  if (words.size() == at + 1) {
    add_names(candidates, *group);
    if (at == 0) {
      for (const Group& other : all_groups()) {
        if (!other.name.empty()) candidates.add(other.name);
      }
    }
  } else if (const Command* command = find_command(*group, words[at])) {
    complete_command(call, candidates, *command, std::span(words).subspan(at + 1));
  }
  TRY(print(candidates.print()));
  return 0;
}

constexpr std::string_view kBash = R"(# bash completion for proa: asks proa itself.
_proa() {
  local current=${COMP_WORDS[COMP_CWORD]} line files=
  # ":" parts words for bash, not for proa: the line up to the cursor is split at blanks alone.
  local -a words
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && words+=("")
  current=${words[-1]}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :file ]]; then files=1; else COMPREPLY+=("$line"); fi
  done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
  fi
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local prefix=${current%"${current##*:}"} index
    for index in "${!COMPREPLY[@]}"; do COMPREPLY[index]=${COMPREPLY[index]#"$prefix"}; done
  fi
}
complete -F _proa proa
)";

Result<int> do_completion(Call& call) {
  if (call.argument(0) != "bash") {
    return fail(ErrorKind::unsupported, "there is completion for bash only");
  }
  TRY(print(kBash));
  return 0;
}

}  // namespace

const Command kCompletion = {.name = "completion",
                             .arguments = "bash",
                             .brief = "Print the completion script of a shell",
                             .least = 1,
                             .most = 1,
                             .flags = {},
                             .run = do_completion,
                             .more = "For this shell:\n  source <(proa completion bash)\n"};
const Command kComplete = {.name = "__complete",
                           .arguments = "WORD...",
                           .brief = "Answer a shell's completion",
                           .flags = {},
                           .run = do_complete,
                           .interspersed = client::Interspersed::no};

}  // namespace proa::cli
