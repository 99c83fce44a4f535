#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""run.py - boot the emulated machine, and judge what happens in it.

In: a kernel directory (kernel.sh), an initramfs (initramfs.sh), a board's name.
Modes: --run SCRIPT [ARGS] (a test, judged by its KTAP lines and by the kernel
log), --raw SCRIPT [ARGS] (its output is passed on as it is), --interactive.
SCRIPT is a name below /root in the initramfs.
Out: KTAP lines and a summary on stdout; --log FILE, the whole console; --json
FILE, the counts. Exit status: 0 passed, 1 failed, 2 the rig itself is at fault.

What a test script can tell the runner (guest/rig-watch.sh has functions):
  # expect: REGEX ... # end-expect            a complaint of the kernel is wanted
  # allow: REGEX ... # end-expect             it may come, or may not
  # expect-stop: REGEX      the machine is to stop for good, and to say this: that
                            passes the last test of the plan
  # expect-touch: N ... # end-expect-touch    touches of watched memory are wanted
  rig: watch on|off                           set or take away the watchpoint
  rig: module NAME 0xADDR [SECTION]           where NAME's .text (SECTION) is

Here are the options and the modes. The rest is in files beside this one, of which each
needs only files above it:
  common.py        exceptions, helper programs, signals
  ktap.py          results of a test
  klog.py          what the kernel is not to say
  symbols.py       names for addresses of code
  gdb.py           QEMU's gdb stub
  watch.py         who touches a range of memory
  judge.py         what was wrong, from all lines of the console
  report.py        the verdict, for people and for scripts
  cache_report.py  what the data cache did
  machine.py       files and QEMU's command line
  emulator.py      QEMU's process and its console
  monitor.py       where a machine stands that does not come on
