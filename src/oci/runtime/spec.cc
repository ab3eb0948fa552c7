#include "oci/runtime/spec.h"

#include <algorithm>
#include <string_view>

#include "base/number.h"
#include "oci/runtime/fields.h"
#include "oci/runtime/spec_reading.h"

namespace proa::oci::runtime {
namespace {

// Versions are "MAJOR.MINOR.PATCH" with an optional "-pre" or "+build"; any 1.x will do, for minor
// versions only add what older readers may ignore.
Result<void> check_version(const json::Reader& place, std::string_view version) {
  const std::string_view core = version.substr(0, version.find_first_of("-+"));
  const std::vector<std::string_view> parts = split(core, '.');
  const bool numbers = parts.size() == 3 && std::ranges::all_of(parts, [](std::string_view part) {
                         return parse_number<std::uint32_t>(part).ok();
                       });
  if (!numbers) return place.fault("'", printable(version, 32), "' is not a version");
  if (parts[0] != "1") {
    return fail(ErrorKind::unsupported, place.path(), ": version ", version,
                " of the specification; known are 1.0 to ", kRuntimeSpecVersion);
  }
  return {};
}

// Texts go to the kernel as C strings: a NUL in one would make it something else than was checked.
Result<void> refuse_nul(const json::Value& value, std::string_view name) {
  if (const auto* text = value.get_if<std::string>()) {
    if (text->find('\0') != std::string::npos) {
      return fail(ErrorKind::invalid_argument, name, ": a string holds a NUL character");
    }
  } else if (const auto* elements = value.get_if<json::Value::Array>()) {
    for (const json::Value& element : *elements) TRY(refuse_nul(element, name));
  } else if (const auto* members = value.get_if<json::Value::Object>()) {
    for (const json::Member& member : *members) {
      TRY(refuse_nul(json::Value(member.key), name));
      TRY(refuse_nul(member.value, name));
    }
  }
  return {};
}

Result<Root> read_root(const json::Reader& object) {
  Root root;
  TRY(take_required(object, "path", root.path));
  TRY(take(object, "readonly", root.readonly));
  if (root.path.empty()) return object.fault("path: is empty");
  return root;
}

}  // namespace

std::string_view name(NamespaceType type) {
  switch (type) {
    case NamespaceType::mount:
      return "mount";
    case NamespaceType::pid:
      return "pid";
    case NamespaceType::network:
      return "network";
    case NamespaceType::ipc:
      return "ipc";
    case NamespaceType::uts:
      return "uts";
    case NamespaceType::user:
      return "user";
    case NamespaceType::cgroup:
      return "cgroup";
    case NamespaceType::time:
      return "time";
  }
  return "?";
}

const Namespace* Linux::find(NamespaceType type) const {
  const auto found = std::ranges::find(namespaces, type, &Namespace::type);
  return found == namespaces.end() ? nullptr : &*found;
}

Result<void> refuse_unsupported(const json::Reader& object,
                                std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (const auto member = object.find(key)) {
      return fail(ErrorKind::unsupported, member->path(), ": is not supported");
    }
  }
  return {};
}

Result<Spec> read_spec(const json::Reader& document) {
  TRY(check_object(document));
  Spec spec;
  TRY(take_required(document, "ociVersion", spec.oci_version));
  const json::Reader version = TRY(document.at("ociVersion"));
  TRY(check_version(version, spec.oci_version));

  const std::optional<json::Reader> root = TRY(find_object(document, "root"));
  if (root) spec.root = TRY(read_root(*root));
  TRY(take_list(document, "mounts", spec.mounts, read_mount));
  const std::optional<json::Reader> process = TRY(find_object(document, "process"));
  if (process) spec.process = TRY(read_process(*process));
  TRY(take(document, "hostname", spec.hostname));
  TRY(take(document, "domainname", spec.domainname));
  const std::optional<json::Reader> hooks = TRY(find_object(document, "hooks"));
  if (hooks) spec.hooks = TRY(read_hooks(*hooks));
  if (const auto annotations = document.find("annotations")) {
    const auto pairs = TRY(annotations->string_map());
    spec.annotations = {pairs.begin(), pairs.end()};
    if (spec.annotations.contains("")) return annotations->fault("a key is empty");
  }
  const std::optional<json::Reader> part = TRY(find_object(document, "linux"));
  if (part) spec.linux_part = TRY(read_linux(*part));
  return spec;
}

Result<Spec> parse_spec(std::string_view text, std::string_view name) {
  const json::Value document = TRY(json::parse(text, name));
  // A NUL can only be written as this escape: the walk is saved where the text has none.
  if (text.find("\\u0000") != std::string_view::npos) TRY(refuse_nul(document, name));
  return read_spec(json::Reader(document, name));
}

}  // namespace proa::oci::runtime
