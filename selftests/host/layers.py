#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""layers.py README OBJECTS NM - does each file call only what is below it?

README is module/README.md, which has a table of which file calls which others, in
parentheses those that it calls in some configurations only. The
program NM lists the symbols of the objects in the directory OBJECTS, and so which file
really calls which. Prints each call that the table lacks, each that the table has and
the objects have not, and each circle of calls; nothing if all is well. A file that was
not compiled for this kernel is passed over.
"""
import glob
import os
import re
import subprocess
import sys


def read_table(path):
    """{file: the files that it may call}, {file: those of them that it must call}, from
    rows | `name.c` | job | `name` ... (`name`) |"""
    calls, always = {}, {}
    with open(path, encoding="utf-8") as f:
        for row in f:
            if m := re.match(r"\| `(\w+)\.c` \|.*\|([^|]*)\|$", row.rstrip()):
                calls[m[1]] = set(re.findall(r"`(\w+)`", m[2]))
                always[m[1]] = calls[m[1]] - set(re.findall(r"\(`(\w+)`\)", m[2]))
    return calls, always


def read_objects(directory, nm):
    """{file: the files that it calls}, from the symbols of the objects"""
    where, wanted = {}, {}
    for path in glob.glob(os.path.join(directory, "*.o")):
        name = os.path.basename(path)[:-2]
        if name.startswith("dma_alias_pool"):
            continue
        wanted[name] = set()
        out = subprocess.run([nm, path], capture_output=True, text=True, check=True)
        for row in out.stdout.splitlines():
            kind, symbol = row.split()[-2:]
            if kind == "U":
                wanted[name].add(symbol)
            elif kind.isupper():
                where[symbol] = name
    return {name: {where[s] for s in symbols if s in where} - {name}
            for name, symbols in wanted.items()}


def circles(calls):
    """Each circle once, as a list of names."""
    found = []

    def walk(name, path):
        if name in path:
            circle = path[path.index(name):]
            if min(circle) == circle[0] and circle not in found:
                found.append(circle)
            return
        for other in sorted(calls.get(name, ())):
            walk(other, path + [name])

    for name in sorted(calls):
        walk(name, [])
    return found


def main():
    readme, directory, nm = sys.argv[1:]
    (table, always), real = read_table(readme), read_objects(directory, nm)
    if len(real) < 10 or len(table) < 10:
        print(f"only {len(real)} objects and {len(table)} rows of {readme}")
    for name in sorted(real.keys() | table.keys()):
        if name not in table:
            print(f"{name}.c has no row in {readme}")
            continue
        if name not in real:
            continue
        for other in sorted(real[name] - table[name]):
            print(f"{name}.c calls {other}.c, which {readme} does not say")
        for other in sorted((always[name] - real[name]) & real.keys()):
            print(f"{name}.c does not call {other}.c, as {readme} says")
    for circle in circles(real) + circles(table):
        print("a circle: " + " -> ".join(circle + circle[:1]))


if __name__ == "__main__":
    main()
