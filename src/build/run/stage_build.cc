#include "build/run/stage_build.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "build/parse/ignore.h"
#include "build/plan/flags.h"
#include "build/run/owner.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

constexpr std::size_t kMaxTitle = 160;

// A layer that the cache speaks of may have been collected meanwhile.
bool is_usable(const image::Store& store, const std::string& value) {
  const auto layer = parse_step_layer(value);
  if (!layer.ok()) return false;
  if (!layer.value()) return true;
  const auto record = store.layer(layer.value()->diff_id);
  return record.ok() && record.value() && record.value()->made_from(layer.value()->diff_id);
}

}  // namespace

Result<StageResult> StageBuild::run() {
  TRY(begin());
  TRY(run_triggers());
  for (const Node& node : stage_.nodes) TRY(carry_out(node, inputs_.source));
  StageResult result;
  result.config = std::move(image_);
  result.config.run = std::move(config_.run);
  result.config.author = config_.author;
  result.arguments = std::move(config_.arguments);
  result.layers = std::move(layers_);
  return result;
}

Result<void> StageBuild::begin() {
  count_ = stage_.nodes.size() + 1;
  const Instruction from{stage_.from, inputs_.source, inputs_.escape};
  StageResult base;
  if (stage_.base_stage) {
    base = TRY(inputs_.stage_result(*stage_.base_stage));
  } else if (stage_.base != "scratch") {
    const int step = session_.next_step();
    session_.tell({EventKind::started, step, title(from)});
    Result<StageResult> found = inputs_.image_result(stage_.base);
    if (!found.ok()) {
      session_.tell({EventKind::failed, step, found.error().message()});
      return stage_.from.lines.first == 0
                 ? found.error()
                 : from.fault(found.error().message(), stage_.from.words[0]);
    }
    session_.tell({EventKind::cached, step, ""});
    base = found.take();
  } else {
    base.config.run.environment = {cat("PATH=", kDefaultPath)};
    base.config.run.working_directory = "/";
  }
  image_ = std::move(base.config);
  config_.run = std::move(image_.run);
  config_.author = image_.author;
  config_.arguments = std::move(base.arguments);
  layers_ = std::move(base.layers);
  image_.platform = oci::image::Platform::host();
  return {};
}

// What the base wants done in images made from it.
Result<void> StageBuild::run_triggers() {
  const std::vector<std::string> triggers = std::exchange(config_.run.on_build, {});
  for (const std::string& trigger : triggers) {
    const Source source = TRY(Source::create(cat("ONBUILD of ", stage_.base), trigger));
    const Dockerfile file = TRY(parse_dockerfile(source));
    for (const Node& node : file.nodes) {
      if (node.instruction == "from" || node.instruction == "onbuild") {
        return source.fault(node.lines, "this is not allowed as an ONBUILD trigger");
      }
      TRY(carry_out(node, source));
    }
  }
  return {};
}

std::string StageBuild::title(const Instruction& instruction) const {
  const Node& node = instruction.node;
  std::string text = node.original;
  for (char& letter : text) {
    if (letter == '\n' || letter == '\t') letter = ' ';
  }
  return cat("[", stage_.name.empty() && inputs_.total == "1" ? "" : cat(stage_.title(), " "),
             number_ + 1, "/", count_, "] ", printable(text, kMaxTitle));
}

