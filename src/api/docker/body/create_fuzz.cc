// Bodies of create, update and exec-like requests, and filters: read or refused, never more. What
// was read prints, and its print is read again.
#include "api/docker/body/config_body.h"
#include "api/route/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(api::parse_filters(text).ok());
  static_cast<void>(api::parse_moment(text).ok());
  const auto document = json::parse(text, "body");
  if (!document.ok()) return 0;
  static_cast<void>(api::docker::read_update(document.value(), {}).ok());
  auto body = api::docker::read_create(document.value(), {});
  if (!body.ok()) return 0;
  engine::Workload workload;
  workload.id = std::string(64, 'a');
  workload.config = body.take().config;
  json::Value printed = api::docker::print_config(workload);
  printed.set("HostConfig", api::docker::print_host_config(workload));
  static_cast<void>(api::docker::read_create(printed, {}).ok());
  return 0;
}
