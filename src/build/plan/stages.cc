#include "build/plan/stages.h"

#include <algorithm>
#include <array>

#include "base/number.h"
#include "base/text.h"
#include "build/plan/flags.h"
#include "build/plan/run_mounts.h"
#include "oci/image/platform.h"

namespace proa::build {
namespace {

bool is_stage_name(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
         std::string_view::npos;
}

class Splitter {
 public:
  Splitter(const Source& source, const Dockerfile& file, const Request& request)
      : source_(source), file_(file), request_(request), words_(platform_arguments(request)) {}

  Result<Stages> run() {
    for (const Node& node : file_.nodes) {
      if (node.instruction == "from") {
        TRY(begin(node));
      } else if (!stages_.stages.empty()) {
        stages_.stages.back().nodes.push_back(node);
      } else if (node.instruction == "arg") {
        TRY(define(node));
      } else {
        const std::vector<std::string_view>& names = instruction_names();
        if (std::ranges::find(names, node.instruction) == names.end()) {
          return unknown_instruction(source_, node);
        }
        return source_.fault(node.lines,
                             "no build stage yet: the first instruction is FROM or ARG");
      }
    }
    if (stages_.stages.empty()) return source_.fault({1, 1}, "there is no FROM in the file");
    return std::move(stages_);
  }

  static Error unknown_instruction(const Source& source, const Node& node);

 private:
  Result<std::string> expanded(const Node& node, std::string_view word) {
    Result<Expanded> made = expand(word, words_, {.escape = file_.escape});
    if (!made.ok()) return source_.fault(node.lines, made.error().message(), word);
    return std::move(made.value().text);
  }

  Result<void> define(const Node& node) {
    for (const std::string& word : node.words) {
      const auto [name, value] = split_once(word, '=');
      const std::string key(name);
      const auto given = request_.arguments.find(key);
      if (given != request_.arguments.end()) {
        stages_.global[key] = given->second;
      } else if (name.size() != word.size()) {
        stages_.global[key] = TRY(expanded(node, value));
      } else {
        continue;
      }
      words_[key] = stages_.global[key];
    }
    return {};
  }

  Result<void> begin(const Node& node) {
    Stage stage;
    stage.index = static_cast<int>(stages_.stages.size());
    stage.from = node;
    const std::vector<std::string>& words = node.words;
    const bool named = words.size() == 3 && to_lower(words[1]) == "as";
    if (words.size() != 1 && !named) {
      return source_.fault(node.lines, "FROM takes an image, or an image AS a name");
    }
    if (named) {
      stage.name = to_lower(words[2]);
      if (!is_stage_name(stage.name)) {
        return source_.fault(node.lines, cat("invalid name for a stage: '", stage.name, "'"),
                             words[2]);
      }
    }
    stage.base = TRY(expanded(node, words[0]));
    if (stage.base.empty()) {
      return source_.fault(node.lines, cat("base name (", words[0], ") should not be blank"),
                           words[0]);
    }
    Flags flags(source_, node);
    const std::optional<std::string> platform = TRY(flags.value("platform"));
    TRY(flags.finish());
    if (platform) {
      const std::string text = TRY(expanded(node, *platform));
      TRY(check_platform(node, text));
    }
    stage.base_stage = find_stage(stages_, stage.base, stage.index);
    stages_.stages.push_back(std::move(stage));
    return {};
  }

  Result<void> check_platform(const Node& node, const std::string& text) {
    const oci::image::Platform host = oci::image::Platform::host();
    const Result<oci::image::Platform> platform = oci::image::Platform::parse(text);
    if (!platform.ok()) return source_.fault(node.lines, platform.error().message(), "--platform");
    if (!platform.value().accepts(host) && !host.accepts(platform.value())) {
      return source_.fault(
          node.lines, cat("--platform=", text, " is not supported: this host is ", host.text()),
          "--platform");
    }
    return {};
  }

