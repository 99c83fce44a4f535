#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""shown.py DOCUMENT BENCH.CSV - does a document show what was measured?

Before its table stands <!-- bench.csv: FIGURE... -->, a figure for each row; the last
two cells of a row begin with what the kernel's pool and the module have. Prints a
line for each that differs by more than 5 % (ROUGH: 15 %), and for a row or figure too
many.
"""
import csv
import re
import sys

TOLERANCE = 0.05
# These also depend on which of the kernel's slabs have room just then, and so on the
# size of everything that was loaded before.
ROUGH = {"memory_kib": 0.15, "attach": 0.15}


def number(cell):
    found = re.match(r"[\d,]+(\.\d+)?", cell.strip())
    return float(found[0].replace(",", "")) if found else None


def rows(text, start):
    """The cells of each row of the table that begins there, without its head."""
    lines = text[start:].lstrip("\n").split("\n")
    for line in lines[2:]:
        if not line.startswith("|"):
            return
        yield line.strip("|").split("|")


def check(document, measured):
    text = open(document, encoding="utf-8").read()
    tables = list(re.finditer(r"<!-- bench\.csv:(.*?)-->", text, re.S))
    if not tables:
        yield "no table is marked as one of bench.csv"
    for table in tables:
        names = table[1].split()
        shown = list(rows(text, table.end()))
        if len(names) != len(shown):
            yield f"{len(shown)} rows show {len(names)} figures"
        for name, cells in zip(names, shown):
            for who, cell in zip(("kernel_pool", "module"), cells[-2:]):
                value, is_shown = number(measured[name][who]), number(cell)
                if value is None and is_shown is None:
                    continue
                allowed = ROUGH.get(name, TOLERANCE)
                if None in (value, is_shown) or abs(is_shown - value) > allowed * value:
                    yield f"{name} of {who} is shown as {is_shown}, not {value}"


with open(sys.argv[2], encoding="utf-8") as f:
    figures = {row["figure"]: row for row in csv.DictReader(f)}
for wrong in check(sys.argv[1], figures):
    print(wrong)
