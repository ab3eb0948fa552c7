"""Builders of images, each with a data root of its own on one disk: proad, Debian's dockerd with
its classic builder and its BuildKit, buildah; what benchmarks and the differential test share."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PROA_BIN", TREE / "build/release/bin"))
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


CGROUP = "proa-builders"  # parent of dockerd's


class Failed(Exception):
    pass


def remove_cgroups():
    """dockerd leaves the parents of its containers' cgroups."""
    for parent in [*pathlib.Path("/sys/fs/cgroup").glob(f"*/{CGROUP}"), pathlib.Path("/sys/fs/cgroup", CGROUP)]:
        for directory, _, _ in os.walk(parent, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        said = (done.stdout[-2000:] + done.stderr[-2000:]).decode(errors="replace")
        raise Failed(f"{' '.join(map(str, command))}: {said}")
    return done.stdout


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not come up")
        time.sleep(0.02)


class Daemon:
    """A process and its log."""

    def __init__(self, log, command, answers):
        with open(log, "wb") as file:
            self.process = subprocess.Popen([str(part) for part in command], stdout=file, stderr=file)
        try:
            wait_for(answers, f"{command[0]} (see {log})")
        except Failed:
            self.close()
            raise

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Proa:
    name = "proa"

    def __init__(self, work, disk):
        socket = work / "proa-run/proa.sock"
        self.daemon = Daemon(work / "proad.log", [
            BIN / "proad", "--root", disk / "proa", "--run", work / "proa-run", "--host",
            f"unix://{socket}"], socket.exists)
        self.base = [BIN / "proa", "--host", f"unix://{socket}"]

    def load(self, archive):
        run(*self.base, "load", "-i", archive)

    def build(self, context, file, arguments):
        return run(*self.base, "build", "-q", "--network", "host", "-f", file, *arguments, context)

    def save(self, image, archive):
        run(*self.base, "save", "-o", archive, image)

    def run(self, image, *command):
        return run(*self.base, "run", "--rm", "--network", "none", image, *command)

    def close(self):
        self.daemon.close()


class Docker:
    """The classic builder; --bridge=none leaves the host's network alone."""
    name = "docker 20 classic"
    buildkit = "0"

    def __init__(self, work, disk, daemon=None):
        self.socket = work / "docker.sock"
        # Not a newer client, which wants a plugin for BuildKit.
        self.base = ["/usr/bin/docker", "-H", f"unix://{self.socket}"]
        self.daemon = daemon or Daemon(work / "docker.log", [
            "/usr/sbin/dockerd", "--data-root", disk / "docker", "--exec-root", work / "docker-run",
            "--pidfile", work / "docker.pid", "-H", f"unix://{self.socket}", "--bridge=none",
            "--iptables=false", "--ip-forward=false", "--storage-driver", "overlay2",
            f"--cgroup-parent=/{CGROUP}"], self.answers)
        self.is_owner = daemon is None

    def answers(self):
        return subprocess.run([*self.base, "version"], capture_output=True).returncode == 0

    def load(self, archive):
        run(*self.base, "load", "-i", archive)

    def build(self, context, file, arguments):
        return run(*self.base, "build", "-q", "--network", "host", "-f", file, *arguments, context,
                   env={"DOCKER_BUILDKIT": self.buildkit, **ENVIRONMENT})

    def save(self, image, archive):
        run(*self.base, "save", "-o", archive, image)

    def run(self, image, *command):
        return run(*self.base, "run", "--rm", "--network", "none", image, *command)

    def close(self):
        if self.is_owner:
            self.daemon.close()
            remove_cgroups()


class DockerBuildKit(Docker):
    """The BuildKit inside the same dockerd."""
    name = "docker 20 BuildKit"
    buildkit = "1"


class Buildah:
    name = "buildah"

    def __init__(self, work, disk):
        self.base = ["buildah", "--root", disk / "buildah", "--runroot", work / "buildah-run",
                     "--storage-driver", "overlay"]

    def load(self, archive):
        run(*self.base, "pull", "-q", f"docker-archive:{archive}")

    def build(self, context, file, arguments):
        # Its default limits are above what this process may have.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
        return run(*self.base, "build", "-q", "--layers", "--pull-never", "--format", "docker",
                   "--isolation", "oci", "--runtime", "runc", "--network", "host", *limits, "-f", file,
                   *arguments, context)

    def save(self, image, archive):
        run(*self.base, "push", "-q", image, f"docker-archive:{archive}:{image}")

    def close(self):
        pass


@contextlib.contextmanager
def loop_disk(work, size):
    """An ext4 of its own below `work`; everything mounted below it goes with it."""
    disk = work / "disk"
    disk.mkdir()
    run("truncate", "-s", size, work / "disk.img")
    run("mkfs.ext4", "-q", work / "disk.img")
    run("mount", "-o", "loop", work / "disk.img", disk)
    try:
        yield disk
    finally:
        # dockerd leaves the namespaces of its containers mounted, proad that of its layers.
        for leftover in (*work.glob("docker-run/netns/*"), work / "proa-run/mnt"):
            subprocess.run(["umount", leftover], capture_output=True)
        subprocess.run(["umount", "-R", disk], capture_output=True)


def need_root():
    if os.geteuid() != 0:
        sys.exit("this needs root")