Result<void> StageBuild::carry_out(const Node& node, const Source& source) {
  if (session_.stop().stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  ++number_;
  const Instruction instruction{node, source, inputs_.escape};
  Outcome outcome = TRY(dispatch(instruction));
  oci::image::HistoryEntry entry;
  entry.created = to_rfc3339(Moment(std::chrono::seconds(session_.now())));
  entry.created_by = std::move(outcome.text);
  entry.comment = "proa.dockerfile";
  entry.empty_layer = !outcome.has_layer;
  image_.history.push_back(std::move(entry));
  return {};
}

Result<StageBuild::Outcome> StageBuild::dispatch(const Instruction& instruction) {
  const std::string& name = instruction.node.instruction;
  if (is_config_instruction(name)) {
    std::string text = TRY(apply_config(instruction, config_));
    return Outcome{std::move(text), false};
  }
  if (name == "arg") return argument(instruction);
  if (name == "workdir") return working_directory(instruction);
  if (name == "copy" || name == "add") return copy(instruction);
  return run_command(instruction);
}

Result<StageBuild::Outcome> StageBuild::argument(const Instruction& instruction) {
  const Node& node = instruction.node;
  TRY(Flags(instruction.source, node).finish());
  if (node.words.empty()) return instruction.fault("ARG needs a name");
  const Variables platform = platform_arguments(session_.request());
  const auto& given = session_.request().arguments;
  std::string text = "ARG";
  for (const std::string& word : node.words) {
    const auto [raw_name, raw_value] = split_once(word, '=');
    const std::string name = TRY(instruction.expanded(raw_name, config_));
    session_.note_argument(name);
    if (name.empty()) return instruction.fault("a name may not be blank", word);
    const bool has_default = raw_name.size() != word.size();
    const auto global = inputs_.stages.global.find(name);
    const auto predefined = platform.find(name);
    text += cat(" ", name);
    if (const auto value = given.find(name); value != given.end()) {
      config_.arguments[name] = value->second;
    } else if (has_default) {
      config_.arguments[name] = TRY(instruction.expanded(raw_value, config_));
    } else if (global != inputs_.stages.global.end()) {
      config_.arguments[name] = global->second;
    } else if (predefined != platform.end()) {
      config_.arguments[name] = predefined->second;
    } else {
      continue;
    }
    text += cat("=", config_.arguments[name]);
  }
  return Outcome{std::move(text), false};
}

Result<bool> StageBuild::add_layer(
    const Instruction& instruction, const std::string& description,
    const std::function<Result<std::optional<Layer>>(int step)>& make) {
  const int step = session_.next_step();
  const Digest key = Digest::of(description);
  bool cached = false;
  Result<std::string> value = session_.once(
      key, !session_.request().no_cache,
      [&](const std::string& known) { return is_usable(session_.store(), known); },
      [&]() -> Result<std::string> {
        session_.tell({EventKind::started, step, title(instruction)});
        const std::optional<Layer> made = TRY(make(step));
        return print_step_layer(made);
      },
      cached);
  if (!value.ok()) {
    if (cached) session_.tell({EventKind::started, step, title(instruction)});
    session_.tell({EventKind::failed, step, value.error().message()});
    return std::move(value).error();
  }
  if (cached) session_.tell({EventKind::started, step, title(instruction)});
  session_.tell({cached ? EventKind::cached : EventKind::done, step, ""});
  const std::optional<Layer> layer = TRY(parse_step_layer(value.value()));
  if (!layer) return false;
  layers_.push_back(*layer);
  return true;
}

Result<StageBuild::Outcome> StageBuild::working_directory(const Instruction& instruction) {
  const std::string path = TRY(apply_working_directory(instruction, config_));
  const std::string user = config_.run.user;
  const std::string description = cat("workdir\n", chain_text(layers_), path, "\n", user);
  const auto make = [&](int) -> Result<std::optional<Layer>> {
    const mount::DetachedMount root = TRY(session_.mount_read_only(layers_));
    const Result<Fd> there = file::open_in_root(root.fd(), path, O_PATH | O_DIRECTORY);
    if (there.ok()) return std::optional<Layer>();
    std::optional<Owner> owner;
    if (!user.empty()) owner = TRY(find_owner(root.fd(), user));
    LayerTar tar = TRY(LayerTar::create(session_.store(), session_.staging()));
    TRY(write_directory(path, owner, session_.now(), root.fd(), tar));
    const Layer layer = TRY(tar.finish());
    return std::optional<Layer>(layer);
  };
  const bool has_layer = TRY(add_layer(instruction, description, make));
  return Outcome{cat("WORKDIR ", path), has_layer};
}

Result<StageBuild::From> StageBuild::source_of(const Instruction& instruction,
                                               const std::string& from) {
  if (from.empty()) {
    if (inputs_.context == nullptr) {
      return instruction.fault("this build has no context to copy from");
    }
    return From{"context", {}, true};
  }
  Result<StageResult> result = [&]() -> Result<StageResult> {
    const std::optional<int> stage = find_stage(inputs_.stages, from, stage_.index);
    if (stage) return inputs_.stage_result(*stage);
    if (from == "scratch") return StageResult();
    Result<StageResult> image = inputs_.image_result(from);
    if (image.ok()) return image;
    std::vector<std::string_view> names;
    for (const Stage& other : inputs_.stages.stages) {
      if (other.index < stage_.index && !other.name.empty()) names.push_back(other.name);
    }
    const std::string_view meant = nearest(to_lower(from), names);
    const std::string hint = meant.empty() ? "" : cat(" (did you mean the stage ", meant, "?)");
    return instruction.fault(cat(image.error().message(), hint), from);
  }();
  if (!result.ok()) return std::move(result).error();
  Layers layers = std::move(result.value().layers);
  std::string key = chain_text(layers);
  return From{std::move(key), std::move(layers), false};
}

}  // namespace proa::build
