#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""life.py - the lifecycle fuzzer: sequences of steps at random, each step followed
by a check of all that must hold (model.py).

  life.py --board NAME --kernel DIR --initrd FILE [--dtb FILE] [--overlay DTBO]
          [--steps N] [--seed N] [--found FILE] [--replay 'STEP; STEP; ...']
          [--without RULE,...] [--log FILE]

The words that machine.sh prepare prints say the first line. What is found is
shortened, and printed so that it can be given to --replay; --found FILE replays
what was found before, a line each. --without sets aside rules by name, to look for
what is behind a fault that is known.

Out: KTAP lines on stdout, one result for each sequence, and at the end
"life: N passed, N failed"; progress on stderr. Exit status: 0 passed, 1 failed,
2 the rig itself is at fault.
"""
import argparse
import os
import random
import re
import sys
import time

import guest  # which says where the next two are
from common import RigError, clean_up_on_signals
from machine import read_conf

import steps as st
from model import PAUSES, RULES, Machine, State, Transition, compare

PATIENCE = 10.0  # seconds, for what the kernel does later
LENGTH = (100, 400)  # steps of a sequence
TRIES = 10  # of a sequence with steps at the same time
SHRINKS = 150
STATES = 64  # that a machine may be in, as far as one can know


class Finding(Exception):
    """A rule was broken."""

    def __init__(self, rule, text, executed, console, complaint="", died=False):
        super().__init__(text)
        self.died = died  # the machine has
        self.rule = rule
        self.text = text
        self.executed = executed
        self.console = console
        self.complaint = complaint


class Runner:
    """Boots machines, and does sequences in them."""

    def __init__(self, args):
        self.args = args
        self.guest = None
        self.without = args.without
        conf = read_conf(os.path.join(args.kernel, "rig", "board.conf"))
        base, alias = int(conf["POOL_PHYS"], 0), int(conf.get("POOL_ALIAS") or "0", 0)
        with open(os.path.join(args.kernel, ".config"), encoding="utf-8") as f:
            faults = "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER=y\n" in f.read()
        self.machine = Machine(args.board, base, alias, bool(args.overlay), faults)
        self.log = open(args.log, "w", encoding="utf-8") if args.log else None
        self.steps = self.boots = self.most = 0
        self.patience = PATIENCE
        self.began = self.told = time.monotonic()
        self.phase = ""
        self.series = "?"

    def boot(self):
        if self.guest is None:
            new = guest.Guest(self.args, self.log)
            new.__enter__()
            self.guest = new
            self.series = new.series
            self.boots += 1
        return self.guest

    def drop(self):
        if self.guest:
            self.guest.__exit__(None, None, None)
        self.guest = None

    def progress(self):
        now = time.monotonic()
        if now - self.told >= 5:
            self.told = now
            print(f"  LIFE    {self.phase}{self.steps} steps in {now - self.began:.0f} s",
                  file=sys.stderr, flush=True)

    # --- one step

    def outcomes(self, states, step, seen):
        """[(state, problems, guessed)] of all that the rules may make of it."""
        two = step[0] == "two"
        plain = list(zip(step[4:], seen.errnos)) if two else [(step, seen.errnos[0])]
        ways = list(orders_of(*plain)) if two else [plain]
        out = [one for state in states for way in ways
               for one in self.outcomes_of(state, way, seen, two)]
        if two and all(problems for _, problems, _ in out):
            for state in states:
                out += self.outcomes_of(state, plain, seen, True, True)
        return out

    def outcomes_of(self, state, doings, seen, two, loose=False):
        """The same for one state and one order, which may be impossible: of what is open,
        all that explains what is seen; if nothing does, the first."""
        choices, good, bad = [], [], []
        while choices is not None and len(good) < STATES:
            t = Transition(self.machine, state, seen, self.without, loose, two, choices)
            out = self.judge(t, doings)
            choices = t.other_choices()
            if not t.missed:
                (bad if out[1] else good).append(out)
        return good or bad[:1]

    def judge(self, t, doings):
        for doing in doings:
            t.run(*doing)
        if t.loose:
            t.adopt_all()
        t.settle()
        t.log()
        return t.s, t.problems + compare(self.machine, t.s, t.seen, self.without), t.guessed

    def do(self, action, step):
        seen = self.guest.do(action)
        complaints = self.guest.complaints
        complaints[:] = [c for c in complaints if not is_usual(step, c)]
        return seen

    def step(self, states, step, executed):
        """Do it, and check. Returns what the state may be then."""
        machine = self.guest
        executed.append(step)
        self.steps += 1
        self.progress()
        try:
            seen = self.do(st.wire(step, states[0], self.machine), step)
            end = time.monotonic() + self.patience
            before = None
            while True:
                out = self.outcomes(states, step, seen)
                after = [s for s, problems, _ in out if not problems]
                # what is taken over from there is not to be on its way yet
                sure = seen.same_as(before) or not any(
                    guessed for _, problems, guessed in out if not problems)
                if after and sure or machine.complaints or time.monotonic() > end:
                    break
                time.sleep(0.02)
                again = self.do("look", step)
                again.errnos = seen.errnos
                again.log[:0] = seen.log
                again.findings[:0] = seen.findings
                before, seen = seen, again
        except guest.Died as e:
            why = worst(machine.complaints) if machine.complaints else str(e)
            rule = "log" if machine.complaints else "hang"
            raise Finding(rule, why if why == str(e) else f"{e}: {why}", executed,
                          machine.console[-60:], kind_of(why), True) from e
        if machine.complaints and "log" not in self.without:
            raise Finding("log", f"the kernel complains: {worst(machine.complaints)}", executed,
                          machine.console[-60:], kind_of(worst(machine.complaints)))
        machine.complaints.clear()
        if not after:
            problems = min((p for _, p, _ in out), key=len)
            raise Finding(problems[0][0], "; ".join(text for _, text in problems), executed,
                          machine.console[-60:], kind_of(problems[0][1]))
        distinct = list({state.key(): state for state in after}.values())
        self.most = max(self.most, len(distinct))
        return distinct[:STATES]

    # --- sequences

    def sequence(self, source):
        """source(state) is the next step, or None. Returns the steps done; raises
        Finding. The machine is clean again, or given up."""
        executed = []
        try:
            machine = self.boot()
            seen = machine.do("look")
            states = [State.clean(seen)]
            while step := source(states[0]):
                if st.makes_sense(step, states[0], self.machine):
                    states = self.step(states, step, executed)
            for step in st.clean_up(states[0]):
                if st.makes_sense(step, states[0], self.machine):
                    states = self.step(states, step, executed)
        except Finding:
            self.drop()
            raise
        except guest.Died as e:
            console = self.guest.console[-60:] if self.guest else []
            self.drop()
            raise Finding("hang", str(e), executed, console) from e
        return executed

    def at_random(self, seed):
        rng = random.Random(seed)
        generator = st.Generator(rng, self.machine, self.without)
        left = rng.randint(*LENGTH)

        def source(state):
            nonlocal left
            left -= 1
            return generator.step(state) if left >= 0 else None
        return self.sequence(source)

    def replay(self, steps):
        queue = list(steps)
        return self.sequence(lambda state: queue.pop(0) if queue else None)

    # --- what is found

    def fails_alike(self, steps, finding):
        """The finding when the steps are done, if it is the same."""
        tries = TRIES if any(s[0] == "two" for s in steps) else 1
        for _ in range(tries):
            try:
                self.replay(steps)
            except Finding as other:
                # how memory that is not its own ends a machine is a matter of chance
                if other.died and finding.died or (other.rule, other.complaint) == \
                        (finding.rule, finding.complaint):
                    return other
        return None

    def shorten(self, finding):
        """ddmin, with a limit. Returns a finding, and whether it came again."""
        best = finding
        steps = list(finding.executed)
        budget, end = SHRINKS, time.monotonic() + self.args.shrink
        again = self.fails_alike(steps, finding)
        if not again:
            return finding, False
        self.patience = PATIENCE / 10
        self.args.step_timeout /= 3
        best, steps = again, list(again.executed)
        # one after the other is repeatable
        flat = [x for s in steps for x in (map(once, s[4:]) if s[0] == "two" else (s,))]
        if len(flat) > len(steps) and (shorter := self.fails_alike(flat, finding)):
            best, steps = shorter, list(shorter.executed)
        chunk = max(len(steps) // 2, 1)
        while budget > 0 and time.monotonic() < end:
            at, smaller = 0, False
            while at < len(steps) and budget > 0 and time.monotonic() < end:
                budget -= 1
                self.phase = f"shortening, {len(steps)} steps left, "
                shorter = self.fails_alike(steps[:at] + steps[at + chunk:], finding)
                if shorter:
                    best, steps, smaller = shorter, list(shorter.executed), True
                else:
                    at += chunk
            if chunk == 1 and not smaller:
                break
            chunk = max(chunk // 2, 1)
        return best, True

    def report(self, finding, shorten=True):
        again = True
        first = len(finding.executed)
        if shorten and self.args.shrink:
            done, usual = self.steps, self.args.step_timeout
            finding, again = self.shorten(finding)
            self.steps, self.phase, self.patience = done, "", PATIENCE
            self.args.step_timeout = usual
        print(f"# rule {finding.rule} ({RULES[finding.rule]}) is broken by step"
              f" {len(finding.executed)}, {st.step_text(finding.executed[-1])}:"
              if finding.executed else "# at the beginning:")
        print(f"#   {finding.text}")
        print(f"# --replay '{st.to_text(finding.executed)}'")
        print(f"# (of {first} steps{'' if again else '; it did not come again'})")
        for row in finding.console[-self.args.console:]:
            if not re.match(r"(?:\[.*\] )?life \d+ [^!=]", row):
                print(f"#   | {row}")
        sys.stdout.flush()


def once(step):
    return step[2:] if step[0] == "again" else step


def is_usual(step, complaint):
    """Is it no fault? Who writes a device's name to a file, as bind or attach, has a
    reference to it until that ends, and the kernel complains if the device is removed
    with its node meanwhile."""
    both = [once(one) for one in step[4:]] if step[0] == "two" else []
    return ("del", "T0") in both and all("T0" in one for one in both) and \
        "OF: ERROR: memory leak" in complaint


def orders_of(first, second):
    """The orders in which two steps may have been done, lists of what Transition.run()
    is given. Of one that was done again and again only the last error is known."""
    def rounds(doing):
        again = [(once(doing[0]), None)]
        return [again * n + [doing] for n in range(1 + 2 * (doing[0][0] == "again"))]

    for one in rounds(first):
        for other in rounds(second):
            if len(one) + len(other) < 5:
                yield from merged(one, other)
                yield from within(one, other)
                yield from within(other, one)


def within(one, other):
    """The other in a pause of the one."""
    for at, doing in enumerate(one):
        for pause in range(PAUSES.get(once(doing[0])[0], 0)):
            yield one[:at] + [(*doing, (pause, other))] + one[at + 1:]


def merged(one, other):
    if not one or not other:
        yield one + other
        return
    yield from (one[:1] + rest for rest in merged(one[1:], other))
    yield from (other[:1] + rest for rest in merged(one, other[1:]))


def worst(complaints):
    """The line that says most."""
    for word in ("KASAN", "BUG", "WARNING", "possible", "INFO"):
        for text in complaints:
            if word in text:
                return text
    return complaints[0]


def kind_of(text):
    """Of a complaint, what is the same each time."""
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", "N", text)
    return text.split(":")[0] if text.startswith("is ") else text[:40]


def read_found(path):
    with open(path, encoding="utf-8") as f:
        return [row.strip() for row in f if row.strip() and not row.startswith("#")]


def parse():
    p = argparse.ArgumentParser(description="Fuzz the lifecycle of the module.")
    p.add_argument("--board", required=True)
    p.add_argument("--kernel", required=True)
    p.add_argument("--initrd", required=True)
    p.add_argument("--dtb")
    p.add_argument("--overlay", nargs="+", action="extend")
    p.add_argument("--append")
    p.add_argument("--qemu", action="append", default=[])
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--seed", type=int, default=1, help="of the first sequence")
    p.add_argument("--replay", metavar="STEPS")
    p.add_argument("--found", metavar="FILE", help="replay these first")
    p.add_argument("--without", default="", metavar="RULE,...", help=", ".join(RULES))
    p.add_argument("--findings", type=int, default=1, metavar="N", help="stop after so many")
    p.add_argument("--shrink", type=float, default=120, metavar="S",
                   help="seconds to shorten what was found, default 120")
    p.add_argument("--console", type=int, default=25, metavar="N", help="lines to show")
    p.add_argument("--log", metavar="FILE", help="the whole console")
    p.add_argument("--boot-timeout", type=float, default=300)
    p.add_argument("--step-timeout", type=float, default=40)
    args = p.parse_args()
    args.without = set(filter(None, args.without.split(",")))
    unknown = args.without - set(RULES)
    if unknown:
        p.error(f"no such rule: {', '.join(sorted(unknown))}; there is: {', '.join(RULES)}")
    return args


def end(runner, results):
    """The machine's own end: what has leaked is told then."""
    if not runner.guest:
        return
    complaints = runner.guest.complaints
    try:
        clean = runner.guest.end()
    except guest.Died as e:
        clean = False
        complaints.insert(0, str(e))
    console = runner.guest.console[-60:]
    runner.drop()
    for row in complaints[:5]:
        print(f"#   {row}")
    if complaints or not clean:
        for row in console:
            if "life" not in row:
                print(f"#   | {row}")
    results("the machine ends, and nothing has leaked", clean and not complaints)


