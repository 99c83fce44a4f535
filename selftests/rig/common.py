# SPDX-License-Identifier: GPL-2.0
"""common.py - what the Python files of the rig share: their exceptions, how they call
a helper program, and how they end by a signal. Needs none of the other files.
"""
import shlex
import signal
import subprocess

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class RigError(Exception):
    """Something that is the rig's fault or the caller's, not the test's."""


class EmulatorCrashed(RigError):
    """QEMU's own fault, and nothing is known of the test."""


def tool(argv, package):
    """Run a helper program, which is in Debian's package. Returns its stdout."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise RigError(f"{argv[0]} is not installed (rig/need.sh {package})") from e
    if done.returncode:
        raise RigError(f"{shlex.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def clean_up_on_signals():
    """After a signal, end by way of all that cleans up: processes and files are to go.
    More signals would stop that half-way, so they are ignored from then on."""
    def interrupted(number, _frame):
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in SIGNALS:
        signal.signal(number, interrupted)
