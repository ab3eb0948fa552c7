// RUN.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/id.h"
#include "base/text.h"
#include "build/plan/flags.h"
#include "build/plan/run_mounts.h"
#include "build/run/archive.h"
#include "build/run/stage_build.h"
#include "build/run/step_configuration.h"
#include "build/run/step_runner.h"
#include "build/run/upper.h"
#include "kernel/file/file.h"
#include "kernel/file/lock_file.h"

namespace proa::build {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{2} << 20;
constexpr std::size_t kMaxArgument = 128 << 10;  // the kernel's MAX_ARG_STRLEN
constexpr int kCacheSlots = 64;

std::string end_text(const process::End& end) {
  if (const auto* exited = std::get_if<process::Exited>(&end))
    return cat("exit code ", exited->code);
  return cat("signal ", std::get<process::Signalled>(end).signal);
}

// Passes a step's output on up to a limit; a program that never stops talking fills nothing.
class BoundedOutput {
 public:
  BoundedOutput(Session& session, int step) : session_(session), step_(step) {}
  void operator()(std::string_view text) {
    const std::size_t room = kMaxOutput - std::min(kMaxOutput, passed_);
    passed_ += text.size();
    if (room > 0) session_.tell({EventKind::output, step_, std::string(text.substr(0, room))});
    if (room > 0 && passed_ >= kMaxOutput) {
      session_.tell(
          {EventKind::output, step_, cat("\n[output cut after ", kMaxOutput, " bytes]\n")});
    }
  }

 private:
  Session& session_;
  int step_;
  std::size_t passed_ = 0;
};

}  // namespace

struct StageBuild::Command {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // without proxies
  std::string script;                    // a heredoc that is a program of its own
  std::string script_place;
  StepNetwork network = StepNetwork::joined;
  std::string network_name;  // of the one to join
  bool insecure = false;
  std::vector<RunMount> mounts;
};

bool StageBuild::allows(std::string_view right) const {
  const std::vector<std::string>& allowed = session_.request().allowed;
  return std::ranges::find(allowed, right) != allowed.end();
}

// `wanted` is what the instruction says; by default it is on the build's own network.
Result<void> StageBuild::choose_network(const Instruction& instruction, const std::string& wanted,
                                        Command& out) const {
  const std::string& own = session_.request().network;
  if (wanted != "default" && wanted != "host" && wanted != "none") {
    return instruction.fault(
        cat("unknown network '", printable(wanted, 40), "': default, host and none are known"),
        "--network");
  }
  if (wanted == "host" && own != "host" && !allows(kHostNetworkSteps)) {
    return instruction.fault(
        "RUN --network=host is for a build that was given --network host or --allow network.host",
        "--network");
  }
  const std::string network = wanted == "default" ? own : wanted;
  if (network == "host" || network == "none") {
    out.network = network == "host" ? StepNetwork::host : StepNetwork::none;
    return {};
  }
  if (network.starts_with("container:")) {
    return instruction.fault(
        cat("a build cannot share the network of a container ('", printable(network, 80), "')"));
  }
  out.network_name = network.empty() || network == "default" ? "bridge" : network;
  return {};
}

Result<StageBuild::Command> StageBuild::command_of(const Instruction& instruction) {
  const Node& node = instruction.node;
  Flags flags(instruction.source, node);
  Command out;
  for (const std::string& text : flags.values("mount")) {
    const std::string expanded = TRY(instruction.expanded(text, config_));
    Result<RunMount> mount = parse_run_mount(expanded, config_.working_directory());
    if (!mount.ok()) return instruction.fault(mount.error().message(), "--mount");
    out.mounts.push_back(mount.take());
  }
  const std::string network = TRY(flags.value("network")).value_or("default");
  TRY(choose_network(instruction, network, out));
  const std::string security = TRY(flags.value("security")).value_or("sandbox");
  if (security != "sandbox" && security != "insecure") {
    return instruction.fault("--security is sandbox or insecure", "--security");
  }
  out.insecure = security == "insecure";
  if (out.insecure && !allows(kInsecureSteps)) {
    return instruction.fault(
        "RUN --security=insecure is for a build that was given --allow security.insecure",
        "--security");
  }
  TRY(flags.finish());
  if (node.words.empty() && !node.is_json) return instruction.fault("RUN needs a command");
  out.arguments = command_line(node, config_.shell());
  if (!node.documents.empty()) {
    const HereDocument& first = node.documents.front();
    const std::string content = first.strips_tabs ? without_tabs(first.content) : first.content;
    const bool alone = node.documents.size() == 1 && node.words.front().starts_with("<<") &&
                       node.words.front().find_first_of(" \t") == std::string::npos;
    if (alone && content.starts_with("#!")) {
      out.script = content;
      out.script_place = cat("/dev/pipes/", printable(first.name, 64));
      out.arguments = {out.script_place};
    } else if (alone) {
      out.arguments.back() = content;
    } else {
      std::string& line = out.arguments.back();
      for (const HereDocument& document : node.documents) {
        line += cat("\n", document.content, document.name);
      }
      line += "\n";
    }
  }
  for (const std::string& argument : out.arguments) {
    if (argument.size() >= kMaxArgument) {
      return instruction.fault(cat("the command has ", argument.size(),
                                   " bytes, more than the kernel takes; COPY it as a script"));
    }
  }
  if (out.arguments.empty()) return instruction.fault("RUN needs a command");
  out.environment = config_.environment();
  return out;
}

