#include "compose/load/files.h"

#include <algorithm>
#include <map>
#include <memory>

#include "compose/document/env_file.h"
#include "compose/document/yaml.h"
#include "compose/load/canonical.h"
#include "compose/load/merge.h"
#include "compose/load/paths.h"
#include "kernel/file/file.h"

namespace proa::compose {
namespace {

constexpr std::size_t kMaxChain = 32;

// Keeps what is being done on the path while it is done.
class OnPath {
 public:
  OnPath(std::vector<std::string>& path, std::string step) : path_(path) {
    path_.push_back(std::move(step));
  }
  OnPath(const OnPath&) = delete;
  OnPath& operator=(const OnPath&) = delete;
  ~OnPath() { path_.pop_back(); }

 private:
  std::vector<std::string>& path_;
};

std::string text_at(const Node& mapping, std::string_view key) {
  const Node* value = mapping.find(key);
  return value != nullptr && value->is_scalar() ? value->text : std::string();
}

// Adds what an included project defines; of what both define the including file has the last word.
void adopt(Node& root, const Node& included) {
  for (const std::string_view kind : {"services", "networks", "volumes", "configs", "secrets"}) {
    const Node* theirs = included.find(kind);
    if (theirs == nullptr) continue;
    Node* ours = root.find(kind);
    if (ours == nullptr) ours = &root.set(kind, make_mapping(theirs->place));
    for (const auto& [name, definition] : theirs->entries) {
      Node whole = definition;
      // What came by two ways is the same, and said once.
      const Node* own = ours->find(name);
      if (own != nullptr && !same_meaning(*own, definition)) merge_service(whole, *own);
      ours->set(name, std::move(whole));
    }
  }
}

}  // namespace

Result<Node> FileReader::read_file(const std::string& file, const FileSet& set) {
  const std::string text =
      file == "-" ? set.standard_input : TRY(file::read_file(file, kMaxYamlBytes + 1));
  Node root = TRY(parse_yaml(text, file));
  if (!root.is_mapping() && !root.is_null()) return root.fault("a Compose file is a mapping");
  TRY(interpolate(root, set.variables, warn_));
  for (const std::string_view kind : {"services", "networks", "volumes", "configs", "secrets"}) {
    const Node* section = root.find(kind);
    if (section != nullptr && !section->is_mapping() && !section->is_null()) {
      return section->fault(kind, ": expected a mapping, got ", section->kind_name());
    }
  }
  TRY(make_canonical(root));
  return root;
}

Result<Node> FileReader::read(const FileSet& set) {
  Node merged;
  for (const std::string& file : set.files) {
    Node root = TRY(read_file(file, set));
    resolve_paths(root, set.directory, set.home);
    TRY(extend_all(root, file, set));
    TRY(include(root, set));
    if (merged.is_null()) {
      merged = std::move(root);
      drop_resets(merged);
    } else {
      merge(merged, root);
    }
  }
  return merged;
}

Result<void> FileReader::include(Node& root, const FileSet& set) {
  const Node* list = root.find("include");
  if (list == nullptr) return {};
  const Node includes = *list;  // `root` grows
  for (const Node& included : includes.elements) {
    const Node* paths = included.find("path");
    if (paths == nullptr || paths->elements.empty()) return included.fault("include needs a path");
    FileSet inner = set;
    inner.files.clear();
    for (const Node& path : paths->elements) {
      inner.files.push_back(absolute_path(path.text, set.directory, set.home));
    }
    const std::string directory = text_at(included, "project_directory");
    inner.directory = directory.empty() ? directory_of(inner.files.front())
                                        : absolute_path(directory, set.directory, set.home);
    std::vector<std::string> env_files;
    if (const Node* files = included.find("env_file")) {
      for (const Node& file : files->elements) {
        env_files.push_back(absolute_path(file.text, set.directory, set.home));
      }
    } else if (file::exists(inner.directory + "/.env")) {
      env_files.push_back(inner.directory + "/.env");
    }
    inner.variables = TRY(with_env_files(set.variables, env_files, warn_), included.place.text());
    const std::string step = cat("include ", inner.files.front());
    if (path_.size() > kMaxChain || std::ranges::find(path_, step) != path_.end()) {
      return included.fault("'", inner.files.front(), "' includes itself");
    }
    const OnPath on_path(path_, step);
    const Node tree = TRY(read(inner), included.place.text());
    adopt(root, tree);
  }
  root.erase("include");
  return {};
}

Result<void> FileReader::extend_all(Node& root, const std::string& file, const FileSet& set) {
  Node* services = root.find("services");
  if (services == nullptr) return {};
  for (std::size_t at = 0; at < services->entries.size(); ++at) {
    const std::string name = services->entries[at].first;
    TRY(extend(*services, name, file, set));
  }
  return {};
}

Result<void> FileReader::extend(Node& services, const std::string& name, const std::string& file,
                                const FileSet& set) {
  Node* service = services.find(name);
  const Node* extends = service->find("extends");
  if (extends == nullptr) return {};
  const std::string step = cat("extends ", file, " ", name);
  if (path_.size() > kMaxChain || std::ranges::find(path_, step) != path_.end()) {
    return extends->fault("service '", name, "' extends itself");
  }
  const OnPath on_path(path_, step);
  Node base = TRY(base_of(*extends, services, file, set));
  base.erase("extends");
  drop_tags(base);
  Node over = *services.find(name);
  over.erase("extends");
  merge_service(base, over);
  services.set(name, std::move(base));
  return {};
}

Result<Node> FileReader::base_of(const Node& extends, const Node& services, const std::string& file,
                                 const FileSet& set) {
  const std::string name = text_at(extends, "service");
  const std::string other = text_at(extends, "file");
  if (name.empty()) return extends.fault("extends needs a service");
  Node there = services;
  std::string path = file;
  FileSet inner = set;
  if (!other.empty()) {
    path = absolute_path(other, set.directory, set.home);
    inner.directory = directory_of(path);
    Node root = TRY(read_file(path, inner), extends.place.text());
    resolve_paths(root, inner.directory, inner.home);
    const Node* section = root.find("services");
    there = section == nullptr ? make_mapping(root.place) : *section;
  }
  if (there.find(name) == nullptr) {
    return extends.fault("extends: there is no service '", name, "' in ", path);
  }
  TRY(extend(there, name, path, inner));
  return *there.find(name);
}

Result<Lookup> with_env_files(Lookup lookup, const std::vector<std::string>& files,
                              const Warn& warn) {
  if (files.empty()) return lookup;
  const auto found = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  // Shared by the copies of the lookup that is made here.
  const Lookup both = [lookup, found](std::string_view name) -> std::optional<std::string> {
    if (std::optional<std::string> value = lookup(name)) return value;
    const auto entry = found->find(name);
    if (entry == found->end()) return std::nullopt;
    return entry->second;
  };
  for (const std::string& file : files) {
    const std::string text = TRY(file::read_file(file, kMaxYamlBytes));
    Variables variables = TRY(parse_env_file(text, file, both, warn));
    for (auto& [name, value] : variables) found->insert_or_assign(name, std::move(value));
  }
  return both;
}

}  // namespace proa::compose