"""
import argparse
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from common import EmulatorCrashed, RigError, clean_up_on_signals
from emulator import check_crash, console_text, running
from judge import FINISHED, Judge
from klog import PANIC_END
from machine import NO_WINDOW, Machine
from monitor import where_it_stands
from report import Report
from symbols import Symbols
from watch import Watch

MOST = 64 << 20  # bytes that a test may say, all of which is kept
LAST_WORDS = 5  # seconds for those of a machine that hangs
SILENCE = 2  # seconds, after which who runs is thought to wait for a line


def rest_of_console(child, log):
    """What a machine that hangs still says. That is not judged: the kernel was asked who
    waits for what."""
    end, data = time.monotonic() + LAST_WORDS, b""
    for more in console_text(child, lambda: end):
        data += more or b""
        if more is None:
            break
    lines = data.replace(b"\r", b"").decode("utf-8", "replace").splitlines()
    if log:
        print(*lines, sep="\n", file=log)
    return lines


def follow(machine, child, judge, args, log):
    """Read the console and have it judged until all is said. Returns why the machine
    did not come to its end, or None. Each result gives it args.timeout seconds more:
    how many tests there are, and how fast the machine is, is no sign of a hang."""
    rest, size, results = b"", 0, 0
    end = time.monotonic() + args.timeout
    for data in console_text(child, lambda: end, judge.watch):
        if data is None:
            if rest:
                judge.lines.append(rest.decode("utf-8", "replace"))
                if log:
                    print(judge.lines[-1], file=log)
            if judge.panicked:
                return "the kernel panicked"
            judge.stands = where_it_stands(machine, child)
            judge.waits = rest_of_console(child, log)
            what = "end" if judge.ktap.complete() else "result"
            return f"timeout: no {what} for {args.timeout} s"
        size += len(data)
        if size > MOST:
            return f"it says more than {MOST >> 20} MiB"
        *lines, rest = (rest + data).replace(b"\r", b"").split(b"\n")
        if not data and rest:
            lines.append(rest)
        for raw in lines:
            text = raw.decode("utf-8", "replace")
            if log:
                print(text, file=log, flush=True)
            if args.verbose:
                print(text, flush=True)
            judge.line(text)
            if judge.request:
                answer(child, judge)
        if judge.stop and judge.stop[1] and judge.status is None:
            # it cannot say so itself
            judge.stopped()
        if judge.status is not None:
            return None
        if judge.panic_over:
            return "the kernel panicked"
        if len(judge.ktap.seen) > results:
            results = len(judge.ktap.seen)
            end = time.monotonic() + args.timeout
        if judge.panicked:
            # the rest of the report, then no more
            end = min(end, time.monotonic() + 2)
    return "the machine ended without the finished line"


def answer(child, judge):
    """The guest waits: it asked for the watch to be on or off."""
    if judge.watch:
        judge.watch.request(judge.request)
    judge.request = None
    try:
        child.stdin.write(b"rig: done\n")
        child.stdin.flush()
    except BrokenPipeError:
        raise RigError("the machine ended while a script waited for an answer") from None


def run_test(machine, args):
    """Boot, follow, judge. Returns the exit status."""
    def show(text):
        if not args.verbose:
            print(text, flush=True)

    judge = Judge(show)
    if args.watch:
        symbols = Symbols(machine.map, dict(args.module), machine.nm)
        judge.watch = Watch(judge, *args.watch, symbols)
    argv, streams = machine.start(NO_WINDOW, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started = time.monotonic()
    log = open(args.log, "w", encoding="utf-8") if args.log else None
    fault = None
    with log or contextlib.nullcontext(), running(argv, **streams) as child:
        try:
            if judge.watch:
                judge.watch.start(machine.gdb_path, machine.arch, child)
            cause = follow(machine, child, judge, args, log)
        except (RigError, OSError) as e:
            fault = e
    if judge.watch:
        judge.watch.close()
    # first, since it explains why the stub or the console went away
    check_crash(child)
    if fault:
        raise fault
    if not any(judge.lines):
        raise RigError("the machine said nothing at all")
    lost = judge.finish(cause)
    report = Report(judge, lost, args, machine.series, time.monotonic() - started)
    if judge.problems:
        report.show_problems()
    print(report.summary(), flush=True)
    if args.json:
        report.write(args.json)
    return 1 if judge.problems else 0


def run_raw(machine, args):
    """Pass the console on until the script has ended; its status is ours."""
    argv, streams = machine.start(NO_WINDOW, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    log = open(args.log, "wb") if args.log else None
    status, panicked, rest = None, False, b""
    end = time.monotonic() + args.timeout
    cause = "the machine ended without the finished line"
    out = sys.stdout.buffer
    try:
        with running(argv, **streams) as child:
            for data in console_text(child, lambda: end):
                if data is None:
                    cause = f"timeout: no end after {args.timeout} s"
                    break
                if log:
                    log.write(data)
                *lines, rest = (rest + data).replace(b"\r\n", b"\n").split(b"\n")
                for line in lines:
                    text = line.decode("utf-8", "replace").strip("\r")
                    if m := FINISHED.match(text):
                        status = int(m[1])
                        break
                    out.write(line + b"\n")
                    panicked = panicked or bool(PANIC_END.search(text))
                # an unfinished line too, unless it may be the marker
                if status is None and rest and not rest.startswith(b"rig:"[:len(rest)]):
                    if not rest.endswith(b"\r"):
                        out.write(rest)
                        rest = b""
                out.flush()
                if status is not None:
                    break
                if panicked:
                    cause = "the kernel panicked"
                    break
    finally:
        if log:
            log.close()
    if status is None:
        print(f"rig: FAILED: {cause}", flush=True)
        return 1
    return 0 if status == 0 else 1


def run_interactive(machine, args):
    """A person's console, and a report of faults if that can be."""
    argv, streams = machine.start(["-nographic"])
    try:
        return console(argv, streams, args)
    finally:
        if "faults" in streams:
            streams["faults"].show()


def console(argv, streams, args):
    """A terminal is QEMU's own, for as long as it runs. What comes from elsewhere is
    typed, and has an end."""
    if not sys.stdin.isatty():
        return piped_console(argv, streams, args)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the guest's
    with running(argv, **streams) as child:
        return 1 if child.wait() else 0


def piped_console(argv, streams, args):
    """A pipe may be far ahead of the machine, whose terminal would lose what it cannot
    hold. So a line goes in when the shell asks for one, or when whatever runs has been
    silent for a while. The end of the pipe ends the machine."""
    prompt = re.compile(rb"(?:^|\n)\r?" + args.board.encode() + rb":[^\n]*# $")
    typed, more = b"", True
    seen, held, booted, asked = b"", b"", False, False
    heard = time.monotonic()
    end = heard + args.timeout
    with running(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **streams) as child:
        while (left := end - time.monotonic()) > 0:
            wanted = more and b"\n" not in typed
            sources = [child.stdout] + ([sys.stdin] if wanted else [])
            ready = select.select(sources, [], [], min(left, SILENCE))[0]
            if sys.stdin in ready:
                data = os.read(sys.stdin.fileno(), 65536)
                more = bool(data)
                typed += data or b"\npoweroff\n"
            if child.stdout in ready:
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    return 1 if child.wait() else 0
                # a chunk may end between a line's two end characters
                text = (held + data).replace(b"\r\n", b"\n")
                held = b"\r" if text.endswith(b"\r") else b""
                sys.stdout.buffer.write(text.removesuffix(b"\r"))
                sys.stdout.flush()
                seen = (seen + data)[-200:]
                heard = time.monotonic()
                asked = bool(prompt.search(seen))
                booted = booted or asked
            silent = time.monotonic() - heard >= SILENCE
            if b"\n" in typed and booted and (asked or silent):
                line, _, typed = typed.partition(b"\n")
                seen, asked, heard = b"", False, time.monotonic()
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.write(line + b"\n")
                    child.stdin.flush()
    print(f"\nrig: FAILED: timeout: no end after {args.timeout} s", flush=True)
    return 1


