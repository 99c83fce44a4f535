# SPDX-License-Identifier: GPL-2.0
"""judge.py - reads the console of a machine that runs a test, line by line, and knows
in the end what was wrong.

Results are left to ktap.py, the words of the kernel to klog.py, touches of watched
memory to a Watch (watch.py), if there is one. Here is what a script can tell the
runner (run.py has the list), and what counts as a problem.
"""
import re

from klog import COMPLAINT, MISTAKE, PANIC, PANIC_END, RACE, STAMP, WARNING, RaceReport
from ktap import KTAP, Ktap
from symbols import announced

# what a shell says of a mistake in a script, which may go on as if nothing were
SCRIPT_MISTAKE = re.compile(
    r"""^[\w./-]*sh:\ .*(?:bad\ number|out\ of\ range|not\ found|can't\ execute|syntax\ error
    |unknown\ operand|(?:argument|operator|integer)\ expected|divide\ by\ zero|unterminated
    |missing\ \]|bad\ substitution|parameter\ not\ set)""",
    re.X,
)
FINISHED = re.compile(r"^rig: finished status=(\d+)$")


class Judge:
    """Reads the console line by line; knows in the end what was wrong."""

    def __init__(self, show):
        self.show = show  # called with each line worth a look
        self.lines = []  # the console, stamps and all
        self.ktap = Ktap()
        self.problems = []  # (text, index of the line it is about)
        self.status = None
        self.panicked = self.panic_over = False
        self.expect = None  # [regex, seen, warnings that it does not explain]
        self.stop = None  # [regex, seen]: the machine is to stop with it
        self.race = None  # a RaceReport that has not ended
        self.other_races = 0
        self.watch = None  # a Watch, where there is one
        self.stands = []  # of a machine that hung: where its processors were,
        self.waits = []  # and what its kernel then said of its tasks
        self.request = None  # "on" or "off": the guest waits for it

    def problem(self, text, at=None):
        self.problems.append((text, len(self.lines) - 1 if at is None else at))

    def line(self, raw):
        self.lines.append(raw)
        text = STAMP.sub("", raw)
        if m := FINISHED.match(text):
            self.status = int(m[1])
            return
        if m := re.match(r"rig: watch (on|off)$", text):
            self.request = m[1]
            return
        if place := announced(text):
            if self.watch:
                self.watch.symbols.module(*place)
            return
        if KTAP.match(text):
            before = len(self.ktap.problems)
            self.directive(text)
            self.ktap.line(text)
            for p in self.ktap.problems[before:]:
                self.problem(p)
            self.show(text)
            return
        if SCRIPT_MISTAKE.search(text):
            self.problem(f"script: {text}")
            return
        # other processors go on meanwhile: tests, above, and complaints
        if self.race is not None or RACE.search(text):
            self.race_line(text)
            if RACE.search(text) or not COMPLAINT.search(text):
                return
        if self.stop:
            self.stop[1] = self.stop[1] or bool(re.search(self.stop[0], text))
            return
        wanted = self.expect and re.search(self.expect[0], text)
        if self.expect:
            self.expect[1] |= bool(wanted)
            self.expect[2] += bool(WARNING.search(text)) - bool(wanted)
        if PANIC.search(text):
            self.panicked = True
        if PANIC_END.search(text):
            self.panic_over = True
        # a warning is more lines than the one that is expected
        complaint = MISTAKE if self.expect else COMPLAINT
        if not wanted and complaint.search(text):
            self.problem(f"kernel: {text}")

    def race_line(self, text):
        if self.race is None:
            self.race = RaceReport()
        if not self.race.line(text):
            return
        if self.race.is_ours():
            self.problem(f"kernel: {self.race.lines[0]}")
        else:
            self.other_races += 1
        self.race = None

    def directive(self, text):
        if m := re.match(r"# expect: *(.*)$", text):
            self.end_expect()
            self.expect = self.wanted(text, m[1])
        elif m := re.match(r"# allow: *(.*)$", text):
            self.end_expect()
            self.expect = self.wanted(text, m[1], need=False)
        elif re.match(r"# end-expect$", text):
            if not self.expect:
                self.problem('"# end-expect" without "# expect:"')
            self.end_expect()
        elif m := re.match(r"# expect-stop: *(.*)$", text):
            self.stop = self.wanted(text, m[1])
        elif m := re.match(r"# expect-touch: *(\d+)$", text):
            if self.watch:
                self.watch.expect_begin(int(m[1]))
        elif re.match(r"# end-expect-touch$", text):
            if self.watch:
                self.watch.expect_end()

    def wanted(self, text, regex, need=True):
        """[regex, seen or not needed, 0], or None if there is no such regular expression"""
        try:
            re.compile(regex)
        except re.error as e:
            self.problem(f'"{text}": {e}')
            return None
        return [regex, not need, 0]

    def end_expect(self):
        if self.expect and not self.expect[1]:
            self.problem(f'expected complaint did not come: "{self.expect[0]}"')
        if self.expect and self.expect[2] > 0:
            self.problem(f'there were other warnings than "{self.expect[0]}"')
        self.expect = None

    def stopped(self):
        """The machine has stopped as it was to: its last words as a result."""
        self.status = 0
        self.line(f"ok {self.ktap.plan} it stops: {self.stop[0]}")

    def finish(self, cause):
        """cause: why the run ended without the finished line, or None."""
        if self.expect:
            self.problem('"# expect:" without "# end-expect"')
            self.end_expect()
        if self.race:
            self.problem(f"kernel: {self.race.lines[0]}")
        if self.stop and self.status is None:
            self.problem(f'the machine did not stop with "{self.stop[0]}"')
        if cause:
            self.problem(cause)
        elif self.status:
            self.problem(f"the script ended with status {self.status}")
        before = len(self.ktap.problems)
        lost = self.ktap.finish()
        for p in self.ktap.problems[before:]:
            self.problem(p)
        if self.watch:
            self.watch.finish()
        return lost

    def console_around(self, out, before=20, after=20):
        """Print the console near what went wrong, each line once."""
        wanted = set()
        for _, at in self.problems[:5]:
            wanted.update(range(max(0, at - before), min(len(self.lines), at + after + 1)))
        last = None
        for i in sorted(wanted):
            if last is not None and i != last + 1:
                print("  ...", file=out)
            print(f"  | {self.lines[i]}", file=out)
            last = i
