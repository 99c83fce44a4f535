#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""picture.py - draw a pool, as SVG, from a file that was saved for a bug report.

  picture.py map [map ...] >pool.svg          debugfs map, saved once or more often
  picture.py allocations [...] >pool.svg      debugfs allocations
  picture.py trace >pool.svg                  /sys/kernel/tracing/trace, trace-cmd report
                                              or perf script, of dma_alias_pool:*

Several files are drawn one below the other, in the order of the command line. A trace is
drawn over time: each allocation from its alloc to its free, failures as red lines. The
kind of a file is recognised by its content; - is stdin. A file of a kernel with larger
pages than 4 KiB (getconf PAGE_SIZE says) needs --page-size.
"""
import argparse
import collections
import html
import re
import sys

COLUMNS = 64  # pages in a line of a map
WIDTH = 960
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#edc948", "#76b7b2",
           "#ff9da7", "#9c755f")

EVENT = re.compile(
    r"(?P<time>\d+\.\d+): +(?:dma_alias_pool:)?(?P<what>alloc|free|failure):"
    r" +client=(?P<client>\S+) pool=(?P<pool>\S+) size=(?P<size>\d+)"
    r"(?: bus=(?P<bus>0x[0-9a-f]+))?")
MAP = re.compile(r"(?:[.?]|[A-Z][a-z]*)+")
ALLOCATION = re.compile(r"(0x[0-9a-f]{8,}) +(\d+) (\S+) +(\d+) (.*)$")


class Svg:
    """Rectangles, text and a legend; height is how far down they reach."""

    def __init__(self):
        self.parts = []
        self.height = 0
        self.colours = {}

    def colour(self, client):
        return self.colours.setdefault(client, COLOURS[len(self.colours) % len(COLOURS)])

    def rect(self, x, y, w, h, fill, title="", stroke="none"):
        tip = f"<title>{html.escape(title)}</title>" if title else ""
        self.parts.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{h:.2f}"'
                          f' fill="{fill}" stroke="{stroke}">{tip}</rect>')
        self.height = max(self.height, y + h)

    def text(self, x, y, words, anchor="start"):
        self.parts.append(f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}">'
                          f"{html.escape(words)}</text>")
        self.height = max(self.height, y + 4)

    def legend(self):
        x, y = 10, self.height + 20
        for client, fill in self.colours.items():
            self.rect(x, y - 9, 10, 10, fill)
            self.text(x + 14, y, client)
            x += 40 + 7 * len(client)
            if x > WIDTH - 150:
                x, y = 10, y + 18

    def __str__(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
                f' height="{self.height + 10:.0f}" font-family="sans-serif" font-size="12">\n'
                '<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def draw_pages(svg, name, runs, pages):
    """Draw one state of the pool. runs are its allocations: (first page, how many pages,
    client, title), title being the tool tip."""
    columns = COLUMNS
    side = (WIDTH - 20) / columns
    top = svg.height + 24
    used = sum(r[1] for r in runs)
    svg.text(10, top - 8, f"{name}: {used} of {pages} pages in use")
    rows = -(-pages // columns)
    for row in range(rows):
        length = min(columns, pages - row * columns)
        svg.rect(10, top + row * side, length * side, side, "#eeeeee", stroke="#cccccc")
    for page, count, client, title in runs:
        while count:
            row, column = divmod(page, columns)
            length = min(count, columns - column)
            svg.rect(10 + column * side, top + row * side, length * side, side,
                     svg.colour(client), title, "white")
            page, count = page + length, count - length


def read_map(lines):
    """Runs and number of pages of a debugfs map, which has a letter for each page: the
    letter is the client, a capital begins an allocation."""
    text = "".join(lines)
    runs = []
    for m in re.finditer(r"[A-Z][a-z]*|\?+", text):
        letter = m[0][0].lower()
        runs.append((m.start(), len(m[0]), f"client {letter}", f"{len(m[0])} pages"))
    return runs, len(text)


def read_allocations(lines, page):
    runs = []
    for line in lines[1:]:
        if not (m := ALLOCATION.match(line)):
            raise ValueError(f'no allocation: "{line}"')
        size = int(m[2])
        runs.append((int(m[1], 16) // page, -(-size // page), m[3],
                     f"{m[3]}: {size} bytes, {m[5]}"))
    # the file does not say how large the pool is
    return runs, max((r[0] + r[1] for r in runs), default=1)


def draw_trace(svg, name, lines, page):
    events = [m for m in map(EVENT.search, lines) if m]
    for pool in sorted({m["pool"] for m in events}):
        draw_events(svg, f"{name}: pool {pool}", [m for m in events if m["pool"] == pool],
                    page)


def allocations_of(events):
    """(bus address, time of the alloc, size, client, time of the free, or None) of each.
    A free is recorded when others may have got the memory already: then it comes after
    their alloc, and is not theirs."""
    live, late, done = {}, collections.Counter(), []
    for m in events:
        if m["what"] == "failure":
            continue
        now, bus = float(m["time"]), int(m["bus"], 16)
        known = live.get(bus)
        if m["what"] == "alloc":
            if known:
                late[bus] += 1
                done.append((bus, *known, now))
            live[bus] = (now, int(m["size"]), m["client"])
        elif late[bus]:
            late[bus] -= 1
        elif known:
            done.append((bus, *live.pop(bus), now))
    return done + [(bus, *known, None) for bus, known in live.items()]


def draw_events(svg, title, events, page_size):
    start, end = float(events[0]["time"]), float(events[-1]["time"])
    failed = [(float(m["time"]), int(m["size"]), m["client"]) for m in events
              if m["what"] == "failure"]
    done = allocations_of(events)
    if not done and not failed:
        return
    low = min((d[0] for d in done), default=0) // page_size
    high = max((-(-(d[0] + d[2]) // page_size) for d in done), default=low + 1)

    top, tall = svg.height + 24, 300
    across, down = (WIDTH - 20) / max(end - start, 1e-6), tall / max(high - low, 1)
    svg.text(10, top - 8, f"{title}, {end - start:.6f} s, {(high - low) * page_size >> 10} KiB"
             f" from bus address {low * page_size:#x}, {len(failed)} failures")
    svg.rect(10, top, WIDTH - 20, tall, "#eeeeee", stroke="#cccccc")
    for bus, since, size, client, until in sorted(done, key=lambda d: d[:4]):
        page, count = bus // page_size, -(-size // page_size)
        until = until or end
        svg.rect(10 + (since - start) * across, top + (high - page - count) * down,
                 max((until - since) * across, 0.5), max(count * down, 0.5),
                 svg.colour(client), f"{client}: {size} bytes at {bus:#x}")
    for now, size, client in failed:
        svg.rect(10 + (now - start) * across, top, 1, tall, "#d62728",
                 f"{client}: no room for {size} bytes")


def draw(svg, name, lines, page):
    if not lines:
        raise ValueError("it is empty")
    if (all(len(line) == COLUMNS for line in lines[:-1]) and len(lines[-1]) <= COLUMNS
            and MAP.fullmatch("".join(lines))):
        draw_pages(svg, name, *read_map(lines))
    elif lines[0].split()[:3] == ["offset", "size", "client"]:
        draw_pages(svg, name, *read_allocations(lines, page))
    elif any(EVENT.search(line) for line in lines):
        draw_trace(svg, name, lines, page)
    else:
        raise ValueError("neither a map, nor allocations, nor a trace")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--page-size", type=int, choices=(4096, 16384, 65536), default=4096,
                        help="of the kernel, in bytes (default: 4096)")
    args = parser.parse_args()
    svg = Svg()
    for name in args.files:
        try:
            with open(0 if name == "-" else name, encoding="utf-8") as f:
                lines = [line.rstrip("\n") for line in f]
            draw(svg, name, [line for line in lines if line.strip()],
                 args.page_size)
        except (OSError, UnicodeDecodeError, ValueError) as e:
            sys.exit(f"picture.py: {name}: {e}")
    svg.legend()
    sys.stdout.write(str(svg))


if __name__ == "__main__":
    main()
