# SPDX-License-Identifier: GPL-2.0
"""watch.py - counts the accesses to a range of the machine's memory, and says which
code made them. It uses a watchpoint of QEMU's gdb stub.

The machine stands at each access: who runs it calls stopped() when the socket of the
stub has something to say. The judge (judge.py) is told of the problems.
"""
import time

from gdb import Gdb

MAX_TOUCHES = 100


class Watch:
    """Counts the accesses to a range of memory, with their whereabouts."""

    def __init__(self, judge, base, size, symbols):
        self.judge = judge
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

    def start(self, path, arch, child):
        """Let the machine run, whose emulator is "child" and waits for that."""
        self.gdb = Gdb(path, arch, child)
        self.gdb.ask("?")
        self.gdb.send("c")

    def close(self):
        """The machine has ended."""
        if self.gdb:
            self.gdb.close()

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

    def request(self, what):
        """The guest asks, and waits: the machine runs on afterwards."""
        packet = self.gdb.interrupt()
        if self.is_touch(packet):
            self.record()
        if what == "on":
            self.on()
        else:
            self.off()
        self.gdb.send("c")

    def record(self):
        """The machine stands at an access. Note it and step over it."""
        pc = self.gdb.pc()
        if pc != self.unfinished:
            self.touches.append([pc, self.symbols.name(pc), self.expected is not None,
                                 len(self.judge.lines) - 1])
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

    def fileno(self):
        """For select(): of what there is to read from the stub."""
        return self.gdb.socket.fileno()

    def has_packet(self):
        """Is there one that was read, and not looked at?"""
        return b"$" in self.gdb.buffer

    def stopped(self, readable):
        """Something may have come while the machine should run: it stopped, or ended."""
        if readable:
            self.gdb.fill()
        packet = self.gdb.packet()
        if packet is None or packet[:1] in "WX":
            return
        if self.is_touch(packet):
            self.record()
        self.gdb.send("c")

    def expect_begin(self, count):
        self.expected = [count, 0]

    def expect_end(self):
        if self.expected and self.expected[0] != self.expected[1]:
            self.judge.problem(f"watched memory was touched {self.expected[1]} times,"
                               f" expected {self.expected[0]}")
        self.expected = None

    def finish(self):
        if self.expected:
            self.judge.problem('"# expect-touch:" without "# end-expect-touch"')
        places = {}
        for touch in self.touches:
            # a module's place may have been announced after its first touch
            touch[1] = touch[1] or self.symbols.name(touch[0]) or "user space, or code unknown"
            if not touch[2]:
                places.setdefault((touch[0], touch[1]), []).append(touch[3])
        for (pc, name), at in places.items():
            times = "" if len(at) == 1 else f" {len(at)} times"
            self.judge.problem(f"watched memory touched{times}: pc 0x{pc:08x} {name}", at[0])
        if not self.was_on:
            self.judge.problem("the watch was never on")
        if self.overflow:
            self.judge.problem(f"{MAX_TOUCHES} touches: the watch was given up")
        if self.on_since is not None:
            self.seconds += time.monotonic() - self.on_since