Result<void> StageBuild::check_command(const Instruction& instruction) {
  TRY(command_of(instruction));
  return {};
}

// What a step's mounts bring into its key: for files of the context and of stages their content.
Result<std::string> StageBuild::describe_mounts(const Instruction& instruction,
                                                const Command& command) {
  std::string text;
  for (const RunMount& mount : command.mounts) {
    text += cat("mount ", static_cast<int>(mount.type), " ", mount.target, " ", mount.id, " ",
                mount.source, " ", mount.environment, " ", mount.read_only ? 1 : 0, " ", mount.size,
                "\n");
    if (mount.type != MountType::bind) continue;
    const From from = TRY(source_of(instruction, mount.from));
    if (!from.is_context) {
      text += cat("from ", mount.source, "\n", from.key, "\n");
      continue;
    }
    Result<Selection> selected = inputs_.context->select_path(mount.source);
    if (!selected.ok()) return instruction.fault(selected.error().message(), "--mount");
    TreeSource source;
    source.selection = selected.take();
    std::vector<CopySource> sources;
    sources.emplace_back(std::move(source));
    text += cat("context ", Digest::of(describe(sources)).hex(), "\n");
  }
  return text;
}

namespace {

// Puts together what one step needs beside its root; locks and files live as long as it.
class StepMounts {
 public:
  StepMounts(Session& session, const std::string& scratch) : session_(session), scratch_(scratch) {}

  StepRequest request;
  std::vector<mount::DetachedMount> mounts;
  std::vector<std::string> environment;
  std::vector<TmpfsMount> tmpfs;
  std::vector<file::LockFile> locks;
  std::vector<std::string> users;  // who holds layers, to be released

