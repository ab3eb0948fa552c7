// The engine as a whole: ping, version, info, disk use.
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "api/docker/containers/container_show.h"
#include "api/docker/images/image_show.h"
#include "api/docker/resources.h"
#include "api/docker/volumes/volume_show.h"
#include "api/services.h"
#include "base/time.h"
#include "image/store/collect.h"
#include "kernel/file/file.h"

namespace proa::api::docker {
namespace {

using json::Value;

constexpr const char* kVersion = "0.1.0";

struct utsname host_names() {
  struct utsname names = {};
  ::uname(&names);
  return names;
}

const char* architecture() {
#if defined(__x86_64__)
  return "amd64";
#else
  return "arm64";
#endif
}

Result<void> ping(Services&, Request& request) {
  http::Headers headers = request.headers("text/plain; charset=utf-8");
  headers.add("Builder-Version", "1");
  headers.add("Swarm", "inactive");
  headers.add("Cache-Control", "no-cache, no-store, must-revalidate");
  headers.add("Pragma", "no-cache");
  const bool bare = request.head().method == "HEAD";
  return request.connection().respond(200, headers, bare ? "" : "OK");
}

Result<void> version(Services&, Request& request) {
  const struct utsname names = host_names();
  Value details = Value::object();
  details.set("ApiVersion", "1.44");
  details.set("MinAPIVersion", "1.24");
  details.set("Os", "linux");
  details.set("Arch", architecture());
  details.set("KernelVersion", names.release);
  details.set("GitCommit", "");
  details.set("GoVersion", "");
  details.set("BuildTime", "");
  details.set("Experimental", "false");
  Value component = Value::object();
  component.set("Name", "Engine");
  component.set("Version", kVersion);
  component.set("Details", details);
  Value platform = Value::object();
  platform.set("Name", "Proa");
  Value answer = Value::object();
  answer.set("Platform", std::move(platform));
  answer.set("Components", Value(Value::Array{std::move(component)}));
  answer.set("Version", kVersion);
  for (const json::Member& member : *details.get_if<Value::Object>()) {
    if (member.key != "Experimental") answer.set(member.key, member.value);
  }
  return request.reply(200, answer);
}

std::string system_name() {
  const Result<std::string> text = file::read_file("/etc/os-release", 65536);
  if (!text.ok()) return "Linux";
  for (const std::string_view line : split(text.value(), '\n')) {
    const auto [key, value] = split_once(line, '=');
    if (key != "PRETTY_NAME") continue;
    const bool quoted = value.size() >= 2 && value.front() == '"';
    return std::string(quoted ? value.substr(1, value.size() - 2) : value);
  }
  return "Linux";
}

Value driver_status(Services& services) {
  const auto pair = [](const char* key, std::string value) {
    return Value(std::vector<std::string>{key, std::move(value)});
  };
  return Value(Value::Array{pair("Layers", "one EROFS file each"),
                            pair("Images", services.images.store().path())});
}

Value runtimes() {
  Value all = Value::object();
  for (const char* name : {"container", "vm", "runc"}) {
    Value runtime = Value::object();
    runtime.set("path", "proa-shim");
    all.set(name, std::move(runtime));
  }
  return all;
}

Value plugins() {
  Value value = Value::object();
  value.set("Volume", std::vector<std::string>{"local"});
  value.set("Network", std::vector<std::string>{"bridge", "host", "null"});
  value.set("Authorization", nullptr);
  value.set("Log", std::vector<std::string>{"json-file", "none"});
  return value;
}

Value registries(Services& services) {
  Value indexes = Value::object();
  Value hub = Value::object();
  std::vector<std::string> mirrors;
  for (const auto& rule : services.images.settings().registries.rules) {
    if (rule.prefix == "docker.io") mirrors = rule.mirrors;
  }
  hub.set("Name", "docker.io");
  hub.set("Mirrors", mirrors.empty() ? Value::array() : Value(mirrors));
  hub.set("Secure", true);
  hub.set("Official", true);
  indexes.set("docker.io", std::move(hub));
  for (const auto& rule : services.images.settings().registries.rules) {
    if (!rule.insecure || rule.prefix == "docker.io") continue;
    Value index = Value::object();
    index.set("Name", rule.prefix);
    index.set("Mirrors", Value::array());
    index.set("Secure", false);
    index.set("Official", false);
    indexes.set(rule.prefix, std::move(index));
  }
  Value value = Value::object();
  value.set("AllowNondistributableArtifactsCIDRs", Value::array());
  value.set("AllowNondistributableArtifactsHostnames", Value::array());
  value.set("InsecureRegistryCIDRs", std::vector<std::string>{"127.0.0.0/8"});
  value.set("IndexConfigs", std::move(indexes));
  value.set("Mirrors", mirrors.empty() ? Value::array() : Value(mirrors));
  return value;
}

Result<void> add_counts(Services& services, Value& answer) {
  std::int64_t running = 0, paused = 0, stopped = 0;
  for (const engine::Workload& workload : TRY(services.engine.list({}))) {
    using engine::Phase;
    const Phase phase = workload.state.phase;
    if (phase == Phase::running || phase == Phase::restarting) {
      ++running;
    } else if (phase == Phase::paused) {
      ++paused;
    } else {
      ++stopped;
    }
  }
  answer.set("Containers", running + paused + stopped);
  answer.set("ContainersRunning", running);
  answer.set("ContainersPaused", paused);
  answer.set("ContainersStopped", stopped);
  answer.set("Images", TRY(image::list_images(services.images.store())).size());
  return {};
}

Result<void> info(Services& services, Request& request) {
  const struct utsname names = host_names();
  Value answer = Value::object();
  answer.set("ID", services.engine.options().root);
  TRY(add_counts(services, answer));
  answer.set("Driver", "erofs");
  answer.set("DriverStatus", driver_status(services));
  answer.set("Plugins", plugins());
  for (const char* yes : {"MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares",
                          "CPUSet", "PidsLimit", "OomKillDisable", "IPv4Forwarding"}) {
    answer.set(yes, true);
  }
  for (const char* no : {"BridgeNfIptables", "BridgeNfIp6tables", "Debug", "ExperimentalBuild",
                         "LiveRestoreEnabled"}) {
    answer.set(no, false);
  }
  answer.set("LiveRestoreEnabled", true);
  answer.set("NFd", 0);
  answer.set("NGoroutines", 0);
  answer.set("NEventsListener", 0);
  answer.set("SystemTime", to_rfc3339(now()));
  answer.set("LoggingDriver", "json-file");
  const bool unified = file::exists("/sys/fs/cgroup/cgroup.controllers");
  answer.set("CgroupDriver", "cgroupfs");
  answer.set("CgroupVersion", unified ? "2" : "1");
  answer.set("KernelVersion", names.release);
  answer.set("OperatingSystem", system_name());
  answer.set("OSVersion", "");
  answer.set("OSType", "linux");
  answer.set("Architecture", names.machine);
  answer.set("IndexServerAddress", "https://index.docker.io/v1/");
  answer.set("RegistryConfig", registries(services));
  answer.set("NCPU", ::sysconf(_SC_NPROCESSORS_ONLN));
  answer.set("MemTotal", ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE));
  answer.set("GenericResources", nullptr);
  answer.set("DockerRootDir", services.engine.options().root);
  answer.set("HttpProxy", "");
  answer.set("HttpsProxy", "");
  answer.set("NoProxy", "");
  answer.set("Name", names.nodename);
  answer.set("Labels", Value::array());
  answer.set("ServerVersion", kVersion);
  answer.set("Runtimes", runtimes());
  answer.set("DefaultRuntime", "container");
  Value swarm = Value::object();
  swarm.set("NodeID", "");
  swarm.set("NodeAddr", "");
  swarm.set("LocalNodeState", "inactive");
  swarm.set("ControlAvailable", false);
  swarm.set("Error", "");
  swarm.set("RemoteManagers", nullptr);
  answer.set("Swarm", std::move(swarm));
  answer.set("Isolation", "");
  answer.set("InitBinary", "proa-init");
  answer.set("SecurityOptions",
             std::vector<std::string>{"name=seccomp,profile=builtin", "name=userns"});
  answer.set("ProductLicense", "");
  answer.set("Warnings", nullptr);
  return request.reply(200, answer);
}

bool wants(const Request& request, std::string_view type) {
  const std::vector<std::string> types = request.head().query.all("type");
  return types.empty() || std::ranges::find(types, type) != types.end();
}

Result<void> add_image_use(Services& services, Value& answer) {
  const image::DiskUsage usage = TRY(image::disk_usage(services.images.store()));
  const auto uses = TRY(engine::image_uses(services.engine));
  Value images = Value::array();
  for (const image::Image& image : TRY(image::list_images(services.images.store()))) {
    const auto counted =
        std::ranges::find(usage.images, image.id(), &image::DiskUsage::PerImage::id);
    // One that came after the count takes nothing yet.
    const image::DiskUsage::PerImage disk =
        counted == usage.images.end() ? image::DiskUsage::PerImage{image.id(), 0, 0} : *counted;
    Value entry =
        print_image_summary(image, std::ranges::count(uses, image.id(), &image::Use::image),
                            static_cast<std::int64_t>(disk.shared));
    // On disk, as all here: clients subtract these from LayersSize.
    entry.set("Size", disk.bytes);
    entry.set("VirtualSize", disk.bytes);
    images.push(std::move(entry));
  }
  answer.set("LayersSize", usage.layers + usage.blobs);
  answer.set("Images", std::move(images));
  return {};
}

Result<void> add_container_use(Services& services, Value& answer) {
  Value containers = Value::array();
  const auto uses = TRY(services.engine.disk_use());
  for (const engine::Workload& workload : TRY(services.engine.list({}))) {
    Value entry = print_summary(workload, now().time_since_epoch().count());
    const auto use = std::ranges::find(uses, workload.id, &engine::DiskUse::id);
    const std::uint64_t writable = use == uses.end() ? 0 : use->writable_bytes;
    const auto image = services.images.inspect(workload.image_id);
    entry.set("SizeRw", writable);
    entry.set("SizeRootFs", writable + (image.ok() ? image.value().size : 0));
    containers.push(std::move(entry));
  }
  answer.set("Containers", std::move(containers));
  return {};
}

Result<void> add_volume_use(Services& services, Value& answer) {
  Value volumes = Value::array();
  for (const engine::Volume& volume : TRY(services.engine.volumes().list())) {
    const auto size = services.engine.volumes().size(volume.name);
    Value usage = Value::object();
    usage.set("Size", size.ok() ? static_cast<std::int64_t>(size.value()) : -1);
    usage.set("RefCount", TRY(services.engine.volumes().users(volume.name)).size());
    Value entry = print_volume(volume);
    entry.set("UsageData", std::move(usage));
    volumes.push(std::move(entry));
  }
  answer.set("Volumes", std::move(volumes));
  return {};
}

Result<void> add_cache_use(Services& services, Value& answer) {
  Value records = Value::array();
  for (const build::CacheRecord& record : TRY(services.builder.cache().records())) {
    const bool is_mount = record.kind == build::CacheRecord::Kind::mount;
    const std::string used = to_rfc3339(Moment(std::chrono::nanoseconds(record.used)));
    Value entry = Value::object();
    entry.set("ID", record.id);
    entry.set("Type", is_mount ? "exec.cachemount" : "regular");
    entry.set("Description", is_mount ? "directory of a cache mount" : "layer of a step");
    entry.set("InUse", false);
    entry.set("Shared", record.shared);
    entry.set("Size", record.bytes);
    entry.set("CreatedAt", used);
    entry.set("LastUsedAt", used);
    entry.set("UsageCount", record.steps.size());
    records.push(std::move(entry));
  }
  answer.set("BuildCache", std::move(records));
  return {};
}

Result<void> disk_use(Services& services, Request& request) {
  for (const std::string& type : request.head().query.all("type")) {
    if (type != "container" && type != "image" && type != "volume" && type != "build-cache") {
      return fail(ErrorKind::invalid_argument, "unknown object type: ", printable(type));
    }
  }
  Value answer = Value::object();
  answer.set("LayersSize", 0);
  for (const char* list : {"Images", "Containers", "Volumes", "BuildCache"}) {
    answer.set(list, nullptr);
  }
  if (wants(request, "image")) TRY(add_image_use(services, answer));
  if (wants(request, "container")) TRY(add_container_use(services, answer));
  if (wants(request, "volume")) TRY(add_volume_use(services, answer));
  if (wants(request, "build-cache")) TRY(add_cache_use(services, answer));
  return request.reply(200, answer);
}

}  // namespace

void add_system(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"HEAD", "/_ping", ping},
                                  {"GET", "/_ping", ping},
                                  {"GET", "/version", version},
                                  {"GET", "/info", info},
                                  {"GET", "/system/df", disk_use},
                              });
}

}  // namespace proa::api::docker
