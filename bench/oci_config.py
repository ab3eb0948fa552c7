"""The bundle of the OCI runtimes' benchmark: what docker 29 asks a runtime for by default."""
import ctypes
import json
import os
import platform
import shutil

CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD",
                "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
                "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"]
MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
          "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
          "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
DEVICES = [(None, None, None, "rwm", False), ("c", None, None, "m", True),
           ("b", None, None, "m", True)] + [
    ("c", major, minor, "rwm", True) for major, minor in (
        (1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (4, 0), (4, 1),
        (136, None), (10, 200), (10, 229))]
SAFE = ["nosuid", "noexec", "nodev"]


def mount(destination, kind, source, options):
    return {"destination": destination, "type": kind, "source": source, "options": options}


MOUNTS = [
    mount("/proc", "proc", "proc", SAFE),
    mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    mount("/dev/pts", "devpts", "devpts",
          ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    mount("/sys", "sysfs", "sysfs", SAFE + ["ro"]),
    mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"] + SAFE),
    mount("/dev/mqueue", "mqueue", "mqueue", SAFE),
    mount("/dev/shm", "tmpfs", "shm", SAFE + ["mode=1777", "size=67108864"]),
]


def holds(rule, kernel):
    """Whether a rule of docker's profile applies to its default container on x86_64."""
    includes, excludes = rule.get("includes", {}), rule.get("excludes", {})
    least = includes.get("minKernel")
    if least and kernel < tuple(int(part) for part in least.split(".")):
        return False
    if any(capability not in CAPABILITIES for capability in includes.get("caps", [])):
        return False
    if includes.get("arches") and "amd64" not in includes["arches"]:
        return False
    if "amd64" in excludes.get("arches", []):
        return False
    return not any(capability in CAPABILITIES for capability in excludes.get("caps", []))


def seccomp(profile_path):
    with open(profile_path, encoding="utf-8") as file:
        profile = json.load(file)
    kernel = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    rules = []
    for rule in profile["syscalls"]:
        if holds(rule, kernel):
            rules.append({key: rule[key] for key in ("names", "action", "args", "errnoRet")
                          if key in rule})
    return {"defaultAction": profile["defaultAction"],
            "defaultErrnoRet": profile["defaultErrnoRet"],
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": rules}


def device_rule(kind, major, minor, access, allow):
    rule = {"allow": allow, "access": access}
    rule.update({key: value for key, value in (("type", kind), ("major", major), ("minor", minor))
                 if value is not None})
    return rule


def configuration(profile_path, arguments):
    return {
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs"},
        "hostname": "bench",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": arguments, "cwd": "/",
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOSTNAME=bench"],
            "capabilities": {name: CAPABILITIES
                             for name in ("bounding", "effective", "permitted")},
            "oomScoreAdj": 0},
        "mounts": MOUNTS,
        "linux": {
            "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0",
                       "net.ipv4.ping_group_range": "0 2147483647"},
            "namespaces": [{"type": kind}
                           for kind in ("mount", "network", "uts", "pid", "ipc", "cgroup")],
            "maskedPaths": MASKED, "readonlyPaths": READ_ONLY,
            "resources": {"devices": [device_rule(*rule) for rule in DEVICES]},
            "seccomp": seccomp(profile_path)}}


def make_bundle(path, programs, config):
    """A bundle at `path`; `programs` are files by their path inside."""
    for directory in ("bin", "dev", "proc", "sys", "etc", "tmp"):
        os.makedirs(f"{path}/rootfs/{directory}")
    for inside, source in programs.items():
        shutil.copy2(source, f"{path}/rootfs/{inside}")
    with open(f"{path}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""
    _fields_ = [("argument", ctypes.c_uint), ("operation", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


OPERATIONS = {"SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4,
              "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}
ACTIONS = {"SCMP_ACT_ALLOW": 0x7fff0000, "SCMP_ACT_ERRNO": 0x00050000}
FILTER_OPTIMIZE = 8


def compile_filter(profile, path):
    """Writes the profile's BPF program, by libseccomp's binary tree, for the floor to load."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(
        ctypes.c_uint32(ACTIONS[profile["defaultAction"]] | profile["defaultErrnoRet"])))
    library.seccomp_attr_set(context, FILTER_OPTIMIZE, 2)
    for name in (b"x86", b"x32"):
        library.seccomp_arch_add(context, ctypes.c_uint32(library.seccomp_arch_resolve_name(name)))
    for rule in profile["syscalls"]:
        action = ACTIONS[rule["action"]] | rule.get("errnoRet", 1 if "ERRNO" in rule["action"]
                                                    else 0)
        comparisons = (Comparison * 6)(*[
            (one["index"], OPERATIONS[one["op"]], one["value"], one.get("valueTwo", 0))
            for one in rule.get("args", [])])
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != -1:  # unknown to this libseccomp: every runtime leaves it out
                library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number,
                                               len(rule.get("args", [])), comparisons)
    with open(path, "wb") as file:
        if library.seccomp_export_bpf(context, file.fileno()) != 0:
            raise OSError("libseccomp could not export the filter")
    library.seccomp_release(context)
