# SPDX-License-Identifier: GPL-2.0
"""emulator.py - the process of the emulator: it is started and ended here, and its
console is read.

Whatever way running() is left, the process is gone afterwards, and it does not outlive
the runner either.
"""
import contextlib
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from common import EmulatorCrashed

CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
# A timer that a board's kernel leaves at zero; who asked QEMU to end; and what it
# misses of its modules.
BORING = re.compile("Timer with delta zero|.*terminating on signal|.*Only modules from the same build"
                    "|.*(?:Failed to open module|failed to initialize module): ")


def die_with_parent():
    """In the child: QEMU is not to outlive a runner that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def running(argv, faults=None, **streams):
    """A child that is gone afterwards. What it said on stderr is printed then:
    not in between, where it would break into the console's lines."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        child = subprocess.Popen(argv, preexec_fn=die_with_parent, stderr=errors, **streams)
        try:
            yield child
        finally:
            if child.poll() is None:
                # a plugin has something to say
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(5)
            if child.poll() is None:
                child.kill()
            child.wait()
            for pipe in filter(None, (child.stdin, child.stdout)):
                # what was not taken any more has no reader
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
            errors.seek(0)
            child.locked_up = False
            for row in errors:
                child.locked_up |= row.startswith("qemu: fatal: Lockup")
                if not BORING.match(row) and not (faults and faults.stderr_line(row)):
                    print(row, end="", file=sys.stderr, flush=True)


def check_crash(child):
    """Was it QEMU itself that ended so? Then it may get another try. A Cortex-M that locks
    up ends in the same way, but is the fault of what runs there."""
    if -child.returncode in CRASHES and not child.locked_up:
        raise EmulatorCrashed(f"QEMU crashed, {signal.Signals(-child.returncode).name}")


def console_text(child, deadline, watch=None):
    """Yield console text as it comes, b"" at the end, None on a timeout, which is
    when deadline() is over. What happens at a watch is passed on to it meanwhile.

    Text before touches: a machine that stands at a watchpoint says nothing
    more, so what it said is older than the stop.
    """
    out = child.stdout.fileno()
    while True:
        sources = [out] + ([watch] if watch else [])
        left = deadline() - time.monotonic()
        if left <= 0:
            yield None
            return
        waiting = watch and watch.has_packet()
        ready, _, _ = select.select(sources, [], [], 0 if waiting else min(left, 1.0))
        if watch in ready and out not in ready:
            # the last words may have come between select's two looks
            ready += select.select([out], [], [], 0)[0]
        if out in ready:
            data = os.read(out, 65536)
            yield data
            if not data:
                return
            # the rest of it first
            continue
        if watch:
            watch.stopped(watch in ready)
