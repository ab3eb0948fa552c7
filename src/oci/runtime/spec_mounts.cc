#include "oci/runtime/fields.h"
#include "oci/runtime/spec_reading.h"

namespace proa::oci::runtime {
namespace {

Result<Hook> read_hook(const json::Reader& object) {
  TRY(check_object(object));
  Hook hook;
  TRY(take_required(object, "path", hook.path));
  if (!hook.path.starts_with('/')) {
    return object.fault("path: '", printable(hook.path), "' is not absolute");
  }
  TRY(take(object, "args", hook.args));
  TRY(take(object, "env", hook.env));
  TRY(take(object, "timeout", hook.timeout));
  if (hook.timeout == 0u) return object.fault("timeout: is 0");
  return hook;
}

}  // namespace

Result<Mount> read_mount(const json::Reader& object) {
  TRY(check_object(object));
  Mount mount;
  TRY(take_required(object, "destination", mount.destination));
  if (mount.destination.empty()) return object.fault("destination: is empty");
  // Deprecated, but the specification still has it read as relative to the root.
  if (!mount.destination.starts_with('/')) mount.destination.insert(0, 1, '/');
  TRY(take(object, "type", mount.type));
  TRY(take(object, "source", mount.source));
  TRY(take(object, "options", mount.options));
  mount.uid_mappings = TRY(read_id_mappings(object, "uidMappings"));
  mount.gid_mappings = TRY(read_id_mappings(object, "gidMappings"));
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
    return object.fault("uidMappings: needs gidMappings too");
  }
  return mount;
}

Result<Hooks> read_hooks(const json::Reader& object) {
  Hooks hooks;
  TRY(take_list(object, "prestart", hooks.prestart, read_hook));
  TRY(take_list(object, "createRuntime", hooks.create_runtime, read_hook));
  TRY(take_list(object, "createContainer", hooks.create_container, read_hook));
  TRY(take_list(object, "startContainer", hooks.start_container, read_hook));
  TRY(take_list(object, "poststart", hooks.poststart, read_hook));
  TRY(take_list(object, "poststop", hooks.poststop, read_hook));
  return hooks;
}

}  // namespace proa::oci::runtime
