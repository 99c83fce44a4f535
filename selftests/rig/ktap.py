# SPDX-License-Identifier: GPL-2.0
"""ktap.py - the results of a test script, read from its KTAP lines.

Ktap is given one line at a time. It counts the results, and collects what is wrong
in "problems": what failed, lines that are missing, and failures below a result that
passed. It knows nothing of the kernel log. Needs none of the other files.
"""
import re

KTAP = re.compile(r"^ *(?:ok \d|not ok \d|1\.\.\d|#|K?TAP version |Bail out!)")
RESULT = re.compile(r"^( *)(ok|not ok) (\d+)\b *(.*)$")
PLAN = re.compile(r"^( *)1\.\.(\d+)\b *(.*)$")


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
            self.problems.append(f'KTAP: "not ok {number} {rest}"')

    def complete(self):
        """All results are there, as far as is known."""
        return self.plan is not None and len(self.seen) >= self.plan

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