  Result<void> add_file(const std::string& name, const std::string& content, mode_t mode,
                        const std::string& destination, Owner owner, bool maps_ids) {
    const std::string path = cat(scratch_, "/", name);
    const Fd file = TRY(file::open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
    TRY(file::write_all(file, bytes_of(content)));
    if (::fchown(file.get(), owner.uid, owner.gid) != 0)
      return fail_errno("giving '", path, "' away");
    if (::fchmod(file.get(), mode) != 0) return fail_errno("setting the mode of '", path, "'");
    request.mounts.push_back({-1, path, "", destination, true, maps_ids});
    return {};
  }

  Result<void> add_secret(const RunMount& mount, bool maps_ids) {
    const auto& secrets = session_.request().secrets;
    const auto found = secrets.find(mount.id);
    if (found == secrets.end()) {
      if (!mount.required) return {};
      return fail(ErrorKind::not_found, "secret '", printable(mount.id, 80), "' was not given");
    }
    if (!mount.environment.empty())
      environment.push_back(cat(mount.environment, "=", found->second));
    if (mount.target.empty()) return {};
    return add_file(cat("secret", ++files_), found->second, mount.mode, mount.target,
                    {mount.uid, mount.gid}, maps_ids);
  }

  // A directory that outlives the build, below ROOT/build/cache.
  Result<void> add_cache(const RunMount& mount, bool maps_ids) {
    // One that is to look otherwise is another one, as in BuildKit.
    const Digest name = Digest::of(cat(mount.id, "\n", mount.uid, ":", mount.gid, " ", mount.mode));
    const std::string base =
        cat(session_.options().root, "/build/cache/", name.hex().substr(0, 32));
    std::string path = base;
    if (mount.sharing == CacheSharing::locked) {
      locks.push_back(TRY(file::LockFile::wait(cat(base, ".lock"))));
    } else if (mount.sharing == CacheSharing::priv) {
      path.clear();
      for (int slot = 0; slot < kCacheSlots && path.empty(); ++slot) {
        const std::string candidate = cat(base, ".", slot);
        std::optional<file::LockFile> lock = TRY(file::LockFile::try_take(candidate + ".lock"));
        if (!lock) continue;
        locks.push_back(std::move(*lock));
        path = candidate;
      }
      if (path.empty())
        return fail(ErrorKind::exhausted, "all private copies of a cache are in use");
    } else {
      // Whoever prunes takes it alone.
      locks.push_back(TRY(file::LockFile::wait_shared(cat(base, ".lock"))));
    }
    // When it was used last says what goes first.
    ::futimens(locks.back().fd().get(), nullptr);
    if (::mkdir(path.c_str(), 0700) == 0) {
      if (::chown(path.c_str(), mount.uid, mount.gid) != 0 ||
          ::chmod(path.c_str(), mount.mode) != 0) {
        return fail_errno("making the cache '", path, "'");
      }
    } else if (errno != EEXIST) {
      return fail_errno("making the cache '", path, "'");
    }
    request.mounts.push_back({-1, path, mount.source, mount.target, mount.read_only, maps_ids});
    return {};
  }

  Result<void> add_layers(const RunMount& mount, const Layers& layers, const std::string& source,
                          std::optional<FdRef> ids) {
    const std::string user = session_.next_user();
    image::Writable writable = image::ReadOnly();
    // What is written to a bind is thrown away with the step.
    if (!mount.read_only) writable = image::UpperTmpfs{std::uint64_t{1} << 30};
    mounts.push_back(TRY(session_.mount_writable(layers, std::move(writable), ids, user)));
    users.push_back(user);
    request.mounts.push_back(
        {static_cast<int>(mounts.size()) - 1, "", source, mount.target, mount.read_only, false});
    return {};
  }

 private:
  Session& session_;
  const std::string& scratch_;
  int files_ = 0;
};

std::string hosts_text(const Request& request) {
  std::string text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  for (const std::string& entry : request.extra_hosts) {
    const std::size_t colon = entry.find(':');
    if (colon == std::string::npos) continue;
    text += cat(entry.substr(colon + 1), "\t", entry.substr(0, colon), "\n");
  }
  return text;
}

}  // namespace

Result<Layer> StageBuild::run_in_step(const Instruction& instruction, const Command& command,
                                      int step) {
  const std::string scratch = TRY(session_.make_scratch());
  const bool maps = !command.insecure;
  const std::optional<FdRef> ids =
      maps ? std::optional<FdRef>(session_.user_namespace()) : std::nullopt;
  StepMounts parts(session_, scratch);
  for (const RunMount& mount : command.mounts) {
    switch (mount.type) {
      case MountType::tmpfs:
        parts.tmpfs.push_back({mount.target, mount.size});
        break;
      case MountType::secret:
        TRY(parts.add_secret(mount, maps));
        break;
      case MountType::cache:
        TRY(parts.add_cache(mount, maps));
        break;
      case MountType::bind: {
        const From from = TRY(source_of(instruction, mount.from));
        if (!from.is_context) {
          TRY(parts.add_layers(mount, from.layers, mount.source, ids));
          break;
        }
        const ContextLayer context = TRY(context_layer(mount.source));
        TRY(parts.add_layers(mount, {context.layer}, context.source, ids));
        break;
      }
    }
  }
  const StepNetworks::Joined* joined = nullptr;
  if (command.network == StepNetwork::joined) {
    const auto found = session_.networks().find(command.network_name);
    if (!found.ok()) {
      return instruction.fault(cat("joining the network '", printable(command.network_name, 80),
                                   "': ", found.error().message()));
    }
    joined = found.value();
  }
  TRY(parts.add_file("hosts", joined ? joined->seat.hosts : hosts_text(session_.request()), 0644,
                     "/etc/hosts", {}, maps));
  if (joined || file::exists("/etc/resolv.conf")) {
    const std::string names =
        joined ? joined->seat.resolver : TRY(file::read_file("/etc/resolv.conf"));
    TRY(parts.add_file("resolv.conf", names, 0644, "/etc/resolv.conf", {}, maps));
  }
  if (!command.script.empty()) {
    TRY(parts.add_file("script", command.script, 0755, command.script_place, {}, maps));
  }
  const file::TempDir work =
      TRY(file::TempDir::create(cat(session_.options().root, "/build/work"), "step."));
  for (const char* name : {"/upper", "/work"}) {
    TRY(file::make_directory(FdRef::cwd(), work.path() + name, 0755));
  }
  const std::string user = session_.next_user();
  StepSetup setup;
  setup.program = session_.options().step_program;
  setup.root = TRY(session_.mount_writable(
      layers_, image::UpperDirectory{work.path() + "/upper", work.path() + "/work", true}, ids,
      user));
  setup.mounts = std::move(parts.mounts);
  StepSpec spec;
  spec.id = user;
  spec.cgroup = cat("/proa", session_.options().tag, "-", user);
  spec.arguments = command.arguments;
  spec.environment = command.environment;
  for (const auto& [name, value] : session_.request().arguments) {
    if (is_proxy_argument(name)) spec.environment.push_back(cat(name, "=", value));
  }
  spec.environment.insert(spec.environment.end(), parts.environment.begin(),
                          parts.environment.end());
  spec.working_directory = config_.working_directory();
  spec.network = command.network;
  if (joined != nullptr) setup.namespaces = &joined->namespaces;
  spec.insecure = command.insecure;
  spec.ids_first = session_.options().ids_first;
  spec.ids_count = session_.options().ids_count;
  spec.shm_size = session_.request().shm_size;
  spec.memory = session_.request().memory;
  spec.tmpfs = parts.tmpfs;
  std::set<std::string> destinations;
  for (std::string& place : step_destinations(spec)) destinations.insert(std::move(place));
  for (const StepMount& mount : parts.request.mounts) destinations.insert(mount.destination);
  UpperOptions upper;
  upper.places = TRY(note_mount_places(setup.root.fd(), destinations));
  upper.latest = session_.request().source_date;

  setup.request = std::move(parts.request);
  setup.request.id = user;
  setup.request.configuration = json::print(step_configuration(spec));
  setup.request.user = config_.run.user;
  setup.request.scratch = scratch;
  setup.request.filter_cache = cat(session_.options().run, "/seccomp");
  setup.request.unconfined = command.insecure;
  BoundedOutput output(session_, step);
  const Result<process::End> end = run_step(setup, std::ref(output), session_.stop());
  setup.root = {};
  setup.mounts.clear();
  TRY(session_.mounts().release(user));
  for (const std::string& held : parts.users) TRY(session_.mounts().release(held));
  if (!end.ok()) {
    if (end.error().kind() == ErrorKind::cancelled) return end.error();
    return instruction.fault(end.error().message());
  }
  if (end.value() != process::End(process::Exited{0})) {
    session_.note_exit(process::shell_code(end.value()));
    return instruction.fault(cat("the command '", printable(join(command.arguments, " "), 400),
                                 "' did not complete: ", end_text(end.value())));
  }
  LayerTar tar = TRY(LayerTar::create(session_.store(), session_.staging()));
  const Fd changed = TRY(file::open(work.path() + "/upper", O_RDONLY | O_DIRECTORY));
  TRY(write_upper(changed, upper, tar));
  return tar.finish();
}

// What a bind of the context shows: the same files that a COPY would take, as a layer.
Result<StageBuild::ContextLayer> StageBuild::context_layer(const std::string& source) {
  Selection selection = TRY(inputs_.context->select_path(source));
  CopyRequest request;
  request.now = session_.now();
  request.destination = "/";
  request.is_directory = true;
  std::string top = selection.is_directory() ? "" : selection.name;
  TreeSource tree;
  tree.selection = std::move(selection);
  request.sources.emplace_back(std::move(tree));
  LayerTar tar = TRY(LayerTar::create(session_.store(), session_.staging()));
  TRY(write_copy(request, std::nullopt, tar));
  return ContextLayer{TRY(tar.finish()), std::move(top)};
}

Result<StageBuild::Outcome> StageBuild::run_command(const Instruction& instruction) {
  const Command command = TRY(command_of(instruction));
  std::string description = cat("run\n", chain_text(layers_));
  for (const std::string& word : command.arguments)
    description += cat(word.size(), " ", word, "\n");
  description += "environment\n";
  for (const std::string& entry : command.environment) {
    description += cat(entry.size(), " ", entry, "\n");
  }
  description += cat("in ", config_.working_directory(), " as ", config_.run.user, " network ",
                     static_cast<int>(command.network), " ", command.network_name,
                     command.insecure ? " insecure" : "", "\n", command.script, "\n");
  description += TRY(describe_mounts(instruction, command));
  if (session_.request().source_date) description += cat("at ", *session_.request().source_date);
  const auto make = [&](int step) -> Result<std::optional<Layer>> {
    const Layer layer = TRY(run_in_step(instruction, command, step));
    return std::optional<Layer>(layer);
  };
  TRY(add_layer(instruction, description, make));
  return Outcome{cat("RUN ", printable(join(command.arguments, " "), 4096)), true};
}

}  // namespace proa::build
