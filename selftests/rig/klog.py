# SPDX-License-Identifier: GPL-2.0
"""klog.py - what lines of the kernel log mean: time stamps, panics, complaints, and
reports of data races.

Here is the list of all that the kernel is not to say during a test. Whether a test
wanted it, and what comes of it, is for judge.py to say. Needs none of the other files.
"""
import re

# what is before the text: the time, and with some kernels the caller
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^\]]*\])? ?")
# the second is ARMv7-M's: a fault in a fault's handler, say; it says so and spins
PANIC = re.compile(r"Kernel panic - not syncing|Unhandled exception: IPSR")
PANIC_END = re.compile(r"end Kernel panic")

COMPLAINT = re.compile(
    r"""WARNING:|BUG:|BUG\ at|\bOops\b|Unhandled|Kernel\ panic|Unable\ to\ handle
    |DMA-API:(?!.*(?:preallocated|debugging\ (?:en|dis)abled))
    |Bad\ page|Bad\ rss|INFO:\ task|INFO:\ rcu|\bhung\b|blocked\ for\ more\ than
    |Internal\ error|[Ss]cheduling\ while\ atomic|[Ss]leeping\ function
    |refcount_t:|[Cc]all\ [Tt]race:|[Bb]acktrace:|---\[\ cut\ here
    |corruption|nobody\ cared|[Uu]nbalanced|cannot\ create\ duplicate
    |page\ allocation\ failure|Out\ of\ memory|vfree\(\)\ nonexistent
    |possible\ (?:recursive|circular)|stack\ guard|stack\ overflow
    |unreferenced\ object|UBSAN:|INFO:\ trying
    |invalid_entry|Unexpected\ (?:IRQ|exception)
    |\bBUG\ \S+\ \(|OF:\ ERROR:|nonexistent\ resource|(?<!dma_alias_pool_test'\ )already\ present!
    |(?<!dma_alias_pool_test'\ )already\ exists\ in\ '
    |is\ already\ registered|initialized\ object|Flags\ mismatch|messages\ dropped
    |kmemleak:.*(?:disabled|[Pp]ool\ empty)""",
    re.X,
)

# The first line of a warning's report, before 7.0 and since then.
WARNING = re.compile(r"WARNING: (?:CPU:|\S+:\d+ at )")

# What a warning that is expected does not say: only a detector of mistakes does.
MISTAKE = re.compile(
    r"""BUG:|\bOops\b|Unable\ to\ handle|Internal\ error|[Ss]leeping\ function|refcount_t:
    |possible\ (?:recursive|circular)|UBSAN:|INFO:\ (?:task|rcu|trying)|unreferenced\ object
    |WARNING:\ (?!CPU:|\S+:\d+\ at\ )|corruption|cannot\ create\ duplicate
    |DMA-API:(?!.*(?:preallocated|debugging\ (?:en|dis)abled|Mapped\ at))
    |page\ allocation\ failure|OF:\ ERROR:|vfree\(\)\ nonexistent
    |nobody\ cared|\bBUG\ \S+\ \(|nonexistent\ resource|initialized\ object""",
    re.X,
)

RACE = re.compile(r"BUG: KCSAN: ")
RACE_END = re.compile(r"^=+$")
RACE_ACCESS = re.compile(r"^(?:race at unknown origin, with )?(?:read|write)[ -].*by (?:task|interrupt)")
RACE_FRAMES = 3
OURS = re.compile(r"\[dma_alias_pool\w*\]")


class RaceReport:
    """KCSAN's report of one data race, which is many lines. It tells of both accesses;
    it is the module's if one of them is in its code, or in something that it called
    there and then."""

    def __init__(self):
        self.lines = []

    def line(self, text):
        """Returns whether this was the last one."""
        self.lines.append(text)
        return bool(RACE_END.match(text))

    def is_ours(self):
        near, left = [], 0
        for row in self.lines:
            if RACE_ACCESS.match(row):
                left = RACE_FRAMES
            elif left:
                near.append(row)
                left -= 1
        return any(OURS.search(row) for row in near)
