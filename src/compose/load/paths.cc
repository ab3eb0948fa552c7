#include "compose/load/paths.h"

#include <vector>

#include "base/text.h"

namespace proa::compose {
namespace {

class Resolver {
 public:
  Resolver(const std::string& directory, const std::string& home)
      : directory_(directory), home_(home) {}

  void root(Node& root) const {
    if (Node* services = root.find("services")) {
      for (auto& [name, service] : services->entries) this->service(service);
    }
    for (const std::string_view kind : {"configs", "secrets"}) {
      if (Node* definitions = root.find(kind)) {
        for (auto& [name, definition] : definitions->entries) path(definition.find("file"));
      }
    }
    if (Node* volumes = root.find("volumes")) {
      for (auto& [name, volume] : volumes->entries) this->volume(volume);
    }
  }

 private:
  void service(Node& service) const {
    if (Node* build = service.find("build")) {
      Node* context = build->find("context");
      if (context != nullptr && context->text.find("://") == std::string::npos) path(context);
    }
    if (Node* files = service.find("env_file")) {
      for (Node& file : files->elements) path(file.find("path"));
    }
    if (Node* files = service.find("label_file")) {
      for (Node& file : files->elements) path(&file);
    }
    if (Node* volumes = service.find("volumes")) {
      for (Node& volume : volumes->elements) {
        const Node* type = volume.find("type");
        if (type != nullptr && type->text == "bind") path(volume.find("source"));
      }
    }
  }

  // A volume of the kind that is a bind in truth.
  void volume(Node& volume) const {
    const Node* driver = volume.find("driver");
    Node* options = volume.find("driver_opts");
    if (options == nullptr || (driver != nullptr && driver->text != "local")) return;
    const Node* how = options->find("o");
    if (how != nullptr && how->text == "bind") path(options->find("device"));
  }

  void path(Node* node) const {
    if (node != nullptr && node->is_scalar() && !node->text.empty()) {
      node->text = absolute_path(node->text, directory_, home_);
    }
  }

  const std::string& directory_;
  const std::string& home_;
};

}  // namespace

std::string absolute_path(std::string_view path, const std::string& directory,
                          const std::string& home) {
  std::string whole(path);
  if (path == "~" || path.starts_with("~/")) {
    whole = cat(home, path.substr(1));
  } else if (!path.starts_with('/')) {
    whole = cat(directory, "/", path);
  }
  std::vector<std::string_view> kept;
  for (const std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else {
      kept.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : kept) out += cat("/", part);
  return out.empty() ? "/" : out;
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

void resolve_paths(Node& root, const std::string& directory, const std::string& home) {
  Resolver(directory, home).root(root);
}

}  // namespace proa::compose
