#include "apps/daemon/options.h"

#include <CLI/CLI.hpp>

#include <cstdio>

#include "api/docker/body/log_body.h"
#include "api/route/shape.h"
#include "base/digest.h"
#include "kernel/file/file.h"

namespace proa::daemon {
namespace {

constexpr const char* kDefaultRoot = "/var/lib/proa";
constexpr const char* kDefaultFile = "/etc/proa/proad.json";

struct Line {
  std::string root, run, group, file = kDefaultFile;
  std::vector<std::string> hosts;
  bool debug = false, version = false;
};

// Keys of daemon.json that change nothing here, or that only other parts read.
constexpr std::array kOtherKeys = {
    "registry-mirrors", "insecure-registries", "registries", "default-address-pools", "bip", "dns",
    "experimental",     "live-restore",        "features"};

Result<void> read_ulimits(const json::Reader& reader, std::vector<engine::Ulimit>& ulimits) {
  for (const auto& [key, entry] : TRY(reader.members())) {
    engine::Ulimit limit{.name = std::string(key)};
    api::ShapeReader visit(entry);
    visit("Soft", limit.soft);
    visit("Hard", limit.hard);
    TRY(visit.take());
    ulimits.push_back(std::move(limit));
  }
  return {};
}

Result<void> check_keys(const json::Reader& reader, std::initializer_list<const char*> known) {
  for (const auto& [key, value] : TRY(reader.members())) {
    if (std::ranges::find(known, key) == known.end() &&
        std::ranges::find(kOtherKeys, key) == kOtherKeys.end()) {
      return value.fault("is no key of proad's configuration");
    }
  }
  return {};
}

// "builder": {"gc": {"enabled": true, "defaultKeepStorage": "20GB"}}; no limit where it is off.
Result<std::optional<std::uint64_t>> read_build_cache(const json::Reader& builder) {
  std::optional<std::uint64_t> limit;
  for (const auto& [key, gc] : TRY(builder.members())) {
    if (key != "gc") return gc.fault("is no key of proad's configuration");
    bool enabled = true;
    std::string keep;
    api::ShapeReader visit(gc);
    visit("enabled", enabled);
    visit("defaultKeepStorage", keep);
    TRY(visit.take());
    if (!keep.empty()) limit = TRY(api::docker::parse_size(keep), "defaultKeepStorage");
    if (!enabled) limit = 0;
  }
  return limit;
}

Result<void> read_file(const std::string& path, Options& options) {
  const Result<std::string> text = file::read_file(path);
  if (!text.ok() && text.error().errno_code() == ENOENT && path == kDefaultFile) return {};
  if (!text.ok()) return text.error();
  const json::Value document = TRY(json::parse(text.value(), path));
  const json::Reader reader(document, path);
  TRY(check_keys(reader, {"data-root", "exec-root", "hosts", "group", "debug", "log-driver",
                          "log-opts", "init", "default-shm-size", "default-ulimits", "id-base",
                          "id-count", "max-concurrent-downloads", "builder"}));
  std::string driver, shm_size;
  std::map<std::string, std::string> log_options;
  std::uint64_t downloads = 0;
  api::ShapeReader visit(reader);
  visit("data-root", options.root);
  visit("exec-root", options.run);
  visit("hosts", options.hosts);
  visit("group", options.group);
  visit("debug", options.debug);
  visit("log-driver", driver);
  visit("log-opts", log_options);
  visit("init", options.defaults.init);
  visit("default-shm-size", shm_size);
  visit("id-base", options.ids_first);
  visit("id-count", options.ids_count);
  visit("max-concurrent-downloads", downloads);
  TRY(visit.take());
  if (const auto ulimits = reader.find("default-ulimits")) {
    TRY(read_ulimits(*ulimits, options.defaults.ulimits));
  }
  options.defaults.log = TRY(api::docker::make_log(driver, log_options, {}), path);
  if (!shm_size.empty()) {
    const std::uint64_t size = TRY(api::docker::parse_size(shm_size), path, ": default-shm-size");
    options.defaults.shm_size = static_cast<std::int64_t>(size);
  }
  if (const auto builder = reader.find("builder")) {
    options.build_cache = TRY(read_build_cache(*builder));
  }
  if (downloads != 0) options.images.parallel_layers = downloads;
  options.images.registries = TRY(image::RegistrySettings::parse(reader));
  return {};
}

}  // namespace

std::string tag_of(const std::string& root) {
  return root == kDefaultRoot ? "" : Digest::of(root).hex().substr(0, 4);
}

Result<std::optional<Options>> read_options(int count, char** arguments) {
  Line line;
  CLI::App app("Runs containers and virtual machines, and serves Docker's API for them.", "proad");
  app.add_option("--root", line.root, "Where state, images and volumes lie (/var/lib/proa)");
  app.add_option("--run", line.run, "Where sockets and locks lie (/run/proa)");
  app.add_option("-H,--host", line.hosts,
                 "Where to listen: unix://PATH, or fd:// for sockets that systemd hands over");
  app.add_option("--config", line.file, "The configuration file");
  app.add_option("-G,--group", line.group, "The group that may use the socket (proa)");
  app.add_flag("-D,--debug", line.debug, "Log every request");
  app.add_flag("--version", line.version, "Print the version");
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp& help) {
    std::fputs(app.help().c_str(), stdout);
    return std::optional<Options>();
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::invalid_argument, error.what());
  }
  if (line.version) {
    std::fputs("proad version 0.1.0\n", stdout);
    return std::optional<Options>();
  }
  Options options;
  TRY(read_file(line.file, options));
  if (!line.root.empty()) options.root = line.root;
  if (!line.run.empty()) options.run = line.run;
  if (!line.group.empty()) options.group = line.group;
  if (!line.hosts.empty()) options.hosts = line.hosts;
  options.debug = options.debug || line.debug;
  while (options.root.size() > 1 && options.root.ends_with('/')) options.root.pop_back();
  if (!options.root.starts_with('/') || !options.run.starts_with('/')) {
    return fail(ErrorKind::invalid_argument, "--root and --run have to be absolute paths");
  }
  if (options.hosts.empty()) {
    // systemd's sockets where it has any for us.
    const char* handed = std::getenv("LISTEN_FDS");
    options.hosts.push_back(handed != nullptr ? "fd://"
                                              : cat("unix://", options.run, "/proa.sock"));
  }
  const std::string program = TRY(file::read_link_at(FdRef::cwd(), "/proc/self/exe"));
  options.programs = program.substr(0, program.rfind('/'));
  options.images.worker = cat(options.programs, "/proa-worker");
  return std::optional<Options>(std::move(options));
}

}  // namespace proa::daemon
