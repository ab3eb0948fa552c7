// proa-step carries out one RUN of a build and goes. It has one thread, as making containers wants
// it, and a mount namespace of its own, so that what it attaches goes with it.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "base/json_fields.h"
#include "base/text.h"
#include "build/run/step_request.h"
#include "container/container.h"
#include "container/seccomp/docker_profile.h"
#include "hull/light/users.h"
#include "kernel/file/file.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"

namespace proa::step {
namespace {

using build::StepMount;
using build::StepRequest;
namespace descriptor = build::step_descriptor;

constexpr std::chrono::seconds kEndLimit{10};

Result<StepRequest> read_request() {
  const Fd file(descriptor::kRequest);
  const std::string text = TRY(file::read_all(file));
  const json::Value document = TRY(json::parse(text, "request"));
  StepRequest request;
  TRY(json::from_json(json::Reader(document, "request"), request));
  return request;
}

// Makes the source of a mount an attached one of our own, found with links kept inside `root`.
Result<void> attach_source(const std::string& root, const StepMount& mount,
                           const std::string& place) {
  const Fd directory = TRY(file::open(root, O_PATH));
  const std::string source = mount.source.empty() ? "." : mount.source;
  const struct stat top = TRY(file::stat(directory));
  Fd found = S_ISDIR(top.st_mode) ? TRY(file::open_in_root(directory, source, O_PATH))
                                  : TRY(file::open(root, O_PATH | O_NOFOLLOW));
  const struct stat status = TRY(file::stat(found));
  if (S_ISDIR(status.st_mode)) {
    TRY(file::make_directory(FdRef::cwd(), place, 0700));
  } else {
    const Fd made = TRY(file::open(place, O_CREAT | O_EXCL | O_WRONLY, 0600));
  }
  const mount::DetachedMount copy = TRY(mount::clone_tree(found, "", mount::Recursive::no));
  return mount::attach(copy.fd(), place);
}

Result<void> add_mount(const StepRequest& request, const StepMount& mount, std::size_t number,
                       oci::runtime::Spec& spec) {
  std::string root = mount.host_path;
  if (mount.mount >= 0) {
    root = cat(request.scratch, "/root", number);
    TRY(file::make_directory(FdRef::cwd(), root, 0700));
    TRY(mount::attach(FdRef(descriptor::kFirstMount + mount.mount), root));
  }
  const std::string place = cat(request.scratch, "/mount", number);
  TRY(attach_source(root, mount, place));
  oci::runtime::Mount entry;
  entry.destination = mount.destination;
  entry.source = place;
  entry.options = {"bind", "rprivate", mount.read_only ? "ro" : "rw"};
  if (mount.maps_ids) entry.options.emplace_back("idmap");
  spec.mounts.push_back(std::move(entry));
  return {};
}

// What is mounted deeper comes later.
std::size_t depth_of(const oci::runtime::Mount& mount) {
  return static_cast<std::size_t>(std::ranges::count(mount.destination, '/'));
}

// The home of a user, as login(1) sets it.
std::string home_of(const hull::Accounts& accounts, std::uint32_t uid) {
  for (const std::string_view line : split(accounts.passwd, '\n')) {
    const std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() >= 6 && fields[2] == cat(uid)) return std::string(fields[5]);
  }
  return "/";
}

void set_home(oci::runtime::Process& process, const hull::Accounts& accounts) {
  const auto is_home = [](const std::string& entry) { return entry.starts_with("HOME="); };
  if (std::ranges::any_of(process.env, is_home)) return;
  process.env.push_back(cat("HOME=", home_of(accounts, process.user.uid)));
}

std::vector<std::string> bounding_names(const oci::runtime::Process& process) {
  std::vector<std::string> names;
  for (int number = 0; number < oci::runtime::capability_count(); ++number) {
    if (process.capabilities && (process.capabilities->bounding >> number & 1) != 0) {
      names.emplace_back(oci::runtime::capability_name(number));
    }
  }
  return names;
}

Result<container::Created> start(const StepRequest& request) {
  TRY(ns::unshare(CLONE_NEWNS));
  TRY(mount::set_propagation("/", MS_REC | MS_PRIVATE));
  oci::runtime::Spec spec = TRY(oci::runtime::parse_spec(request.configuration, "configuration"));
  for (std::size_t number = 0; number < request.mounts.size(); ++number) {
    TRY(add_mount(request, request.mounts[number], number, spec), "mounting on '",
        request.mounts[number].destination, "'");
  }
  std::ranges::stable_sort(spec.mounts, {}, depth_of);
  mount::DetachedMount root{Fd(descriptor::kRoot)};
  const hull::Accounts accounts = TRY(hull::read_accounts(root.fd()));
  spec.process->user = TRY(hull::find_user(accounts, request.user, {}));
  set_home(*spec.process, accounts);
  if (spec.process->user.uid != 0 && spec.process->capabilities) {
    auto& sets = *spec.process->capabilities;
    sets.effective = sets.permitted = sets.ambient = 0;
  }
  if (!request.unconfined) {
    spec.linux_part.seccomp =
        TRY(container::seccomp::default_profile(bounding_names(*spec.process)));
  }
  const container::Plan plan =
      TRY(container::make_plan(std::move(spec), {.id = request.id, .bundle = "/"}));
  container::CreateOptions options;
  const auto* user = plan.spec.linux_part.find(oci::runtime::NamespaceType::user);
  if (user != nullptr && !user->path.empty()) options.user_namespace = FdRef(descriptor::kUser);
  options.root = std::move(root);
  options.hierarchies = container::limits::Hierarchies::asked_for;
  options.filter_cache = request.filter_cache;
  options.protection = container::protection_for(plan);
  return container::create(plan, std::move(options));
}

// Waits for the end of the first process, or for the end of whoever wants to know about it.
Result<process::End> follow(container::Created created) {
  process::Child child(created.pid, std::move(created.pidfd));
  Result<container::limits::CgroupSet> cgroups =
      container::limits::CgroupSet::open(created.cgroups);
  struct pollfd watched[2] = {{child.pidfd().get(), POLLIN, 0}, {descriptor::kLife, 0, 0}};
  while (true) {
    const int ready = ::poll(watched, 2, -1);
    if (ready < 0 && errno != EINTR) return fail_errno("waiting");
    if (ready < 0) continue;
    if ((watched[1].revents & (POLLHUP | POLLERR)) != 0) {
      discard(child.signal(SIGKILL), "it may have ended just now");
    }
    if (watched[0].revents != 0 || watched[1].revents != 0) break;
  }
  Result<process::End> end = child.wait();
  if (cgroups.ok()) {
    discard(cgroups.value().kill(), "the removal says what is left");
    TRY(cgroups.value().remove(std::chrono::steady_clock::now() + kEndLimit));
  }
  return end;
}

Result<process::End> run() {
  const StepRequest request = TRY(read_request());
  container::Created created = TRY(start(request));
  return follow(std::move(created));
}

json::Value answer_of(const Result<process::End>& end) {
  json::Value answer = json::Value::object();
  if (!end.ok()) {
    answer.set("error", end.error().message());
  } else if (const auto* exited = std::get_if<process::Exited>(&end.value())) {
    answer.set("exited", exited->code);
  } else {
    answer.set("signalled", std::get<process::Signalled>(end.value()).signal);
  }
  return answer;
}

}  // namespace
}  // namespace proa::step

int main() {
  using namespace proa;
  ::signal(SIGPIPE, SIG_IGN);
  // Nobody inside may look into a process that still has the engine's rights.
  ::prctl(PR_SET_DUMPABLE, 0);
  const Result<process::End> end = step::run();
  const std::string line = json::print(step::answer_of(end)) + "\n";
  const Result<void> told = file::write_all(FdRef(build::step_descriptor::kAnswer), bytes_of(line));
  return told.ok() ? 0 : 1;
}
