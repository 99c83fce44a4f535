# SPDX-License-Identifier: GPL-2.0
"""symbols.py - names for addresses of code: of the kernel, by its System.map, and of
modules, by their .ko files.

A module has names from the moment on when the machine has said where it is, by a line
"rig: module NAME 0xADDR [SECTION]" (guest/rig-watch.sh).
"""
import bisect
import re

from common import RigError, tool

MODULE = re.compile(r"rig: module (\S+) (?:0x)?([0-9a-fA-F]+)( \S+)?$")


def announced(text):
    """What a line of the machine's says of a module's place, as Symbols.module() wants
    it: (name, address, section). None if it is another line."""
    m = MODULE.match(text)
    return m and (m[1], int(m[2], 16), (m[3] or ".text").strip())


def symbol_address(system_map, name):
    with open(system_map, encoding="ascii") as f:
        for row in f:
            word = row.split()
            if len(word) >= 3 and word[2] == name:
                return int(word[0], 16)
    raise RigError(f"no symbol {name} in {system_map}")


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
        # "arm-linux-gnueabi-nm" is in binutils-arm-linux-gnueabi
        package = "-".join(["binutils"] + self.nm.split("-")[:-1])
        # the linker script of Linux 6.18 gives sections an address, and symbols with them
        start = 0
        for row in tool([self.nm[:-2] + "objdump", "-h", self.objects[name]],
                        package).splitlines():
            cell = row.split()
            if len(cell) >= 4 and cell[1] == section:
                start = int(cell[3], 16)
        table, end = [], 0
        for row in tool([self.nm, "-f", "sysv", self.objects[name]], package).splitlines():
            cell = [c.strip() for c in row.split("|")]
            if len(cell) == 7 and cell[6] == section and cell[3] == "FUNC":
                # on Arm bit 0 says that it is Thumb code
                offset = (int(cell[1], 16) - start) & ~1
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
