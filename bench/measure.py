"""What the side-by-side benchmarks share: measured commands, interleaving, tables and files."""
import ctypes
import json
import os
import statistics
import time

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 1 << 18, 2
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def hide_mount(path):
    """Unmounts `path` for this process alone, which gets a mount namespace of its own."""
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")
    if path:
        check(libc.umount2(path.encode(), MNT_DETACH), f"unmounting {path}")


class Runner:
    """A long-lived process that starts commands and measures them.

    It has its own mount namespace (made once, outside the measured time) and adopts what the
    commands detach, so that CPU time of a container's own process counts too.
    """

    def __init__(self, hidden_mount=None):
        self._requests, child_requests = os.pipe()[::-1]
        child_replies, self._replies = os.pipe()[::-1]
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._requests)
            os.close(self._replies)
            code = 1
            try:
                hide_mount(hidden_mount)
                libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
                serve(child_requests, child_replies)
                code = 0
            finally:
                os._exit(code)
        os.close(child_requests)
        os.close(child_replies)
        self._replies = os.fdopen(self._replies)

    def measure(self, commands):
        """Runs the commands one after the other: (wall seconds, CPU seconds)."""
        return self._ask(commands, "everything ends")

    def spawn(self, command):
        """Runs a command and leaves what it detached alive."""
        self._ask([command], "detached")

    def _ask(self, commands, until):
        os.write(self._requests, (json.dumps([commands, until]) + "\n").encode())
        reply = json.loads(self._replies.readline())
        if reply["error"]:
            raise RuntimeError(reply["error"])
        return reply["wall"], reply["cpu"]

    def close(self):
        # A word, for later runners hold copies of this pipe and its end never comes.
        os.write(self._requests, b"null\n")
        os.close(self._requests)
        self._replies.close()
        os.waitpid(self.pid, 0)


def serve(requests, replies):
    null = os.open(os.devnull, os.O_RDWR)
    with os.fdopen(requests) as lines:
        for line in lines:
            request = json.loads(line)
            if request is None:
                return
            reply = run_measured(*request, null)
            os.write(replies, (json.dumps(reply) + "\n").encode())


def run_measured(commands, until, null):
    error, cpu = "", 0.0
    errors = os.memfd_create("errors")
    redirect = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, errors, 2)]
    begin = time.perf_counter()
    for command in commands:
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=redirect)
        _, status, usage = os.wait4(pid, 0)
        cpu += usage.ru_utime + usage.ru_stime
        if status != 0:
            text = os.pread(errors, 4000, 0).decode(errors="replace")
            error = f"{' '.join(command)}: status {status}: {text}"
            break
    wall = time.perf_counter() - begin
    while until == "everything ends":  # what the commands detached
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            time.sleep(0.0002)
            continue
        cpu += usage.ru_utime + usage.ru_stime
    os.close(errors)
    return {"wall": wall, "cpu": cpu, "error": error}


class Samples:
    """Seconds by name, shown in milliseconds."""

    def __init__(self):
        self.of = {}

    def add(self, name, wall, cpu):
        walls, cpus = self.of.setdefault(name, ([], []))
        walls.append(wall * 1e3)
        cpus.append(cpu * 1e3)

    def figure(self, name, kind, statistic):
        values = self.of[name][0 if kind == "wall" else 1]
        if statistic == "min":
            return min(values)
        if statistic == "p90":
            return statistics.quantiles(values, n=10)[-1]
        return statistics.median(values)

    def print_table(self, title):
        print(f"\n{title}\n{'ms':28} {'wall':>8} {'min':>8} {'p90':>8} {'CPU':>8} {'min':>8}")
        for name in self.of:
            row = [self.figure(name, *what) for what in (
                ("wall", "median"), ("wall", "min"), ("wall", "p90"), ("cpu", "median"),
                ("cpu", "min"))]
            print(f"{name:28} " + " ".join(f"{value:8.2f}" for value in row))


def entry(name, value, unit, peer, peer_value, done, goal, better="smaller"):
    """One record of the benchmark's file."""
    ratio = value / peer_value if peer_value else None
    return {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value,
            "ratio": ratio, "better": better, "done": done, "goal": goal}


def print_ratios(entries):
    print(f"\n{'ratio to peer (smaller is better)':56} {'ratio':>7} {'done':>6} {'goal':>6}")
    for record in entries:
        limits = [f"{record[key]:6.2f}" if record[key] is not None else "     -"
                  for key in ("done", "goal")]
        print(f"{record['name'] + ' / ' + record['peer']:56} {record['ratio']:7.2f} "
              + " ".join(limits))


def write_json(path, entries):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=2)
            file.write("\n")