def fuzz(args):
    runner = Runner(args)
    count = [0, 0, 0]  # all, passed, failed

    def results(label, good):
        count[0] += 1
        count[1 if good else 2] += 1
        print(f"{'ok' if good else 'not ok'} {count[0]} {label}", flush=True)

    print("KTAP version 1", flush=True)
    found = [args.replay] if args.replay else read_found(args.found) if args.found else []
    try:
        for text in found:
            steps = st.from_text(text)
            if not runner.machine.overlays and "overlay" in text or \
                    any(u in text and not runner.machine.has(u) for u in st.UNITS):
                continue
            good = True
            tries = TRIES if not args.replay and any(s[0] == "two" for s in steps) else 1
            for _ in range(tries):
                try:
                    runner.replay(steps)
                except Finding as finding:
                    runner.report(finding, False)
                    good = False
                    break
            results("replay " + text[:60], good)
        seed, steps = args.seed, args.steps + runner.steps
        while not args.replay and runner.steps < steps and count[2] < args.findings:
            try:
                executed = runner.at_random(seed)
                results(f"seed {seed}, {len(executed)} steps", True)
            except Finding as finding:
                done = len(finding.executed)
                runner.report(finding)
                results(f"seed {seed}, {done} steps: {finding.rule}", False)
            seed += 1
        end(runner, results)
    finally:
        runner.drop()
    print(f"1..{count[0]}")
    took = time.monotonic() - runner.began
    print(f"# {args.board} {runner.series}: {runner.steps} steps in {took:.0f} s,"
          f" {runner.boots} boots, at most {runner.most} states at a time")
    print(f"life: {count[1]} passed, {count[2]} failed", flush=True)
    return 1 if count[2] else 0


def main():
    args = parse()
    clean_up_on_signals()
    try:
        return fuzz(args)
    except (RigError, OSError) as e:
        print(f"life: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
