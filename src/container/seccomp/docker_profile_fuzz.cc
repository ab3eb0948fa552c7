#include "container/seccomp/docker_profile.h"

#include <cstdint>

// What parses must resolve, to rules that all come from the profile.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const auto value = json::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!value.ok()) return 0;
  const auto profile =
      container::seccomp::parse_docker_profile(json::Reader(value.value(), "input"));
  if (!profile.ok()) return 0;
  const auto resolved =
      resolve(profile.value(),
              {.capabilities = {"CAP_SYS_ADMIN"}, .architecture = "amd64", .kernel = {6, 1}});
  CHECK(resolved.rules.size() <= profile.value().rules.size());
  return 0;
}
