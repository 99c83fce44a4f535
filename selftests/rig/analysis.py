#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""analysis.py LOGS BUILD SILENCED PROGRAM - what a program of check_analysis.sh found.

LOGS is a directory with the output of all programs, in files named PROGRAM%FILE, in
which "%" also stands for "/". An empty PROGRAM%FILE.failed says that the program failed.
SILENCED is the list of false reports. Prints "FILE:LINE: WHAT" for each report of
PROGRAM that is not in the list.

If PROGRAM is "silenced", prints the entries of the list that give no reason, and those
that silence nothing any more.
"""
import os
import re
import sys

# Coccinelle also prints warnings about its scripts, which are the kernel's.
NOISE = re.compile(r"warning: line \d+: should \w+ be a metavariable\?")
# gcc prints this if it gives up at one place in the code, as there are too many ways to
# come there.
PRUNED = "terminating analysis for this program point"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PLACE = re.compile(r"(\S+?):(\d+):[-\d]+: (.*)")
# Which lines of a program's output are reports.
FINDING = {
    "clang": re.compile(r"(?:warning|error|fatal error): (.*)"),
    "gcc": re.compile(r"(?:warning: |error: |fatal error: )(.*\[-W(?:error=)?analyzer-.*\]|(?<=error: ).*)"),
    "coccinelle": re.compile(r"(.*)"),
}


def reports(logs, build):
    """{program: set of "FILE:LINE: WHAT"}"""
    found = {}
    unit = os.path.join(TOP, "selftests/unit")
    for name in sorted(os.listdir(logs)):
        if "%" not in name or name.endswith(".failed"):
            continue
        program, read = name.split("%", 1)
        read = read.replace("%", "/")
        rows = found.setdefault(program, set())
        with open(os.path.join(logs, name), encoding="utf-8", errors="replace") as f:
            said = [r for r in f.read().splitlines() if r.strip() and not NOISE.fullmatch(r)]
        known = 0
        for row in said:
            place = PLACE.match(row)
            what = place and FINDING[program.split("-")[0]].match(place[3])
            if not what or what[1].startswith(PRUNED):
                continue
            known += 1
            path = os.path.normpath(os.path.join(unit, place[1]))
            for root in (os.path.join(logs, "source"), build, TOP):
                path = path.removeprefix(root + "/")
            if not path.startswith("/"):
                rows.add(f"{path}:{place[2]}: {what[1]}")
            elif program == "gcc":
                # the place is in a header of the kernel: name the file that uses it
                rows.add(f"{read}: {what[1]}")
        if os.path.exists(os.path.join(logs, name + ".failed")):
            rows.add(f"{read}: {program} failed: {(said or ['says nothing'])[-1]}")
        elif said and not known and program == "coccinelle":
            rows.add(f"{read}: {said[-1]}")
    return found


def entries(path):
    """(PROGRAM, FILE, regex for WHAT, the line, whether a reason is given) of each entry
    in the list; a reason is a comment above one or more entries."""
    reason = False
    with open(path, encoding="utf-8") as f:
        for row in f.read().splitlines():
            if row.startswith("#"):
                reason = True
            elif row:
                program, name, what = row.split(None, 2)
                yield program, name, re.compile(what), row, reason
            else:
                reason = False


def silences(entry, program, report):
    name, what = re.match(r"(.+?):(?:\d+:)? (.*)", report).groups()
    return entry[0].rstrip("?") == program.split("-")[0] and entry[1] == name and entry[2].search(what)


def main():
    logs, build, silenced, wanted = sys.argv[1:]
    found = reports(logs, build)
    known = list(entries(silenced))
    if wanted == "silenced":
        for entry in known:
            if not entry[4]:
                print(f"{entry[3]}: without a reason")
            if not entry[0].endswith("?") and \
                    not any(silences(entry, p, r) for p in found for r in found[p]):
                print(f"{entry[3]}: nothing reports that any more")
    elif wanted not in found:
        print(f"{wanted} has read nothing")
    else:
        for report in sorted(found[wanted]):
            if not any(silences(e, wanted, report) for e in known):
                print(report)


if __name__ == "__main__":
    main()
