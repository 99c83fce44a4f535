#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""run.py - boot the emulated machine, and judge what happens in it.

In: a kernel directory (kernel.sh), an initramfs (initramfs.sh), a board's name.
Modes: --run SCRIPT [ARGS] (a test, judged by its KTAP lines and by the kernel
log), --raw SCRIPT [ARGS] (its output is passed on as it is), --interactive.
SCRIPT is a name below /root in the initramfs.
Out: KTAP lines and a summary on stdout; --log FILE, the whole console; --json
FILE, the counts. Exit status: 0 passed, 1 failed, 2 the rig itself is at fault.

What a test script can tell the runner (guest/rig-watch.sh has functions):
  # expect: REGEX ... # end-expect            a complaint of the kernel is wanted
  # expect-stop: REGEX      the machine is to stop for good, and to say this: that
                            passes the last test of the plan
  # expect-touch: N ... # end-expect-touch    touches of watched memory are wanted
  rig: watch on|off                           set or take away the watchpoint
  rig: module NAME 0xADDR [SECTION]           where NAME's .text (SECTION) is
"""
import argparse
import bisect
import contextlib
import ctypes
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
MAX_TOUCHES = 100
# of the machine that has a cache, see selftests/cache/map.h
RAM_SIZE = 16 << 20
# where the program counter is in all of the registers: its number, bytes of each
PC = {"arm": (15, 4), "riscv": (32, 8)}
# Debian's packages that are not called as the program in them is
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "qemu-system-riscv64": "qemu-system-misc"}
NO_WINDOW = ["-display", "none", "-monitor", "none", "-serial", "stdio"]

STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^\]]*\])? ?")
FINISHED = re.compile(r"^rig: finished status=(\d+)$")
# the second is ARMv7-M's: a fault in a fault's handler, say; it says so and spins
PANIC = re.compile(r"Kernel panic - not syncing|Unhandled exception: IPSR")
PANIC_END = re.compile(r"end Kernel panic")
KTAP = re.compile(r"^ *(?:ok \d|not ok \d|1\.\.\d|#|K?TAP version |Bail out!)")
RESULT = re.compile(r"^( *)(ok|not ok) (\d+)\b *(.*)$")
PLAN = re.compile(r"^( *)1\.\.(\d+)\b *(.*)$")

COMPLAINT = re.compile(
    r"""WARNING:|BUG:|BUG\ at|\bOops\b|Unhandled|Kernel\ panic|Unable\ to\ handle
    |DMA-API:(?!.*(?:preallocated|debugging\ (?:en|dis)abled))
    |Bad\ page|Bad\ rss|INFO:\ task|INFO:\ rcu|\bhung\b|blocked\ for\ more\ than
    |Internal\ error|[Ss]cheduling\ while\ atomic|[Ss]leeping\ function
    |refcount_t:|[Cc]all\ [Tt]race:|[Bb]acktrace:|---\[\ cut\ here
    |corruption|nobody\ cared|[Uu]nbalanced|cannot\ create\ duplicate
    |page\ allocation\ failure|Out\ of\ memory|vfree\(\)\ nonexistent
    |possible\ (?:recursive|circular)|stack\ guard|stack\ overflow
    |unreferenced\ object|UBSAN:|INFO:\ trying
    |invalid_entry|Unexpected\ (?:IRQ|exception)""",
    re.X,
)


# A data race is reported with both accesses; it is the module's if one of them is
# in its code, or in something that it called there and then.
RACE = re.compile(r"BUG: KCSAN: ")
RACE_END = re.compile(r"^=+$")
RACE_ACCESS = re.compile(r"^(?:race at unknown origin, with )?(?:read|write)[ -].*by (?:task|interrupt)")
RACE_FRAMES = 3
OURS = re.compile(r"\[dma_alias_pool\w*\]")


class RigError(Exception):
    """Something that is the rig's fault or the caller's, not the test's."""


class EmulatorCrashed(RigError):
    """QEMU's own fault, and nothing is known of the test."""


# --- what the console says ------------------------------------------------


class Ktap:
    """A KTAP stream. Top-level results count; nested ones must be reflected."""

    def __init__(self):
        self.plan = None
        self.skip_all = False
        self.passed = self.failed = self.skipped = 0
        self.seen = []
        self.nested = {}  # depth: a "not ok" waits for its parent's
        self.problems = []

    def line(self, text):
        if text.startswith("Bail out!"):
            self.problems.append(text)
        if m := PLAN.match(text):
            if not m[1]:
                if self.plan is not None:
                    self.problems.append("KTAP: a second top-level plan")
                self.plan = int(m[2])
                self.skip_all = self.plan == 0 and "SKIP" in m[3]
        elif m := RESULT.match(text):
            self.result(len(m[1]) // 4, m[2] == "ok", int(m[3]), m[4])

    def result(self, depth, ok, number, rest):
        skip = re.search(r"# *SKIP", rest, re.I)
        excused = skip or re.search(r"# *TODO", rest, re.I)
        below = [d for d in self.nested if d > depth]
        for d in below:
            if ok and not excused:
                self.problems.append(
                    f'KTAP: "{self.nested[d]}" failed below "ok {number} {rest}"')
            del self.nested[d]
        if depth:
            if not ok and not excused:
                self.nested[depth] = f"not ok {number} {rest}"
            return
        self.seen.append(number)
        if skip:
            self.skipped += 1
        elif ok or excused:
            self.passed += 1
        else:
            self.failed += 1

    def finish(self):
        """Complain of what is missing. Returns the number of lost results."""
        if self.plan is None:
            self.problems.append("KTAP: no plan (1..N) was seen")
            return 0
        lost = self.plan - len(set(self.seen))
        if lost > 0:
            self.problems.append(f"KTAP: {lost} of {self.plan} results are missing")
        elif self.seen != list(range(1, self.plan + 1)):
            self.problems.append(f"KTAP: results are not numbered 1 to {self.plan}")
        if self.plan == 0 and not self.skip_all:
            self.problems.append("KTAP: a plan of no tests")
        for text in self.nested.values():
            self.problems.append(f'KTAP: "{text}" has no parent result')
        return max(lost, 0)


class Judge:
    """Reads the console line by line; knows in the end what was wrong."""

    def __init__(self, show):
        self.show = show  # called with each line worth a look
        self.lines = []  # the console, stamps and all
        self.ktap = Ktap()
        self.problems = []  # (text, index of the line it is about)
        self.status = None
        self.panicked = self.panic_over = False
        self.expect = None  # [regex, seen]
        self.stop = None  # [regex, seen]: the machine is to stop with it
        self.race = None  # lines of a report of a data race that has not ended
        self.other_races = 0
        self.watch = None  # a Watch, where there is one
        self.request = None  # "on" or "off": the guest waits for it

    def problem(self, text, at=None):
        self.problems.append((text, len(self.lines) - 1 if at is None else at))

    def line(self, raw):
        self.lines.append(raw)
        text = STAMP.sub("", raw)
        if m := FINISHED.match(text):
            self.status = int(m[1])
            return
        if m := re.match(r"rig: watch (on|off)$", text):
            self.request = m[1]
            return
        if m := MODULE.match(text):
            if self.watch:
                self.watch.symbols.module(m[1], int(m[2], 16), (m[3] or ".text").strip())
            return
        if KTAP.match(text):
            before = len(self.ktap.problems)
            self.directive(text)
            self.ktap.line(text)
            for p in self.ktap.problems[before:]:
                self.problem(p)
            if re.match(r"not ok", text) and not re.search(r"# *(SKIP|TODO)", text, re.I):
                self.problem(f'KTAP: "{text}"')
            self.show(text)
            return
        # other processors go on meanwhile: tests, above, and complaints
        if self.race is not None or RACE.search(text):
            self.race_line(text)
            if RACE.search(text) or not COMPLAINT.search(text):
                return
        if self.stop:
            self.stop[1] = self.stop[1] or bool(re.search(self.stop[0], text))
            return
        if self.expect and re.search(self.expect[0], text):
            self.expect[1] = True
        if PANIC.search(text):
            self.panicked = True
        if PANIC_END.search(text):
            self.panic_over = True
        if not self.expect and COMPLAINT.search(text):
            self.problem(f"kernel: {text}")

    def race_line(self, text):
        if self.race is None:
            self.race = []
        self.race.append(text)
        if not RACE_END.match(text):
            return
        near, left = [], 0
        for row in self.race:
            if RACE_ACCESS.match(row):
                left = RACE_FRAMES
            elif left:
                near.append(row)
                left -= 1
        if any(OURS.search(row) for row in near):
            self.problem(f"kernel: {self.race[0]}")
        else:
            self.other_races += 1
        self.race = None

    def directive(self, text):
        if m := re.match(r"# expect: *(.*)$", text):
            self.end_expect()
            try:
                re.compile(m[1])
                self.expect = [m[1], False]
            except re.error as e:
                self.problem(f'"{text}": {e}')
        elif re.match(r"# end-expect$", text):
            if not self.expect:
                self.problem('"# end-expect" without "# expect:"')
            self.end_expect()
        elif m := re.match(r"# expect-stop: *(.*)$", text):
            self.stop = [m[1], False]
        elif m := re.match(r"# expect-touch: *(\d+)$", text):
            if self.watch:
                self.watch.expect_begin(int(m[1]))
        elif re.match(r"# end-expect-touch$", text):
            if self.watch:
                self.watch.expect_end(self)

    def end_expect(self):
        if self.expect and not self.expect[1]:
            self.problem(f'expected complaint did not come: "{self.expect[0]}"')
        self.expect = None

    def stopped(self):
        """The machine has stopped as it was to: its last words as a result."""
        self.status = 0
        self.line(f"ok {self.ktap.plan} it stops: {self.stop[0]}")

    def finish(self, cause):
        """cause: why the run ended without the finished line, or None."""
        if self.expect:
            self.problem('"# expect:" without "# end-expect"')
            self.end_expect()
        if self.race:
            self.problem(f"kernel: {self.race[0]}")
        if self.stop and self.status is None:
            self.problem(f'the machine did not stop with "{self.stop[0]}"')
        if cause:
            self.problem(cause)
        elif self.status:
            self.problem(f"the script ended with status {self.status}")
        before = len(self.ktap.problems)
        lost = self.ktap.finish()
        for p in self.ktap.problems[before:]:
            self.problem(p)
        if self.watch:
            self.watch.finish(self)
        return lost

    def console_around(self, out, before=20, after=20):
        """Print the console near what went wrong, each line once."""
        wanted = set()
        for _, at in self.problems[:5]:
            wanted.update(range(max(0, at - before), min(len(self.lines), at + after + 1)))
        last = None
        for i in sorted(wanted):
            if last is not None and i != last + 1:
                print("  ...", file=out)
            print(f"  | {self.lines[i]}", file=out)
            last = i


# --- watchpoints ----------------------------------------------------------


class Symbols:
    """Names for program counters: System.map, and modules where they are."""

    def __init__(self, system_map, objects, nm):
        self.objects = objects  # module name: path of its .ko
        self.nm = nm
        self.kernel = []
        with open(system_map, encoding="ascii") as f:
            for row in f:
                address, kind, name = row.split()[:3]
                if kind in "tTwW":
                    self.kernel.append((int(address, 16), name))
        self.kernel.sort()
        self.modules = []  # (base, end, name, [(offset, symbol)])

    def module(self, name, base, section):
        if name not in self.objects:
            return
        nm = subprocess.run(
            [self.nm, "-f", "sysv", self.objects[name]],
            capture_output=True, text=True, check=False)
        table, end = [], 0
        for row in nm.stdout.splitlines():
            cell = [c.strip() for c in row.split("|")]
            if len(cell) == 7 and cell[6] == section and cell[3] == "FUNC":
                # on Arm bit 0 says that it is Thumb code
                offset = int(cell[1], 16) & ~1
                table.append((offset, cell[0]))
                end = max(end, offset + int(cell[4] or "0", 16))
        self.modules.insert(0, (base, base + end, name, sorted(table)))

    @staticmethod
    def _nearest(table, value):
        i = bisect.bisect_right(table, (value, "\x7f")) - 1
        return f"{table[i][1]}+0x{value - table[i][0]:x}" if i >= 0 else f"0x{value:x}"

    def name(self, pc):
        for base, end, module, table in self.modules:
            if base <= pc < end:
                return f"{self._nearest(table, pc - base)} [{module}]"
        if self.kernel and self.kernel[0][0] <= pc <= self.kernel[-1][0]:
            return self._nearest(self.kernel, pc)
        return None


class Gdb:
    """As much of gdb's remote protocol as watching takes."""

    def __init__(self, path, arch, timeout=10):
        self.buffer = b""
        number, size = PC[arch]
        # in hexadecimal digits
        self.pc_at = slice(number * size * 2, (number + 1) * size * 2)
        deadline = time.monotonic() + timeout
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError as e:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise RigError(f"no connection to QEMU's gdb stub: {e}") from e
                time.sleep(0.05)
        self.socket.settimeout(timeout)

    def close(self):
        self.socket.close()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def fill(self):
        try:
            data = self.socket.recv(4096)
        except TimeoutError as e:
            raise RigError("QEMU's gdb stub does not answer") from e
        if not data:
            raise RigError("QEMU's gdb stub went away")
        self.buffer += data

    def packet(self):
        """The next packet if it is here; acknowledgements are skipped."""
        m = re.search(rb"\$([^#]*)#..", self.buffer)
        if not m:
            return None
        self.buffer = self.buffer[m.end():]
        self.socket.sendall(b"+")
        return m[1].decode("ascii", "replace")

    def receive(self):
        while (packet := self.packet()) is None:
            self.fill()
        return packet

    def ask(self, text):
        self.send(text)
        return self.receive()

    def command(self, text):
        answer = self.ask(text)
        if answer != "OK":
            raise RigError(f'gdb stub: "{text}" was answered with "{answer}"')

    def interrupt(self):
        self.socket.sendall(b"\x03")
        return self.receive()

    def pc(self):
        registers = self.ask("g")
        return int.from_bytes(bytes.fromhex(registers[self.pc_at]), "little")


class Watch:
    """Counts the accesses to a range of memory, with their whereabouts."""

    def __init__(self, base, size, symbols):
        self.point = f"4,{base:x},{size:x}"
        self.symbols = symbols
        self.gdb = None
        self.on_since = None
        self.seconds = 0.0
        self.was_on = False
        self.touches = []  # [pc, name, expected, console line]
        self.expected = None  # [wanted, seen]
        self.unfinished = None  # pc of an access that an exception came before
        self.overflow = False

    def start(self, path, arch):
        self.gdb = Gdb(path, arch)
        self.gdb.ask("?")
        self.gdb.send("c")

    def on(self):
        if self.on_since is None:
            self.gdb.command("Z" + self.point)
            self.on_since = time.monotonic()
            self.was_on = True

    def off(self):
        if self.on_since is not None:
            self.gdb.command("z" + self.point)
            self.seconds += time.monotonic() - self.on_since
            self.on_since = None

    def is_touch(self, packet):
        return self.on_since is not None and "watch:" in packet

    def request(self, what, judge):
        """The guest asks, and waits: the machine runs on afterwards."""
        packet = self.gdb.interrupt()
        if self.is_touch(packet):
            self.record(judge)
        if what == "on":
            self.on()
        else:
            self.off()
        self.gdb.send("c")

    def record(self, judge):
        """The machine stands at an access. Note it and step over it."""
        pc = self.gdb.pc()
        if pc != self.unfinished:
            self.touches.append([pc, self.symbols.name(pc), self.expected is not None,
                                 len(judge.lines) - 1])
            if self.expected:
                self.expected[1] += 1
        if len(self.touches) >= MAX_TOUCHES:
            self.overflow = True
            self.off()
            return
        self.gdb.command("z" + self.point)
        self.gdb.ask("s")
        # The step may have led into an exception instead: then the same access
        # comes again. Behind it are 2 or 4 bytes of Thumb code, or RISC-V's.
        self.unfinished = None if self.gdb.pc() in (pc + 2, pc + 4) else pc
        self.gdb.command("Z" + self.point)

    def stopped(self, judge):
        """A packet came while the machine should run: it stopped, or ended."""
        packet = self.gdb.packet()
        if packet is None or packet[:1] in "WX":
            return
        if self.is_touch(packet):
            self.record(judge)
        self.gdb.send("c")

    def expect_begin(self, count):
        self.expected = [count, 0]

    def expect_end(self, judge):
        if self.expected and self.expected[0] != self.expected[1]:
            judge.problem(f"watched memory was touched {self.expected[1]} times,"
                          f" expected {self.expected[0]}")
        self.expected = None

    def finish(self, judge):
        if self.expected:
            judge.problem('"# expect-touch:" without "# end-expect-touch"')
        places = {}
        for touch in self.touches:
            # a module's place may have been announced after its first touch
            touch[1] = touch[1] or self.symbols.name(touch[0]) or "user space, or code unknown"
            if not touch[2]:
                places.setdefault((touch[0], touch[1]), []).append(touch[3])
        for (pc, name), at in places.items():
            times = "" if len(at) == 1 else f" {len(at)} times"
            judge.problem(f"watched memory touched{times}: pc 0x{pc:08x} {name}", at[0])
        if not self.was_on:
            judge.problem("the watch was never on")
        if self.overflow:
            judge.problem(f"{MAX_TOUCHES} touches: the watch was given up")
        if self.on_since is not None:
            self.seconds += time.monotonic() - self.on_since


# --- the machine ----------------------------------------------------------


def read_conf(path):
    conf = {}
    with open(path, encoding="ascii") as f:
        for row in f:
            if m := re.match(r"([A-Z_]+)=(\S*)$", row):
                conf[m[1]] = m[2]
    return conf


def tool(argv):
    """Run a helper program; what it says is only of interest if it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise RigError(f"{argv[0]} is not installed (rig/need.sh device-tree-compiler)") from e
    if done.returncode:
        raise RigError(f"{shlex.join(argv)}: {done.stderr.strip()}")


def symbol_address(system_map, name):
    with open(system_map, encoding="ascii") as f:
        for row in f:
            word = row.split()
            if len(word) >= 3 and word[2] == name:
                return int(word[0], 16)
    raise RigError(f"no symbol {name} in {system_map}")


class Machine:
    """One boot's files and QEMU command line."""

    def __init__(self, args, temp):
        self.args = args
        self.temp = temp
        rig = os.path.join(args.kernel, "rig")
        if not os.path.exists(os.path.join(rig, "Image")):
            raise RigError(f"no kernel in {args.kernel} (rig/kernel.sh makes one)")
        self.conf = read_conf(os.path.join(rig, "board.conf"))
        if self.conf["BOARD"] != args.board:
            raise RigError(f"{args.kernel} is a kernel for {self.conf['BOARD']}, not {args.board}")
        with open(os.path.join(rig, "version"), encoding="ascii") as f:
            self.series = ".".join(f.read().split(".")[:2])
        self.rig = rig
        self.map = os.path.join(args.kernel, "System.map")
        self.gdb_path = os.path.join(temp, "gdb")
        self.faults = os.path.join(temp, "faults")
        self.arch = self.conf.get("ARCH", "arm")
        if args.watch and self.arch not in PC:
            raise RigError(f"{args.board} cannot be watched")
        self.nm = self.conf.get("CROSS_COMPILE", "arm-linux-gnueabi-") + "nm"
        self.ram = None
        if args.plugin:
            # QEMU and the plugin both map it, and it goes with them
            self.ram = os.memfd_create("ram")
            os.ftruncate(self.ram, RAM_SIZE)

    def cmdline(self):
        c = self.conf
        pool = self.args.pool or f"{c['POOL_PHYS']}:{c['POOL_SIZE']}:{c['POOL_ALIAS']}".rstrip(":")
        words = [f"rig.board={self.args.board}", f"rig.pool={pool}"]
        if self.args.run:
            words[:0] = ["earlycon", "loglevel=8", "printk.devkmsg=on"]
            words.append(f"rig.run={self.args.run}")
        else:
            words[:0] = ["quiet", "loglevel=4"]
            if self.args.raw:
                words.append(f"rig.raw={self.args.raw}")
        if self.args.args:
            words.append("rig.args=" + ",".join(self.args.args))
        if self.args.cacheid:
            words.append(f"rig.cacheid=0x{symbol_address(self.map, 'cacheid'):x}")
        if self.args.watch:
            words.append("rig.watch")
        if c.get("ENABLE"):
            words.append(f"rig.enable={c['ENABLE']}")
        if c.get("APPEND"):
            words.append(c["APPEND"])
        if "DTB" not in c:
            # no device tree to reserve it with, and no mem= below other RAM
            base, size, *alias = pool.split(":")
            words += [f"memmap={size}${at}" for at in (base, *alias)]
        if self.args.append:
            words.append(self.args.append)
        return " ".join(words)

    def device_tree(self):
        base = self.args.dtb or os.path.join(self.rig, self.conf["DTB"])
        out = os.path.join(self.temp, "board.dtb")
        if self.args.overlay:
            tool(["fdtoverlay", "-i", base, "-o", out, *self.args.overlay])
        else:
            shutil.copyfile(base, out)
        if "INITRD_ADDR" not in self.conf:
            return out  # QEMU's own loader fills in the rest
        start = int(self.conf["INITRD_ADDR"], 0)
        end = start + os.path.getsize(self.args.initrd)
        if end > int(self.conf["DTB_ADDR"], 0):
            raise RigError(f"{self.args.initrd} is too large for {self.args.board}")
        for key, kind, value in (("linux,initrd-start", "x", f"{start:x}"),
                                 ("linux,initrd-end", "x", f"{end:x}"),
                                 ("bootargs", "s", self.cmdline())):
            tool(["fdtput", "-t", kind, out, "/chosen", key, value])
        return out

    def board_args(self):
        """The words of the board's qemu.args, and of --qemu; each @disk:N@ is a
        new file of N MiB, and @ram:N@ one that is the same wherever it is named:
        memory that is seen at several addresses. They go with the run."""
        def file(m):
            name = "ram" if m[1] == "ram" else f"disk{len(os.listdir(self.temp))}"
            path = os.path.join(self.temp, name)
            with open(path, "ab") as f:
                f.truncate(int(m[2]) << 20)
            return path.replace(",", ",,")

        path = os.path.join(HERE, "boards", self.args.board, "qemu.args")
        words = []
        if os.path.exists(path):
            with open(path, encoding="ascii") as f:
                words = shlex.split(f.read(), comments=True)
        for more in self.args.qemu:
            words += shlex.split(more)
        return [re.sub(r"@(disk|ram):(\d+)@", file, w) for w in words]

    def plugin_args(self):
        """The data cache: its memory, the plugin, and words for that."""
        if not self.args.plugin:
            return []
        ram = f"/proc/self/fd/{self.ram}"
        words = [self.args.plugin.replace(",", ",,"), f"ram={ram}",
                 f"report={self.faults.replace(',', ',,')}", *self.args.cache]
        return ["-object", f"memory-backend-file,id=ram0,size={RAM_SIZE},mem-path={ram},share=on",
                "-machine", "memory-backend=ram0", "-plugin", ",".join(words)]

    def start(self, more, **streams):
        """The command line, and what its process is to be given."""
        if self.ram is not None:
            streams["pass_fds"] = (self.ram,)
            streams["faults"] = Faults(self)
        return self.qemu() + more, streams

    def qemu(self):
        c = self.conf
        program = os.environ.get("QEMU", self.args.emulator or
                                 c.get("EMULATOR", "qemu-system-arm"))
        if not shutil.which(program):
            package = PACKAGES.get(program, program)
            raise RigError(f"{program} is not installed (rig/need.sh {package})")
        if "INITRD_ADDR" not in c:
            argv = [program, "-M", c["MACHINE"], "-no-reboot", *self.board_args(),
                    "-kernel", os.path.join(self.rig, "Image"),
                    "-initrd", self.args.initrd, "-append", self.cmdline()]
            if "DTB" in c:
                argv += ["-dtb", self.device_tree()]
            return argv + self.run_args()
        argv = [program, "-M", c["MACHINE"], "-nic", "user,restrict=on", "-no-reboot",
                *self.board_args(), *self.plugin_args(),
                # for the guest's poweroff, see guest/rig-exit.c
                "-semihosting-config", "enable=on,userspace=on,target=native",
                "-kernel", os.path.join(self.rig, "stub.elf")]
        for path, key in ((os.path.join(self.rig, "Image"), "IMAGE_ADDR"),
                          (self.device_tree(), "DTB_ADDR"),
                          (self.args.initrd, "INITRD_ADDR")):
            # a comma in a file name is QEMU's separator unless doubled
            argv += ["-device",
                     f"loader,file={path.replace(',', ',,')},addr={c[key]},force-raw=on"]
        return argv + self.run_args()

    def run_args(self):
        """How it runs, as this run's options have it."""
        words = []
        if self.args.icount:
            words += ["-icount", "shift=5,sleep=off"]
        if self.args.watch:
            words += ["-S", "-gdb", f"unix:{self.gdb_path},server=on,wait=off"]
        return words


# A timer that a board's kernel leaves at zero; who asked QEMU to end; and what it
# misses of its modules.
BORING = re.compile("Timer with delta zero|.*terminating on signal|.*Only modules from the same build"
                    "|.*(?:Failed to open module|failed to initialize module): ")


def die_with_parent():
    """In the child: QEMU is not to outlive a runner that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


MODULE = re.compile(r"rig: module (\S+) (?:0x)?([0-9a-fA-F]+)( \S+)?$")
FAULTS = {
    "stale-read": "the CPU read what its cache had, not what a device wrote",
    "stale-dma": "a device read what memory had, not what the CPU wrote",
    "overwritten": "what a device wrote was overwritten by a line written back",
}


class Faults:
    """What went wrong between CPU and devices, on the machine with a cache."""

    def __init__(self, machine):
        self.path = machine.faults
        self.symbols = Symbols(machine.map, dict(machine.args.module), machine.nm)

    def stderr_line(self, row):
        if m := MODULE.match(row.strip()):
            self.symbols.module(m[1], int(m[2], 16), (m[3] or ".text").strip())
        return bool(m)

    def show(self):
        by_kind = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="ascii") as f:
                for row in f:
                    kind, pc, first, last, count = row.split()
                    by_kind.setdefault(kind, []).append(
                        (int(pc, 16), int(first, 16), int(last, 16), int(count)))
        print("\nWhat devices and the CPU's cache did to each other:")
        if not by_kind:
            print("  nothing that is a fault")
        for kind, text in FAULTS.items():
            if kind not in by_kind:
                continue
            print(f"  {text}:")
            verb = "read" if kind == "stale-read" else "last stored"
            for pc, first, last, count in sorted(by_kind[kind], key=lambda e: -e[3]):
                where = f"0x{first:x}" if first == last else f"0x{first:x} to 0x{last:x}"
                times = "once" if count == 1 else f"{count} times"
                print(f"    {where}, {times}; {verb} by {self.symbols.name(pc) or f'0x{pc:x}'}")


@contextlib.contextmanager
def running(argv, faults=None, **streams):
    """A child that is gone afterwards. What it said on stderr is printed then:
    not in between, where it would break into the console's lines."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        child = subprocess.Popen(argv, preexec_fn=die_with_parent, stderr=errors, **streams)
        try:
            yield child
        finally:
            if child.poll() is None:
                # a plugin has something to say
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(5)
            if child.poll() is None:
                child.kill()
            child.wait()
            errors.seek(0)
            for row in errors:
                if not BORING.match(row) and not (faults and faults.stderr_line(row)):
                    print(row, end="", file=sys.stderr, flush=True)


def console_lines(child, watch, judge, deadline):
    """Yield console text as it comes, b"" at the end, None on a timeout.

    Text before touches: a machine that stands at a watchpoint says nothing
    more, so what it said is older than the stop.
    """
    out = child.stdout.fileno()
    while True:
        sources = [out] + ([watch.gdb.socket] if watch else [])
        left = deadline() - time.monotonic()
        if left <= 0:
            yield None
            return
        waiting = watch and b"$" in watch.gdb.buffer
        ready, _, _ = select.select(sources, [], [], 0 if waiting else min(left, 1.0))
        if watch and watch.gdb.socket in ready and out not in ready:
            # the last words may have come between select's two looks
            ready += select.select([out], [], [], 0)[0]
        if out in ready:
            data = os.read(out, 65536)
            yield data
            if not data:
                return
            # the rest of it first
            continue
        if watch:
            if watch.gdb.socket in ready:
                watch.gdb.fill()
            watch.stopped(judge)


def run_test(machine, args):
    """Boot, follow, judge. Returns the exit status."""
    def show(text):
        if not args.verbose:
            print(text, flush=True)

    judge = Judge(show)
    watch = None
    if args.watch:
        base, size = (int(x, 0) for x in args.watch.split(":"))
        watch = judge.watch = Watch(base, size, Symbols(machine.map, dict(args.module), machine.nm))
    argv, streams = machine.start(NO_WINDOW, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started = time.monotonic()
    end = [started + args.timeout]
    cause = f"timeout: no end after {args.timeout} s"
    log = open(args.log, "w", encoding="utf-8") if args.log else None
    try:
        with running(argv, **streams) as child:
            if watch:
                watch.start(machine.gdb_path, machine.arch)
            rest = b""
            for data in console_lines(child, watch, judge, lambda: end[0]):
                if data is None:
                    if judge.panicked:
                        cause = "the kernel panicked"
                    break
                if not data:
                    cause = "the machine ended without the finished line"
                *lines, rest = (rest + data).replace(b"\r", b"").split(b"\n")
                if not data and rest:
                    lines.append(rest)
                for raw in lines:
                    text = raw.decode("utf-8", "replace")
                    if log:
                        print(text, file=log, flush=True)
                    if args.verbose:
                        print(text, flush=True)
                    judge.line(text)
                    if judge.request:
                        if watch:
                            watch.request(judge.request, judge)
                        judge.request = None
                        child.stdin.write(b"rig: done\n")
                        child.stdin.flush()
                if judge.stop and judge.stop[1] and judge.status is None:
                    # it cannot say so itself
                    judge.stopped()
                if judge.status is not None:
                    cause = None
                    break
                if judge.panic_over:
                    cause = "the kernel panicked"
                    break
                if judge.panicked:
                    # the rest of the report, then no more
                    end[0] = min(end[0], time.monotonic() + 2)
            if rest and judge.status is None and data is None:
                judge.lines.append(rest.decode("utf-8", "replace"))
                if log:
                    print(judge.lines[-1], file=log)
    finally:
        if log:
            log.close()
    if -child.returncode in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS,
                             signal.SIGILL, signal.SIGFPE):
        raise EmulatorCrashed(f"QEMU crashed, {signal.Signals(-child.returncode).name}")
    if not any(judge.lines):
        raise RigError("the machine said nothing at all")
    lost = judge.finish(cause)
    took = time.monotonic() - started

    # A fault that no KTAP line tells of counts as one failed test.
    k = judge.ktap
    failed = k.failed + lost
    if judge.problems and not failed:
        failed = 1
    if judge.problems:
        for text, _ in judge.problems[:20]:
            print(f"rig: FAILED: {text}")
        if len(judge.problems) > 20:
            print(f"rig: and {len(judge.problems) - 20} more")
        if not args.verbose:
            judge.console_around(sys.stdout)
        if args.log:
            print(f"rig: the whole console is in {args.log}")
    summary = (f"rig: {args.board} {machine.series} {args.label}: "
               f"{k.passed} passed, {failed} failed")
    if k.skipped:
        summary += f", {k.skipped} skipped"
    if judge.other_races:
        summary += f"; {judge.other_races} data races of the kernel's own"
    if watch:
        summary += f"; watched {watch.seconds:.1f} s, {len(watch.touches)} touches"
        expected = sum(1 for t in watch.touches if t[2])
        if expected:
            summary += f" ({expected} expected)"
    print(summary, flush=True)
    if args.json:
        record = {
            "board": args.board, "kernel": machine.series, "label": args.label,
            "passed": k.passed, "failed": failed, "skipped": k.skipped,
            "ok": not judge.problems, "status": judge.status,
            "problems": [t for t, _ in judge.problems], "seconds": round(took, 2),
        }
        if watch:
            record["watch"] = {
                "seconds": round(watch.seconds, 2),
                "touches": [{"pc": f"0x{pc:08x}", "where": name, "expected": exp}
                            for pc, name, exp, _ in watch.touches],
            }
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
            f.write("\n")
    return 1 if judge.problems else 0


def run_raw(machine, args):
    """Pass the console on until the script has ended; its status is ours."""
    argv, streams = machine.start(NO_WINDOW, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    log = open(args.log, "wb") if args.log else None
    status, last, rest = None, b"", b""
    end = time.monotonic() + args.timeout
    cause = "the machine ended without the finished line"
    out = sys.stdout.buffer
    try:
        with running(argv, **streams) as child:
            for data in console_lines(child, None, None, lambda: end):
                if data is None:
                    cause = f"timeout: no end after {args.timeout} s"
                    break
                if log:
                    log.write(data)
                *lines, rest = (rest + data).replace(b"\r\n", b"\n").split(b"\n")
                for line in lines:
                    if m := FINISHED.match(line.decode("utf-8", "replace").strip("\r")):
                        status = int(m[1])
                        break
                    out.write(line + b"\n")
                    last = line
                # an unfinished line too, unless it may be the marker
                if status is None and rest and not rest.startswith(b"rig:"[:len(rest)]):
                    if not rest.endswith(b"\r"):
                        out.write(rest)
                        rest = b""
                out.flush()
                if status is not None:
                    break
                if PANIC_END.search(last.decode("utf-8", "replace")):
                    cause = "the kernel panicked"
                    break
    finally:
        if log:
            log.close()
    if status is None:
        print(f"rig: FAILED: {cause}", flush=True)
        return 1
    return 0 if status == 0 else 1


def run_interactive(machine, args):
    """A person's console, and a report of faults if that can be."""
    argv, streams = machine.start(["-nographic"])
    try:
        return console(argv, streams, args)
    finally:
        if "faults" in streams:
            streams["faults"].show()


def console(argv, streams, args):
    """As it is; or a pipe's, which then is not waited for forever."""
    if sys.stdin.isatty():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the guest's
        with running(argv, **streams) as child:
            return 1 if child.wait() else 0

    # A pipe is far ahead of the machine, whose terminal would lose what it
    # cannot hold. So a line goes in when the shell asks for one, or when
    # whatever runs has been silent for a while. The end of the pipe ends it.
    prompt = re.compile(rb"(?:^|\n)\r?" + args.board.encode() + rb":[^\n]*# $")
    lines = sys.stdin.buffer.read().splitlines(keepends=True) + [b"\n", b"poweroff\n"]
    end = time.monotonic() + args.timeout
    seen, held, booted = b"", b"", False
    with running(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **streams) as child:
        while (left := end - time.monotonic()) > 0:
            if select.select([child.stdout], [], [], min(left, 2))[0]:
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    return 1 if child.wait() else 0
                # a chunk may end between a line's two end characters
                text = (held + data).replace(b"\r\n", b"\n")
                held = b"\r" if text.endswith(b"\r") else b""
                sys.stdout.buffer.write(text.removesuffix(b"\r"))
                sys.stdout.flush()
                seen = (seen + data)[-200:]
                if not prompt.search(seen):
                    continue
                booted = True
            if booted and lines:
                seen = b""
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.write(lines.pop(0))
                    child.stdin.flush()
    print(f"\nrig: FAILED: timeout: no end after {args.timeout} s", flush=True)
    return 1


def parse(argv):
    p = argparse.ArgumentParser(
        description="Boot the emulated machine and judge what happens in it.",
        usage="run.py --kernel DIR --initrd FILE --board NAME [options]"
              " (--run SCRIPT [ARGS] | --raw SCRIPT [ARGS] | --interactive)")
    p.add_argument("--kernel", required=True, metavar="DIR", help="as kernel.sh prints it")
    p.add_argument("--initrd", required=True, metavar="FILE", help="from initramfs.sh")
    p.add_argument("--board", required=True, metavar="NAME")
    p.add_argument("--dtb", metavar="FILE", help="instead of the board's own device tree")
    p.add_argument("--overlay", nargs="+", action="extend", metavar="DTBO")
    p.add_argument("--append", metavar="WORDS", help="for the kernel command line")
    p.add_argument("--qemu", metavar="WORDS", action="append", default=[],
                   help="more for QEMU, after the board's qemu.args")
    p.add_argument("--emulator", metavar="FILE", help="instead of QEMU's usual name")
    p.add_argument("--plugin", metavar="FILE.so", help="gives the machine a data cache")
    p.add_argument("--cache", metavar="NAME=VALUE", action="append", default=[],
                   help="for the plugin, see cache/plugin.c")
    p.add_argument("--pool", metavar="BASE:SIZE[:ALIAS]", help="instead of the board's")
    p.add_argument("--cacheid", action="store_true",
                   help="have the kernel believe that the CPU has caches")
    p.add_argument("--icount", action="store_true", help="guest time counts instructions")
    p.add_argument("--timeout", type=float, default=120, metavar="S",
                   help="wall-clock seconds, default 120")
    p.add_argument("--watch", metavar="BASE:SIZE", help="with --run: count accesses")
    p.add_argument("--module", action="append", default=[], metavar="NAME=FILE.ko",
                   help="with --watch: to name the code in a module")
    p.add_argument("--log", metavar="FILE", help="the whole console")
    p.add_argument("--json", metavar="FILE", help="with --run: the counts")
    p.add_argument("--label", help="for the summary, default SCRIPT")
    p.add_argument("-v", "--verbose", action="store_true", help="show the whole console")
    mode = p.add_mutually_exclusive_group(required=True)
    mode.add_argument("--run", nargs="+", metavar=("SCRIPT", "ARG"))
    mode.add_argument("--raw", nargs="+", metavar=("SCRIPT", "ARG"))
    mode.add_argument("--interactive", action="store_true")
    args = p.parse_args(argv)

    args.args = []
    for name in ("run", "raw"):
        words = getattr(args, name)
        if words:
            setattr(args, name, words[0])
            args.args = words[1:]
            args.label = args.label or words[0]
            if any(re.search(r"[\s,\"]", w) for w in words):
                p.error("SCRIPT and ARGS go through the kernel command line:"
                        " no blanks, commas or quotes")
    if (args.watch or args.json) and not args.run:
        p.error("--watch and --json go with --run")
    if args.watch and not re.fullmatch(r"(0x)?[0-9a-fA-F]+:(0x)?[0-9a-fA-F]+", args.watch):
        p.error("--watch BASE:SIZE, two numbers")
    for m in args.module:
        if "=" not in m:
            p.error("--module NAME=FILE.ko")
    args.module = [m.split("=", 1) for m in args.module]
    return args


def interrupted(number, _frame):
    raise SystemExit(128 + number)


def with_machine(run, args):
    with tempfile.TemporaryDirectory(prefix="rig.") as temp:
        return run(Machine(args, temp), args)


def main():
    args = parse(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupted)
    run = run_raw if args.raw else run_interactive if args.interactive else run_test
    try:
        try:
            return with_machine(run, args)
        except EmulatorCrashed as e:
            print(f"rig: {e}: once more", flush=True)
            return with_machine(run, args)
    except (RigError, OSError) as e:
        print(f"rig: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
