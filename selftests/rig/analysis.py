#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""analysis.py LOGS BUILD SILENCED PROGRAM - what check_analysis.sh's programs found.

LOGS holds what each said, in files called PROGRAM%FILE, "/" as "%", and an
empty PROGRAM%FILE.failed where it did not end well. Prints "FILE:LINE: WHAT"
for each report that SILENCED has no entry for. With PROGRAM "silenced": the
entries that are no use, since nothing reports what they silence, or that say
no reason.
"""
import os
import re
import sys

# On its stderr: what Coccinelle thinks of the scripts.
NOISE = re.compile(r"warning: line \d+: should \w+ be a metavariable\?")
# Of gcc: one place is looked at no more, for it came there in too many states.
PRUNED = "terminating analysis for this program point"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PLACE = re.compile(r"(\S+?):(\d+):[-\d]+: (.*)")
# A finding of these, unlike all else that they say.
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
                # a macro of the kernel's, used in the file that was read
                rows.add(f"{read}: {what[1]}")
        if os.path.exists(os.path.join(logs, name + ".failed")):
            rows.add(f"{read}: {program} failed: {(said or ['says nothing'])[-1]}")
        elif said and not known and program == "coccinelle":
            rows.add(f"{read}: {said[-1]}")
    return found


def entries(path):
    """(PROGRAM, FILE, regex for WHAT, line, has it a reason) of each."""
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
