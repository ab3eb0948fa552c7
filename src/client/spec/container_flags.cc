#include "client/spec/container_flags.h"

#include <array>

namespace proa::client {
namespace {

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kList = Flag::Kind::list;
constexpr auto kInteger = Flag::Kind::integer;

constexpr auto kLimits = std::to_array<Flag>({
    {'\0', "blkio-weight", kInteger, "weight", "Weight of block I/O, 10 to 1000 (0: none)"},
    {'\0', "cpu-period", kInteger, "us", "Period of the CPU quota, in microseconds"},
    {'\0', "cpu-quota", kInteger, "us", "CPU time in each period, in microseconds"},
    {'\0', "cpu-rt-period", kInteger, "us", "Period of real-time scheduling"},
    {'\0', "cpu-rt-runtime", kInteger, "us", "Real-time CPU time in each period"},
    {'c', "cpu-shares", kInteger, "shares", "Share of CPU time beside others (relative)"},
    {'\0', "cpus", kText, "number", "CPUs it may use, as \"1.5\"; of a VM: how many it has"},
    {'\0', "cpuset-cpus", kText, "list", "CPUs it may run on, as \"0-3\" or \"0,1\""},
    {'\0', "cpuset-mems", kText, "list", "Memory nodes it may use"},
    {'m', "memory", kText, "size", "Limit of its memory, as \"512m\"; of a VM: how much it has"},
    {'\0', "memory-reservation", kText, "size", "Soft limit of its memory"},
    {'\0', "memory-swap", kText, "size", "Memory and swap together; -1: any amount of swap"},
    {'\0', "pids-limit", kInteger, "number", "Most processes (-1: any number)"},
    {'\0', "restart", kText, "policy",
     "When to start again: no, on-failure[:most], always, unless-stopped"},
});

constexpr auto kFlags = std::to_array<Flag>({
    {'\0', "add-host", kList, "name:ip", "Add a line to its /etc/hosts"},
    {'\0', "annotation", kList, "key=value", "Add an annotation, which goes to the runtime"},
    {'a', "attach", kList, "stream", "Attach only to stdin, stdout or stderr"},
    {'\0', "blkio-weight-device", kList, "path:weight", "Weight of block I/O of one device"},
    {'\0', "cap-add", kList, "capability", "Add a Linux capability"},
    {'\0', "cap-drop", kList, "capability", "Take a Linux capability away (ALL: all)"},
    {'\0', "cgroup-parent", kText, "path", "Put its cgroup below this one"},
    {'\0', "cgroupns", kText, "mode", "Cgroup namespace: private or host"},
    {'\0', "cidfile", kText, "file", "Write its id to a file", "file"},
    {'\0', "device", kList, "path[:path[:rwm]]", "Give it a device of the host", "file"},
    {'\0', "device-cgroup-rule", kList, "rule", "Allow more devices, as \"c 42:* rmw\""},
    {'\0', "device-read-bps", kList, "path:rate", "Bytes it may read each second from a device"},
    {'\0', "device-read-iops", kList, "path:rate", "Reads it may do each second"},
    {'\0', "device-write-bps", kList, "path:rate", "Bytes it may write each second"},
    {'\0', "device-write-iops", kList, "path:rate", "Writes it may do each second"},
    {'\0', "dns", kList, "address", "Ask this name server"},
    {'\0', "dns-option", kList, "option", "Set an option of name look-ups"},
    {'\0', "dns-search", kList, "domain", "Look names up in this domain too"},
    {'\0', "domainname", kText, "name", "Domain name it sees"},
    {'\0', "entrypoint", kText, "program", "Start this program instead of the image's"},
    {'e', "env", kList, "name[=value]", "Set a variable (a name alone: as it is here)"},
    {'\0', "env-file", kList, "file", "Set variables from a file", "file"},
    {'\0', "expose", kList, "port", "Say that it listens on a port"},
    {'\0', "group-add", kList, "group", "Add a group"},
    {'\0', "health-cmd", kText, "command", "Command that tells whether it is healthy"},
    {'\0', "health-interval", kText, "duration", "Time between two health checks"},
    {'\0', "health-retries", kInteger, "number", "Failures in a row that make it unhealthy"},
    {'\0', "health-start-interval", kText, "duration", "Time between checks while it starts"},
    {'\0', "health-start-period", kText, "duration", "Time in which failures do not count"},
    {'\0', "health-timeout", kText, "duration", "Longest time that a check may take"},
    {'h', "hostname", kText, "name", "Host name it sees"},
    {'\0', "hypervisor", kText, "which", "With --runtime vm: auto, kvm or hosted (QEMU)"},
    {'\0', "init", kBoolean, "", "Run a small init inside that reaps and passes signals on"},
    {'i', "interactive", kBoolean, "", "Keep its standard input open"},
    {'\0', "ip", kText, "address", "Its IPv4 address on the network"},
    {'\0', "ip6", kText, "address", "Its IPv6 address on the network"},
    {'\0', "ipc", kText, "mode", "IPC namespace: private, shareable, host, container:NAME"},
    {'\0', "isolation-min", kText, "level",
     "Refuse to run with less isolation: container, vm-emulated or vm"},
    {'\0', "kernel", kText, "name", "With --runtime vm: kernel of the guest"},
    {'l', "label", kList, "key[=value]", "Add a label"},
    {'\0', "label-file", kList, "file", "Add labels from a file", "file"},
    {'\0', "link", kList, "container[:alias]", "Let it find another container by this name"},
    {'\0', "log-driver", kText, "driver", "Where its output is kept: json-file, local or none"},
    {'\0', "log-opt", kList, "key=value", "Set an option of the log driver"},
    {'\0', "mac-address", kText, "address", "Its MAC address on the network"},
    {'\0', "memory-swappiness", kInteger, "0-100", "Tendency to swap (-1: the host's)"},
    {'\0', "mount", kList, "type=...,...", "Mount a bind, volume or tmpfs, said in full"},
    {'\0', "name", kText, "name", "Name it"},
    {'\0', "net", kList, "network", "Same as --network", "network"},
    {'\0', "network", kList, "network", "Connect it: a network, none, host, container:NAME",
     "network"},
    {'\0', "net-alias", kList, "name", "Same as --network-alias"},
    {'\0', "network-alias", kList, "name", "Give it one more name on the network"},
    {'\0', "no-healthcheck", kBoolean, "", "Do not run the image's health check"},
    {'\0', "oom-kill-disable", kBoolean, "", "Do not kill it when its memory is used up"},
    {'\0', "oom-score-adj", kInteger, "-1000-1000", "How readily the kernel kills it"},
    {'\0', "pid", kText, "mode", "PID namespace: private, host, container:NAME"},
    {'\0', "platform", kText, "os/arch", "Platform of the image"},
    {'\0', "privileged", kBoolean, "", "Take all protection away"},
    {'p', "publish", kList, "[ip:][port:]port", "Publish a port on the host"},
    {'P', "publish-all", kBoolean, "", "Publish all ports that it listens on"},
    {'\0', "pull", kText, "when", "Get the image: always, missing or never"},
    {'q', "quiet", kBoolean, "", "Do not show the pull"},
    {'\0', "read-only", kBoolean, "", "Mount its root read-only"},
    {'\0', "rm", kBoolean, "", "Remove it when it ends"},
    {'\0', "runtime", kText, "runtime",
     "How it is isolated: container (the default), or vm for a machine of its own", "runtime"},
    {'\0', "security-opt", kList, "option", "Set seccomp=FILE, no-new-privileges and the like"},
    {'\0', "shm-size", kText, "size", "Size of /dev/shm"},
    {'\0', "stop-signal", kText, "signal", "Signal that asks it to stop"},
    {'\0', "stop-timeout", kInteger, "seconds", "Time it has to stop before it is killed"},
    {'\0', "storage-opt", kList, "key=value", "Set an option of its writable layer"},
    {'\0', "sysctl", kList, "name=value", "Set a kernel parameter of its namespaces"},
    {'\0', "tmpfs", kList, "path[:options]", "Mount an empty file system in memory"},
    {'t', "tty", kBoolean, "", "Give it a terminal"},
    {'\0', "ulimit", kList, "name=soft[:hard]", "Set a resource limit of its processes"},
    {'u', "user", kText, "user[:group]", "Run as this user"},
    {'\0', "userns", kText, "mode", "User namespace: private, host (the default: one of its own)"},
    {'\0', "uts", kText, "mode", "UTS namespace: private or host"},
    {'v', "volume", kList, "source:path[:ro]", "Mount a volume or a directory of the host", "file"},
    {'\0', "volume-driver", kText, "driver", "Driver of volumes made on the way"},
    {'\0', "volumes-from", kList, "container", "Mount another container's volumes", "container"},
    {'w', "workdir", kText, "path", "Directory it starts in"},
});

constexpr auto kAll = [] {
  std::array<Flag, kFlags.size() + kLimits.size()> all{};
  std::size_t at = 0;
  for (const Flag& flag : kFlags) all[at++] = flag;
  for (const Flag& flag : kLimits) all[at++] = flag;
  return all;
}();

}  // namespace

std::span<const Flag> container_flags() { return kAll; }
std::span<const Flag> limit_flags() { return kLimits; }

}  // namespace proa::client