  const Source& source_;
  const Dockerfile& file_;
  const Request& request_;
  Variables words_;
  Stages stages_;
};

Error Splitter::unknown_instruction(const Source& source, const Node& node) {
  const std::string_view meant = nearest(node.instruction, instruction_names());
  std::string upper(meant);
  for (char& letter : upper) letter = static_cast<char>(letter - 'a' + 'A');
  const std::string hint = meant.empty() ? "" : cat(" (did you mean ", upper, "?)");
  const std::string word = node.original.substr(0, node.instruction.size());
  return source.fault(node.lines, cat("unknown instruction: ", printable(word, 40), hint), word);
}

// The stages whose files an instruction reads.
void add_sources(const Stages& stages, const Node& node, int before, std::set<int>& needed) {
  const Node& inner = node.children.empty() ? node : node.children.front();
  for (const std::string& flag : inner.flags) {
    std::string from;
    if (flag.starts_with("--from=")) from = flag.substr(7);
    if (flag.starts_with("--mount=")) from = mount_source(flag.substr(8));
    if (from.empty()) continue;
    if (const std::optional<int> stage = find_stage(stages, from, before)) needed.insert(*stage);
  }
}

}  // namespace

std::string Stage::title() const { return name.empty() ? cat("stage-", index) : name; }

Variables platform_arguments(const Request& request) {
  const oci::image::Platform host = oci::image::Platform::host();
  Variables variables;
  for (const char* side : {"BUILD", "TARGET"}) {
    variables[cat(side, "PLATFORM")] = host.text();
    variables[cat(side, "OS")] = host.os;
    variables[cat(side, "ARCH")] = host.architecture;
    variables[cat(side, "VARIANT")] = host.variant;
  }
  variables["TARGETSTAGE"] = request.target.empty() ? "default" : request.target;
  return variables;
}

bool is_proxy_argument(std::string_view name) {
  static constexpr std::array kNames = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                        "FTP_PROXY",  "ftp_proxy",  "NO_PROXY",    "no_proxy",
                                        "ALL_PROXY",  "all_proxy"};
  return std::ranges::find(kNames, name) != kNames.end();
}

Result<Stages> split_stages(const Source& source, const Dockerfile& file, const Request& request) {
  Stages stages = TRY(Splitter(source, file, request).run());
  const std::vector<std::string_view>& names = instruction_names();
  for (const Stage& stage : stages.stages) {
    for (const Node& node : stage.nodes) {
      if (std::ranges::find(names, node.instruction) == names.end()) {
        return Splitter::unknown_instruction(source, node);
      }
    }
  }
  return stages;
}

std::optional<int> find_stage(const Stages& stages, std::string_view text, int before) {
  const std::string name = to_lower(text);
  for (int index = before; index-- > 0;) {
    const Stage& stage = stages.stages[static_cast<std::size_t>(index)];
    if (!stage.name.empty() && stage.name == name) return index;
  }
  const Result<int> number = parse_number<int>(text);
  if (number.ok() && number.value() >= 0 && number.value() < before) return number.value();
  return std::nullopt;
}

Result<int> find_target(const Stages& stages, const std::string& target) {
  const int count = static_cast<int>(stages.stages.size());
  if (target.empty()) return count - 1;
  if (const std::optional<int> found = find_stage(stages, target, count)) return *found;
  std::vector<std::string_view> names;
  for (const Stage& stage : stages.stages) {
    if (!stage.name.empty()) names.push_back(stage.name);
  }
  const std::string_view meant = nearest(to_lower(target), names);
  return fail(ErrorKind::not_found, "no stage '", printable(target, 80), "' in the Dockerfile",
              meant.empty() ? "" : cat(" (did you mean ", meant, "?)"));
}

std::set<int> needed_stages(const Stages& stages, int target) {
  std::set<int> needed = {target};
  // Stages refer to earlier ones only.
  for (int index = target; index >= 0; --index) {
    if (!needed.contains(index)) continue;
    const Stage& stage = stages.stages[static_cast<std::size_t>(index)];
    if (stage.base_stage) needed.insert(*stage.base_stage);
    for (const Node& node : stage.nodes) add_sources(stages, node, index, needed);
  }
  return needed;
}

}  // namespace proa::build
