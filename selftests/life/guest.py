# SPDX-License-Identifier: GPL-2.0
"""guest.py - the machine that the lifecycle fuzzer works with: one that is
running, told what to do step by step (../helpers/life.c), and what it answers."""
import contextlib
import os
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "rig"))
from emulator import running  # noqa: E402
from judge import FINISHED  # noqa: E402
from klog import COMPLAINT, PANIC, STAMP  # noqa: E402
from machine import NO_WINDOW, Machine  # noqa: E402
from monitor import where_it_stands  # noqa: E402
from run import parse  # noqa: E402

ANSWER = re.compile(r"^life (\S+) (\S+) ?(.*)$")


class Died(Exception):
    """The machine says no more, or has ended."""


class Unit:
    """A line of dma_alias_pool_life's state."""

    def __init__(self, words):
        self.exists, self.bound = words[1] == "1", words[2] == "1"
        self.created, self.released = int(words[3]), int(words[4])
        self.ops = words[5]
        self.differs = words[6] == "1"
        self.changed = int(words[7])
        self.slots = {}
        for word in words[8:]:
            slot, dma, size = re.split("[=/]", word)
            self.slots[int(slot)] = (int(dma, 16), int(size))


class PoolFiles:
    """What debugfs says of a pool."""

    def __init__(self, text):
        # names have colons, too
        stats, clients, allocations = (p.split() for p in re.split(r" :(?= |$)", text))
        self.name = stats.pop(0)
        self.stats = {k: int(v) for k, v in (w.split("=") for w in stats)}
        self.clients = clients
        self.allocations = {k: int(v) for k, v in (w.split("=") for w in allocations)}


class Seen:
    """What was there after a step."""

    def __init__(self):
        self.errnos = []
        self.references = None  # None: the module is not loaded
        self.iomem = set()
        self.bound = set()
        self.files = False  # has debugfs the module's directory?
        self.pools = {}
        self.units = {}
        self.findings = []
        self.log = []  # the kernel's lines meanwhile

    def same_as(self, other):
        """Is nothing else there?"""
        def there(seen):
            return (seen.references, seen.iomem, seen.bound, seen.files,
                    {k: vars(v) for k, v in seen.pools.items()},
                    {k: vars(v) for k, v in seen.units.items()})
        return other is not None and there(self) == there(other)

    def line(self, what, rest):
        words = rest.split()
        if what == "=":
            self.errnos = [int(w) for w in words]
        elif what == "m":
            self.references = int(rest)
        elif what == "i":
            self.iomem = set(words)
        elif what == "b":
            self.bound = set(words)
        elif what == "D":
            self.files = True
        elif what == "p":
            pool = PoolFiles(rest)
            self.pools[pool.name] = pool
        elif what == "u":
            self.units[words[0]] = Unit(words)
        elif what == "!":
            self.findings.append(rest)


class Guest:
    """A machine that runs. With it: complaints, what its kernel complained of."""

    def __init__(self, args, log=None):
        self.args = args
        self.log = log
        self.console = []
        self.complaints = []
        self.lines = []  # not yet looked at
        self.rest = b""
        self.panicked = False
        self.number = 0
        self.told = []  # the items of the report before
        self.at = 0  # which one is next
        self.child = self.stack = self.machine = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.start(stack)
            self.stack = stack.pop_all()
        return self

    def start(self, stack):
        temp = stack.enter_context(tempfile.TemporaryDirectory(prefix="life."))
        a = self.args
        args = parse(["--kernel", a.kernel, "--initrd", a.initrd, "--board", a.board,
                      "--run", "life.sh"])
        args.dtb, args.overlay, args.append, args.qemu = a.dtb, a.overlay, a.append, a.qemu
        self.machine = stack.enter_context(contextlib.closing(Machine(args, temp)))
        self.series = self.machine.series
        argv, streams = self.machine.start(NO_WINDOW, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.child = stack.enter_context(running(argv, **streams))
        self.wait("-", "ready", self.args.boot_timeout, Seen())

    def __exit__(self, *what):
        self.stack.close()

    def fill(self, timeout):
        """More of the console's lines. False: nothing came in time."""
        out = self.child.stdout.fileno()
        if not select.select([out], [], [], timeout)[0]:
            return False
        data = os.read(out, 65536)
        if not data:
            raise Died("the machine ended")
        *lines, self.rest = (self.rest + data).replace(b"\r", b"").split(b"\n")
        for raw in lines:
            text = raw.decode("utf-8", "replace")
            if self.log:
                print(text, file=self.log, flush=True)
            self.console.append(text)
            self.lines.append(text)
        del self.console[:-3000]
        return True

    def kernel_says(self, text, seen):
        seen.log.append(text)
        if PANIC.search(text):
            self.panicked = True
        if COMPLAINT.search(text):
            self.complaints.append(text)

    def hear_panic(self, seen):
        """The rest of the report, then no more."""
        end = time.monotonic() + 5
        while time.monotonic() < end and self.fill(1.0):
            for text in self.lines:
                self.kernel_says(STAMP.sub("", text), seen)
            self.lines = []
        raise Died("the kernel panicked")

    def hear_hang(self):
        """Where it stands, and what its kernel then says, go to the console."""
        self.console += where_it_stands(self.machine, self.child)
        end = time.monotonic() + 5
        while time.monotonic() < end and self.fill(1.0):
            pass

    def item(self, what, rest, seen):
        """An item of an answer; life.c says what there is."""
        if what == "~":
            same = self.told[self.at:self.at + int(rest)]
            self.at += len(same)
            for one in same:
                seen.line(*one)
            return
        seen.line(what, rest)
        if what in ("=", "."):
            self.at = 0
        else:
            self.told[self.at:self.at + 1] = [(what, rest)]
            self.at += 1

    def wait(self, number, last, timeout, seen):
        """Collect until the answer's last line."""
        end = time.monotonic() + timeout
        while True:
            while self.lines:
                text = STAMP.sub("", self.lines.pop(0))
                m = ANSWER.match(text)
                if not m:
                    self.kernel_says(text, seen)
                elif m[1] == number:
                    for part in f"{m[2]} {m[3]}".split("|"):
                        what, _, rest = part.partition(" ")
                        self.item(what, rest, seen)
                    if what == last:
                        return
            left = end - time.monotonic()
            if self.panicked:
                self.hear_panic(seen)
            if left <= 0:
                self.hear_hang()
                raise Died(f"nothing came of it in {timeout:.0f} s")
            self.fill(min(left, 1.0))

    def tell(self, text):
        try:
            self.child.stdin.write(f"{text}\n".encode())
            self.child.stdin.flush()
        except BrokenPipeError as e:
            raise Died("the machine ended") from e

    def do(self, action, timeout=None):
        """Have a step done. Returns what there is then."""
        self.number += 1
        seen = Seen()
        self.tell(f"{self.number} {action}")
        self.wait(str(self.number), ".", timeout or self.args.step_timeout, seen)
        return seen

    def end(self):
        """Let it end by itself: what it says by then is in complaints. Returns
        whether the test module could be unloaded."""
        self.tell("0 end")
        seen = Seen()
        end = time.monotonic() + 300
        while time.monotonic() < end:
            while self.lines:
                text = STAMP.sub("", self.lines.pop(0))
                self.kernel_says(text, seen)
                if m := FINISHED.match(text):
                    return m[1] == "0"
            if self.panicked:
                self.hear_panic(seen)
            self.fill(1.0)
        raise Died("it did not come to its end")
