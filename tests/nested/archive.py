"""Makes the initramfs: a cpio archive ("newc") with busybox, an init script, the files asked for,
the shared libraries that they need, and kernel modules in the order in which they load."""
import os
import pathlib
import re
import shlex
import stat
import subprocess

BUSYBOX = pathlib.Path("/bin/busybox")
INIT = pathlib.Path(__file__).resolve().parent / "init"
DIRECTORIES = ["bin", "dev", "etc", "lib", "lib64", "modules", "mnt", "proc", "root", "run", "sbin",
               "sys", "tmp", "usr", "usr/bin", "usr/sbin", "var", "var/tmp"]  # fmt: skip


class Missing(Exception):
    """Something that the machine was to be made of is not there."""


class Archive:
    """Writes entries of a cpio archive in the "newc" form (initramfs buffer format)."""

    def __init__(self, out):
        self.out = out
        self.known = set()

    def _entry(self, name, mode, content=b"", device=(0, 0)):
        if name in self.known:
            return
        self.known.add(name)
        raw = name.encode() + b"\0"
        fields = [len(self.known), mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(raw), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.out.write(header + raw + b"\0" * (-(len(header) + len(raw)) % 4))
        self.out.write(content + b"\0" * (-len(content) % 4))

    def directory(self, name):
        name = name.strip("/")
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)
        if name:
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, content, mode):
        name = name.lstrip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, content)

    def link(self, name, target):
        name = name.lstrip("/")
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        """Puts in a character device."""
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def copy(self, source, name):
        """Puts in a file, a link as a link, or a whole directory."""
        if source.is_symlink():
            self.link(name, os.readlink(source))
        elif source.is_dir():
            self.directory(name)
            for child in sorted(source.iterdir()):
                self.copy(child, f"{name}/{child.name}")
        else:
            self.file(name, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))

    def finish(self):
        self._entry("TRAILER!!!", 0)


def libraries_of(program):
    """Names the shared libraries and the loader of an ELF program; none of anything else."""
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    told = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    missing = re.search(r"(\S+) => not found", told)
    if missing:
        raise Missing(f"{program} needs {missing.group(1)}")
    return re.findall(r"(/\S+) \(0x", told)


def load_order(tree, names):
    """Gives the files of the modules `names` and of all they depend on, dependencies first."""
    files = {path.stem.replace("-", "_"): path for path in tree.rglob("*.ko")} if names else {}
    builtin = tree / "modules.builtin"
    built_in = set()
    if names and builtin.exists():
        built_in = {pathlib.Path(line).stem.replace("-", "_")
                    for line in builtin.read_text().split()}  # fmt: skip
    order = []

    def visit(name):
        name = name.replace("-", "_")
        if name in built_in or any(path is files.get(name) for path in order):
            return
        if name not in files:
            raise Missing(f"the kernel has no module '{name}'")
        depends = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        for dependency in depends.group(1).decode().split(",") if depends else []:
            if dependency:
                visit(dependency)
        order.append(files[name])

    for name in names:
        visit(name)
    return order


def write(target, files, modules, command):
    if not BUSYBOX.exists():
        raise Missing("/bin/busybox (package busybox-static) is missing")
    with open(target, "wb") as out:
        archive = Archive(out)
        for directory in DIRECTORIES:
            archive.directory(directory)
        archive.copy(BUSYBOX, "bin/busybox")
        archive.copy(INIT, "init")
        archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", 0o644)
        archive.file("etc/group", b"root:x:0:\n", 0o644)
        for number, module in enumerate(modules):
            archive.copy(module, f"modules/{number:03}-{module.name}")
        for asked in files:
            host, _, guest = asked.partition(":")
            source = pathlib.Path(host).resolve()
            if not source.exists():
                raise Missing(f"{host} is missing")
            archive.copy(source, guest or f"bin/{pathlib.Path(host).name}")
            if source.is_file():
                for library in libraries_of(source):
                    archive.copy(pathlib.Path(library).resolve(), library)
        archive.file("command", f"exec {shlex.join(command)}\n".encode(), 0o755)
        archive.finish()
