# SPDX-License-Identifier: GPL-2.0
"""monitor.py - where a machine stands that does not come on: asks QEMU's monitor (QMP)
for the program counter of each processor, and the kernel for the tasks that wait.

The kernel answers if it has MAGIC_SYSRQ, and its serial port knows what a break is; its
answer is on the console, for who reads that. What is asked here is asked of a machine
that is at fault: no answer is no error, there is just less to be told.
"""
import json
import re
import socket

from symbols import Symbols

TIMEOUT = 5  # seconds for an answer
# as QEMU names it: on Arm of 32 and of 64 bits, on RISC-V, on x86
PC = re.compile(r"\b(?:R15|PC|pc|RIP) *[= ] *([0-9a-f]+)")


class Monitor:
    """A connection to the monitor of a QEMU that runs. Raises OSError."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.settimeout(TIMEOUT)
            self.socket.connect(path)
            self.file = self.socket.makefile("rwb")
            self.receive()  # its greeting
            self.execute("qmp_capabilities")
        except OSError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.file.close()
        self.socket.close()

    def receive(self):
        row = self.file.readline()
        if not row:
            raise OSError("the monitor went away")
        return json.loads(row)

    def execute(self, command, **arguments):
        """Returns what the command does, None if there is no such thing here."""
        request = {"execute": command, "arguments": arguments}
        self.file.write(json.dumps(request).encode() + b"\n")
        self.file.flush()
        while "event" in (answer := self.receive()):
            pass
        return answer.get("return")


def names_of(machine):
    """Names for addresses of the machine's kernel, if its System.map is here."""
    try:
        return Symbols(machine.map, {}, machine.nm)
    except (OSError, ValueError):
        return None


def where_it_stands(machine, child):
    """A line for each processor of a machine that hangs. Its kernel is asked to list the
    tasks that wait for something, which is to be read on the console."""
    try:
        with Monitor(machine.monitor_path) as monitor:
            registers = monitor.execute("human-monitor-command",
                                        **{"command-line": "info registers -a"})
            if monitor.execute("chardev-send-break", id="serial0") is not None:
                child.stdin.write(b"w")
                child.stdin.flush()
    except OSError as e:
        return [f"QEMU does not say where its processors are: {e}"]
    names = names_of(machine)
    lines = []
    for number, pc in enumerate(PC.findall(registers or "")):
        name = names and names.name(int(pc, 16))
        lines.append(f"CPU {number} is at 0x{pc}" + (f", {name}" if name else ""))
    return lines
