// The pieces that read_spec is made of, one for each part of config.json. Not for use elsewhere.
#pragma once

#include "oci/runtime/spec.h"

namespace proa::oci::runtime {

Result<std::vector<IdMapping>> read_id_mappings(const json::Reader& parent, std::string_view key);
Result<Mount> read_mount(const json::Reader& object);
Result<Scheduler> read_scheduler(const json::Reader& object);
Result<Hooks> read_hooks(const json::Reader& object);
Result<Linux> read_linux(const json::Reader& object);
// Resource limit by name, "RLIMIT_NOFILE".
std::optional<int> rlimit_number(std::string_view name);
std::string_view rlimit_name(int number);

// Refuses each of `keys` that is there, as something that Proa does not do.
Result<void> refuse_unsupported(const json::Reader& object,
                                std::initializer_list<std::string_view> keys);

}  // namespace proa::oci::runtime
