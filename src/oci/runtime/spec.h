// The configuration of a container (config.json) as checked types: whatever a Spec holds has been
// looked at once, so that those who act on it do not look again. Not the host's view: whether the
// kernel can do what is asked for is the plan's matter.
//
// Spec: OCI runtime specification 1.3, config.md and config-linux.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "oci/runtime/resources.h"
#include "oci/runtime/seccomp.h"

namespace proa::oci::runtime {

// The newest version of the specification that is understood, and what the programs write.
constexpr std::string_view kRuntimeSpecVersion = "1.3.0";

struct IdMapping {
  std::uint32_t container_id = 0;
  std::uint32_t host_id = 0;
  std::uint32_t size = 0;  // at least 1; neither range wraps
  bool operator==(const IdMapping&) const = default;
};

struct Root {
  std::string path;  // absolute, or relative to the bundle
  bool readonly = false;
};

struct Mount {
  std::string destination;           // inside the container, absolute
  std::string type;                  // empty for a bind
  std::string source;                // relative ones are relative to the bundle
  std::vector<std::string> options;  // understood by container/plan
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
};

// Capabilities as bits: 1 << CAP_CHOWN and so on. Names that the kernel's headers do not know are
// kept for a warning.
struct Capabilities {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t permitted = 0;
  std::uint64_t ambient = 0;
  std::vector<std::string> unknown;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// -1 as the kernel sees it: setresuid(2) and its like then change nothing.
constexpr std::uint32_t kNoId = 0xffff'ffff;

struct User {
  std::uint32_t uid = 0;  // never kNoId; gid neither
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> additional_gids;
};

struct ConsoleSize {
  std::uint16_t height = 0;
  std::uint16_t width = 0;
};

// The kernel's numbers (its header for them is not fit for C++).
enum class IoClass : std::uint8_t { realtime = 1, best_effort = 2, idle = 3 };

struct IoPriority {
  IoClass io_class = IoClass::best_effort;
  int priority = 0;  // 0 to 7
};

// Lists of processors as in "0-3,7".
// Numbers as sched_setattr(2) takes them; times in nanoseconds.
struct Scheduler {
  std::uint32_t policy = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t flags = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

struct CpuAffinity {
  std::string initial;
  std::string final_set;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;  // absolute
  std::optional<Capabilities> capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::optional<int> oom_score_adj;
  std::string selinux_label;
  std::optional<IoPriority> io_priority;
  std::optional<Scheduler> scheduler;
  std::optional<CpuAffinity> exec_cpu_affinity;
};

struct Hook {
  std::string path;  // absolute
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<std::uint32_t> timeout;  // seconds
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

enum class NamespaceType : std::uint8_t { mount, pid, network, ipc, uts, user, cgroup, time };

std::string_view name(NamespaceType type);  // "mount", "pid", "network", ...

struct Namespace {
  NamespaceType type = NamespaceType::mount;
  std::string path;  // empty: a new one
};

struct Device {
  char type = 'c';  // 'c', 'b', 'p'; "u" is stored as 'c'
  std::string path;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::optional<std::uint32_t> file_mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

struct Linux {
  std::vector<Namespace> namespaces;  // each type at most once
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::vector<Device> devices;
  std::string cgroups_path;
  Resources resources;
  std::string rootfs_propagation;  // "", "shared", "slave", "private", "unbindable" or r-forms
  std::optional<Seccomp> seccomp;
  std::vector<std::pair<std::string, std::string>> sysctl;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string mount_label;
  std::optional<std::uint32_t> personality;  // PER_LINUX or PER_LINUX32

  // The namespace of that type, or nullptr where the runtime's own is kept.
  const Namespace* find(NamespaceType type) const;
};

struct Spec {
  std::string oci_version;
  std::optional<Root> root;
  std::vector<Mount> mounts;
  std::optional<Process> process;
  std::string hostname;
  std::string domainname;
  Hooks hooks;
  std::map<std::string, std::string> annotations;
  Linux linux_part;
};

// Parses and validates config.json. Fields that the specification has and Proa does not do are
// refused by name; fields that the specification does not have are ignored, as it demands.
//
// Shape:  `name` stands for the file in messages
// Errors: invalid_argument (naming the field), unsupported (naming the field)
Result<Spec> parse_spec(std::string_view text, std::string_view name = "config.json");
Result<Spec> read_spec(const json::Reader& document);
// The process object alone, as `exec --process` takes it.
Result<Process> read_process(const json::Reader& object);

// Capability names, "CAP_CHOWN" to the newest that the headers know.
std::optional<int> capability_number(std::string_view name);
std::string_view capability_name(int number);
int capability_count();

}  // namespace proa::oci::runtime