def memory_range(text):
    try:
        base, size = (int(x, 0) for x in text.split(":"))
    except ValueError as e:
        raise argparse.ArgumentTypeError("BASE:SIZE, two numbers") from e
    return base, size


def parse(argv):
    p = argparse.ArgumentParser(
        description="Boot the emulated machine and judge what happens in it.",
        usage="run.py --kernel DIR --initrd FILE --board NAME [options]"
              " (--run SCRIPT [ARGS] | --raw SCRIPT [ARGS] | --interactive)")
    p.add_argument("--kernel", required=True, metavar="DIR", help="as kernel.sh prints it")
    p.add_argument("--initrd", required=True, metavar="FILE", help="from initramfs.sh")
    p.add_argument("--board", required=True, metavar="NAME")
    p.add_argument("--dtb", metavar="FILE", help="instead of the board's own device tree")
    p.add_argument("--overlay", nargs="+", action="extend", metavar="DTBO")
    p.add_argument("--append", metavar="WORDS", help="for the kernel command line")
    p.add_argument("--qemu", metavar="WORDS", action="append", default=[],
                   help="more for QEMU, after the board's qemu.args")
    p.add_argument("--emulator", metavar="FILE", help="instead of QEMU's usual name")
    p.add_argument("--plugin", metavar="FILE.so", help="gives the machine a data cache")
    p.add_argument("--cache", metavar="NAME=VALUE", action="append", default=[],
                   help="for the plugin, see cache/plugin.c")
    p.add_argument("--pool", metavar="BASE:SIZE[:ALIAS]", help="instead of the board's")
    p.add_argument("--cacheid", action="store_true",
                   help="have the kernel believe that the CPU has caches")
    p.add_argument("--icount", action="store_true", help="guest time counts instructions")
    p.add_argument("--timeout", type=float, default=120, metavar="S",
                   help="wall-clock seconds to the end, default 120; with --run from one"
                        " result to the next")
    p.add_argument("--watch", type=memory_range, metavar="BASE:SIZE",
                   help="with --run: count accesses")
    p.add_argument("--module", action="append", default=[], metavar="NAME=FILE.ko",
                   help="with --watch: to name the code in a module")
    p.add_argument("--log", metavar="FILE", help="the whole console")
    p.add_argument("--json", metavar="FILE", help="with --run: the counts")
    p.add_argument("--label", help="for the summary, default SCRIPT")
    p.add_argument("-v", "--verbose", action="store_true", help="show the whole console")
    mode = p.add_mutually_exclusive_group(required=True)
    mode.add_argument("--run", nargs="+", metavar=("SCRIPT", "ARG"))
    mode.add_argument("--raw", nargs="+", metavar=("SCRIPT", "ARG"))
    mode.add_argument("--interactive", action="store_true")
    args = p.parse_args(argv)

    args.args = []
    for name in ("run", "raw"):
        words = getattr(args, name)
        if words:
            setattr(args, name, words[0])
            args.args = words[1:]
            args.label = args.label or words[0]
            if any(re.search(r"[\s,\"]", w) for w in words):
                p.error("SCRIPT and ARGS go through the kernel command line:"
                        " no blanks, commas or quotes")
    if (args.watch or args.json) and not args.run:
        p.error("--watch and --json go with --run")
    for m in args.module:
        if "=" not in m:
            p.error("--module NAME=FILE.ko")
    args.module = [m.split("=", 1) for m in args.module]
    return args


def with_machine(run, args):
    with tempfile.TemporaryDirectory(prefix="rig.") as temp, \
            contextlib.closing(Machine(args, temp)) as machine:
        return run(machine, args)


def main():
    args = parse(sys.argv[1:])
    if sys.stdin is None:
        # it was closed: no other file is to get its number
        sys.stdin = open(os.devnull, encoding="ascii")
    clean_up_on_signals()
    run = run_raw if args.raw else run_interactive if args.interactive else run_test
    try:
        try:
            return with_machine(run, args)
        except EmulatorCrashed as e:
            print(f"rig: {e}: once more", flush=True)
            return with_machine(run, args)
    except (RigError, OSError) as e:
        print(f"rig: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
