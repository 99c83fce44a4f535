# SPDX-License-Identifier: GPL-2.0
"""report.py - what a run that was judged comes to: its counts, a summary for people, and
a record for the scripts that add runs up.

Made when the judge (judge.py) has finished: "lost" is how many results did not come.
A fault that no result tells of counts as one failed test.
"""
import json
import sys

SHOWN = 20  # problems
WAITS = 100  # lines of the tasks that wait


class Report:
    """The verdict on one run."""

    def __init__(self, judge, lost, args, series, seconds):
        self.judge = judge
        self.args = args
        self.series = series
        self.seconds = seconds
        self.failed = judge.ktap.failed + lost
        if judge.problems and not self.failed:
            self.failed = 1

    def show_problems(self):
        problems = self.judge.problems
        for text, _ in problems[:SHOWN]:
            print(f"rig: FAILED: {text}")
        if len(problems) > SHOWN:
            print(f"rig: and {len(problems) - SHOWN} more")
        if not self.args.verbose:
            self.judge.console_around(sys.stdout)
        for text in self.judge.stands:
            print(f"rig: {text}")
        for text in self.judge.waits[:WAITS]:
            print(f"  | {text}")
        if self.args.log:
            print(f"rig: the whole console is in {self.args.log}")

    def summary(self):
        ktap, watch = self.judge.ktap, self.judge.watch
        text = (f"rig: {self.args.board} {self.series} {self.args.label}: "
                f"{ktap.passed} passed, {self.failed} failed")
        if ktap.skipped:
            text += f", {ktap.skipped} skipped"
        if self.judge.other_races:
            text += f"; {self.judge.other_races} data races of the kernel's own"
        if watch:
            text += f"; watched {watch.seconds:.1f} s, {len(watch.touches)} touches"
            expected = sum(1 for t in watch.touches if t[2])
            if expected:
                text += f" ({expected} expected)"
        return text

    def write(self, path):
        ktap, watch = self.judge.ktap, self.judge.watch
        record = {
            "board": self.args.board, "kernel": self.series, "label": self.args.label,
            "passed": ktap.passed, "failed": self.failed, "skipped": ktap.skipped,
            "ok": not self.judge.problems, "status": self.judge.status,
            "problems": [t for t, _ in self.judge.problems], "seconds": round(self.seconds, 2),
        }
        if watch:
            record["watch"] = {
                "seconds": round(watch.seconds, 2),
                "touches": [{"pc": f"0x{pc:08x}", "where": name, "expected": exp}
                            for pc, name, exp, _ in watch.touches],
            }
        with open(path, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
            f.write("\n")
