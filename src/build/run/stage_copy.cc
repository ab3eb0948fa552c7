// COPY and ADD.
#include <algorithm>

#include "base/text.h"
#include "build/parse/ignore.h"
#include "build/plan/flags.h"
#include "build/run/archive.h"
#include "build/run/owner.h"
#include "build/run/remote.h"
#include "build/run/stage_build.h"
#include "kernel/file/file.h"

namespace proa::build {

struct StageBuild::CopyFlags {
  bool is_add = false;
  std::string from;
  std::string owner;
  std::optional<ModeChange> mode;
  std::string mode_text;
  bool link = false;
  bool parents = false;
  Unpack unpack;
  std::optional<Digest> checksum;
  std::vector<std::string> exclude_texts;
  IgnoreList excluded;
  std::vector<std::string> words;  // expanded, sources first
  std::string destination;
  bool is_directory = false;
};

namespace {

// "<<EOF", "3<<-EOF": the next of the instruction's documents.
bool names_document(std::string_view word) {
  const std::size_t digits = word.find_first_not_of("0123456789");
  return digits != std::string_view::npos && word.substr(digits).starts_with("<<");
}

Result<void> check_remote(const Instruction& instruction, bool is_add,
                          const std::vector<std::string>& words) {
  for (std::size_t at = 0; at + 1 < words.size(); ++at) {
    if (is_git(words[at])) return instruction.fault("ADD from git is not supported", words[at]);
    if (!is_add && is_url(words[at])) {
      return instruction.fault("COPY takes no URL as its source; ADD does", words[at]);
    }
  }
  return {};
}

}  // namespace

Result<StageBuild::CopyFlags> StageBuild::copy_flags(const Instruction& instruction) {
  const Node& node = instruction.node;
  Flags flags(instruction.source, node);
  CopyFlags out;
  out.is_add = node.instruction == "add";
  if (!out.is_add) out.from = TRY(flags.value("from")).value_or("");
  const std::string owner = TRY(flags.value("chown")).value_or("");
  out.owner = TRY(instruction.expanded(owner, config_));
  const std::string mode = TRY(flags.value("chmod")).value_or("");
  out.mode_text = TRY(instruction.expanded(mode, config_));
  if (!out.mode_text.empty()) {
    Result<ModeChange> change = ModeChange::parse(out.mode_text);
    if (!change.ok()) return instruction.fault(change.error().message(), mode);
    out.mode = change.take();
  }
  out.link = TRY(flags.on("link"));
  if (!out.is_add) out.parents = TRY(flags.on("parents"));
  if (out.is_add) {
    const bool asked = !flags.values("unpack").empty();
    out.unpack.fetched = TRY(flags.on("unpack"));
    out.unpack.local = !asked || out.unpack.fetched;
    if (TRY(flags.on("keep-git-dir")))
      return instruction.fault("ADD from git is not supported", "--");
    const std::string checksum = TRY(flags.value("checksum")).value_or("");
    const std::string digest = TRY(instruction.expanded(checksum, config_));
    if (!digest.empty()) {
      const Result<Digest> parsed = Digest::parse(digest);
      if (!parsed.ok()) return instruction.fault(parsed.error().message(), checksum);
      out.checksum = parsed.value();
    }
  }
  for (const std::string& text : flags.values("exclude")) {
    out.exclude_texts.push_back(TRY(instruction.expanded(text, config_)));
    const Result<void> added = out.excluded.add(out.exclude_texts.back());
    if (!added.ok()) return instruction.fault(added.error().message(), text);
  }
  TRY(flags.finish());
  for (const std::string& word : node.words) {
    out.words.push_back(TRY(instruction.expanded(word, config_)));
  }
  if (out.words.size() < 2) return instruction.fault("it needs a source and a destination");
  TRY(check_remote(instruction, out.is_add, out.words));
  const std::string last = std::move(out.words.back());
  out.words.pop_back();
  const bool only_urls = std::ranges::all_of(out.words, is_url);
  if (out.checksum && !only_urls) {
    return instruction.fault("--checksum is for what is fetched from a URL", "--checksum");
  }
  out.is_directory = last.ends_with('/') || last == "." || last.ends_with("/.") || out.parents;
  if (out.words.size() > 1 && !out.is_directory) {
    return instruction.fault("with several sources the destination is a directory and ends in /",
                             last);
  }
  out.destination = cat(
      "/", clean_path(last.starts_with('/') ? last : cat(config_.working_directory(), "/", last)));
  return out;
}

Result<void> StageBuild::check_copy(const Instruction& instruction) {
  TRY(copy_flags(instruction));
  return {};
}

Result<std::vector<CopySource>> StageBuild::sources_of(const Instruction& instruction,
                                                       const CopyFlags& flags, const From& from) {
  std::vector<CopySource> sources;
  std::optional<Tree> stage_tree;
  const auto tree = [&]() -> Result<const Tree*> {
    if (from.is_context) return inputs_.context;
    if (!stage_tree) {
      mount::DetachedMount root = TRY(session_.mount_read_only(from.layers));
      stage_tree.emplace(std::move(root).release(), nullptr, nullptr);
    }
    return &*stage_tree;
  };
  std::size_t document = 0;
  for (std::size_t at = 0; at < flags.words.size(); ++at) {
    const std::string& word = flags.words[at];
    const auto& documents = instruction.node.documents;
    if (names_document(instruction.node.words[at]) && document < documents.size()) {
      const HereDocument& text = documents[document++];
      std::string content = text.content;
      if (text.strips_tabs) content = without_tabs(content);
      if (text.expands) {
        Result<Expanded> made = expand(content, config_.words(),
                                       {.escape = instruction.escape, .quotes = Quotes::ordinary});
        if (!made.ok()) return instruction.fault(made.error().message());
        content = std::move(made.value().text);
      }
      sources.emplace_back(TextSource{text.name, std::move(content)});
      continue;
    }
    if (flags.is_add && is_url(word)) {
      Result<FileSource> fetched = fetch(session_, word, flags.checksum);
      if (!fetched.ok() && fetched.error().kind() == ErrorKind::cancelled) return fetched.error();
      if (!fetched.ok()) return instruction.fault(fetched.error().message(), word);
      sources.emplace_back(fetched.take());
      continue;
    }
    const Tree* where = TRY(tree());
    Result<std::vector<Selection>> selected = where->select(word, flags.excluded);
    if (!selected.ok()) return instruction.fault(selected.error().message(), word);
    for (Selection& selection : selected.value()) {
      TreeSource source;
      if (flags.parents) source.parents = parents_of(word, selection.path);
      source.keeps_owner = !from.is_context;
      source.selection = std::move(selection);
      sources.emplace_back(std::move(source));
    }
  }
  if (sources.size() > 1 && !flags.is_directory) {
    return instruction.fault("with several sources the destination is a directory and ends in /",
                             instruction.node.words.back());
  }
  return sources;
}

// The digest of what is copied. For another stage it is remembered by what the stage is made of:
// then nothing of it is read unless the layer has to be made.
Result<std::string> StageBuild::digest_of_sources(const Instruction& instruction,
                                                  const CopyFlags& flags, const From& from,
                                                  std::vector<CopySource>& sources) {
  const auto look = [&]() -> Result<std::string> {
    sources = TRY(sources_of(instruction, flags, from));
    return Digest::of(describe(sources)).hex();
  };
  if (flags.checksum) {
    // What it will be is known: nothing is fetched unless the layer has to be made.
    std::string known = flags.checksum->text();
    for (const std::string& word : flags.words) known += cat("\n", name_in_url(word));
    return Digest::of(known).hex();
  }
  if (from.is_context) return look();
  std::string text = cat("select\n", from.key, "\n");
  for (const std::string& word : flags.words) text += cat(word.size(), " ", word, "\n");
  for (const std::string& word : flags.exclude_texts)
    text += cat("-", word.size(), " ", word, "\n");
  for (const HereDocument& document : instruction.node.documents) text += document.content;
  text += flags.parents ? "parents" : "";
  bool cached = false;
  return session_.once(
      Digest::of(text), instruction.node.documents.empty(), [](const std::string&) { return true; },
      look, cached);
}

Result<Layer> StageBuild::write_copied(const Instruction& instruction, const CopyFlags& flags,
                                       std::vector<CopySource> sources) {
  const bool by_name =
      !flags.owner.empty() && flags.owner.find_first_not_of("0123456789:") != std::string::npos;
  std::optional<mount::DetachedMount> root;
  if ((!flags.link || by_name) && !layers_.empty()) {
    root = TRY(session_.mount_read_only(layers_));
  }
  CopyRequest request;
  request.destination = flags.destination;
  request.is_directory = flags.is_directory;
  request.mode = flags.mode;
  request.now = session_.now();
  request.latest = session_.request().source_date;
  if (!flags.owner.empty()) {
    if (!root && by_name) {
      return instruction.fault("--chown by name needs an image that knows the name", flags.owner);
    }
    const Result<Owner> owner = find_owner(root ? root->fd() : FdRef(-1), flags.owner);
    if (!owner.ok()) return instruction.fault(owner.error().message(), "--chown");
    request.owner = owner.value();
  }
  std::vector<mount::DetachedMount> archives;
  if (flags.is_add) TRY(unpack_archives(session_, flags.unpack, sources, archives));
  request.sources = std::move(sources);
  LayerTar tar = TRY(LayerTar::create(session_.store(), session_.staging()));
  const Result<void> written = write_copy(
      request, root && !flags.link ? std::optional<FdRef>(root->fd()) : std::nullopt, tar);
  if (!written.ok()) return instruction.fault(written.error().message());
  return tar.finish();
}

Result<StageBuild::Outcome> StageBuild::copy(const Instruction& instruction) {
  const CopyFlags flags = TRY(copy_flags(instruction));
  // Heredocs and URLs need no context.
  const auto is_elsewhere = [&](const std::string& word) {
    return names_document(word) || (flags.is_add && is_url(word));
  };
  const bool needs_source = !std::ranges::all_of(instruction.node.words.begin(),
                                                 instruction.node.words.end() - 1, is_elsewhere) ||
                            !flags.from.empty();
  From from;
  from.is_context = true;
  if (needs_source) from = TRY(source_of(instruction, flags.from));
  std::vector<CopySource> sources;
  const std::string digest = TRY(digest_of_sources(instruction, flags, from, sources));
  std::string description =
      cat(flags.is_add ? "add\n" : "copy\n", digest, "\n", flags.destination,
          flags.is_directory ? "/\n" : "\n", flags.owner, "\n", flags.mode_text,
          flags.unpack.local ? "\nunpack" : "\n", flags.unpack.fetched ? " fetched\n" : "\n");
  if (session_.request().source_date) description += cat("at ", *session_.request().source_date);
  description += flags.link ? "link\n" : cat("onto\n", chain_text(layers_));
  const auto make = [&](int) -> Result<std::optional<Layer>> {
    if (sources.empty()) sources = TRY(sources_of(instruction, flags, from));
    const Layer layer = TRY(write_copied(instruction, flags, std::move(sources)));
    return std::optional<Layer>(layer);
  };
  TRY(add_layer(instruction, description, make));
  return Outcome{printable(instruction.node.original, 4096), true};
}

}  // namespace proa::build
