# SPDX-License-Identifier: GPL-2.0
"""cache_report.py - what devices and the CPU's cache did to each other, on the machine
with a data cache, for people to read.

The plugin (../cache/plugin.c) writes the file that this is made of, and the guest says
on QEMU's stderr where its modules are.
"""
import os

from symbols import Symbols, announced

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
        if place := announced(row.strip()):
            self.symbols.module(*place)
        return bool(place)

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
