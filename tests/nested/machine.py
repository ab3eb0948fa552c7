"""Starts QEMU, copies the command's output out of its second serial port as it comes, and watches
the time. Emulated nested SVM loses an interrupt now and then and hangs for ever: so a watchdog,
a periodic tick in the outer kernel (nohz=off highres=off), and a second attempt in `run`."""
import dataclasses
import os
import secrets
import selectors
import subprocess
import sys
import time


@dataclasses.dataclass
class Outcome:
    code: int | None = None
    problem: str = ""
    timed_out: bool = False
    console_tail: str = ""


class Output:
    """Splits what the serial port says: noise, "begin <nonce>", output, "end <nonce> <code>"."""

    def __init__(self, nonce, out):
        self.begin = f"begin {nonce}\n".encode()
        self.end = f"\nend {nonce} ".encode()
        self.out = out
        self.pending = b""
        self.begun = False
        self.code = None

    def feed(self, received):
        self.pending += received
        if not self.begun:
            _, found, rest = self.pending.partition(self.begin)
            if not found:
                return
            self.begun, self.pending = True, rest
        output, found, rest = self.pending.partition(self.end)
        if found:
            if rest.endswith(b"\n"):
                self._show(output)
                self.code = int(rest)
            return
        # The end's words may be cut in two by the pipe: what could be their start waits.
        keep = len(self.end) - 1
        self._show(self.pending[:-keep])
        self.pending = self.pending[-keep:]

    def flush(self):
        if self.begun and self.code is None:
            self._show(self.pending)

    def _show(self, output):
        self.out.write(output)
        self.out.flush()


# What QEMU's EPYC has and its emulation has not; it would warn of each.
NOT_EMULATED = ["rdseed", "sha-ni", "fxsr-opt", "misalignsse", "3dnowprefetch", "osvw", "topoext",
                "nrip-save", "xsavec"]  # fmt: skip
CPU = ",".join(["EPYC", "+svm", "+npt"] + [f"-{feature}" for feature in NOT_EMULATED])


def command_line(asked, scratch, nonce):
    # tsc=reliable: under load the outer kernel takes its TSC for unstable, and its KVM then arms the
    # timers of a guest seconds late.
    words = ["console=ttyS0", "quiet", "panic=-1", "reboot=a", "nohz=off", "highres=off", "tsc=reliable",
             "cryptomgr.notests", "random.trust_cpu=on", f"proa.nonce={nonce}"]  # fmt: skip
    return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "q35", "-accel", "tcg,thread=single,tb-size=256", "-cpu", CPU,
        "-m", str(asked.memory), "-smp", str(asked.cpus),
        "-kernel", str(asked.kernel), "-initrd", str(scratch / "initramfs"),
        "-append", " ".join(words + [asked.append]),
        "-serial", f"file:{asked.console or scratch / 'console'}", "-serial", "stdio",
        *asked.qemu,
    ]  # fmt: skip


def console_tail(path):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-20:])
    except OSError:
        return ""


def run(asked, scratch):
    nonce = secrets.token_hex(8)
    output = Output(nonce, sys.stdout.buffer)
    deadline = time.monotonic() + asked.timeout
    machine = subprocess.Popen(
        command_line(asked, scratch, nonce), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    outcome = Outcome()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(machine.stdout, selectors.EVENT_READ)
            while output.code is None:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    outcome.timed_out = True
                    outcome.problem = f"no end within {asked.timeout:g} s"
                    break
                received = os.read(machine.stdout.fileno(), 65536)
                if not received:
                    outcome.problem = f"the machine stopped ({machine.wait()})"
                    break
                output.feed(received)
    finally:
        machine.kill()
        machine.wait()
        machine.stdout.close()
    output.flush()
    outcome.code = output.code
    outcome.console_tail = console_tail(asked.console or scratch / "console")
    return outcome
