#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""broken_trees.py BOARD.CONF OUT - write device trees with one mistake in each.

Each property that the module reads is left out, empty, too short, too long, of another
type, or refers to something wrong. Writes
  OUT/broken.dtbo      an overlay for boot, as regions must be there at boot: all regions
                       and buses, with one pool and one bus that are right
  OUT/broken/N.dtbo    overlays for run time, each with a pool or a client that uses one
                       of these regions or buses
  OUT/broken/table     a line "N GROUP NAME EXPECT DEVICE TEXT" for each N.dtbo: what
                       broken_device_tree.sh must find, see there
TEXT is a regular expression for grep. All numbers in the trees have 32 bits.
"""
import os
import re
import subprocess
import sys

MiB = 0x100000
SLOT = 0x8000

conf = {}
trees = []  # (group, name, expect, device, text, where, nodes), one for each N.dtbo
regions = []  # nodes of /reserved-memory
buses = []  # nodes of /, for boot: of a bus that comes at run time no devices are made


def cells(*numbers):
    return "<" + " ".join(n if isinstance(n, str) else f"{n:#x}" for n in numbers) + ">"


def raw(data):
    return "[" + data.hex() + "]"


def node(name, properties, inside="", label=None):
    """The source of a node. properties is {name: value}, the value as in a source file;
    "" makes a property without a value, None leaves the property out."""
    rows = "".join(f"{key}{' = ' + value if value else ''};\n"
                   for key, value in properties.items() if value is not None)
    return f"{label + ': ' if label else ''}{name} {{\n{rows}{inside}}};\n"


def tree(group, name, expect, device, text, *nodes, where="{/}"):
    trees.append((group, name, expect, device, text, where, "".join(nodes)))


def bus_node(properties):
    label = f"b{len(buses)}"
    buses.append(node(label, {"compatible": '"simple-bus"', "#address-cells": "<1>",
                              "#size-cells": "<1>", "ranges": "", **properties}, label=label))
    return label


# --- pools: over the region "second", with its alias ------------------------


def pool(group, name, expect, text, where="{/}", **changes):
    properties = {
        "compatible": '"dma-alias-pool"',
        "reg": cells(second + alias, MiB),
        "memory-region": "<&second>",
        "label": '"broken"',
    }
    properties.update({key.replace("__", ",").replace("_", "-"): value
                       for key, value in changes.items()})
    tree(group, name, expect, "broken", text, node("broken", properties, label="this_pool"),
         where=where)


UP = "DMA pool {}: 1024 KiB at 0x{:08x}"
NO_ALIAS = ", which is taken to be non-cacheable"


def all_pools():
    came_up = UP.format("broken", second) + ", reached through its alias"
    pool("control", "nothing is wrong", "works", came_up)

    # --- compatible, status: with a wrong one the node is no pool at all
    for name, value in (("missing", None), ("empty", ""), ("another", '"dma-alias-pools"'),
                        ("a number", "<1>"), ("a region's", '"dma-alias-pool,region"')):
        pool("pool_compatible", name, "absent", "-", compatible=value)
    pool("pool_compatible", "second of two", "works", came_up,
         compatible='"vendor,pool", "dma-alias-pool"')
    for name, value in (("disabled", '"disabled"'), ("empty", ""), ("of no characters", '""'),
                        ("unknown", '"on"'), ("a number", "<1>")):
        pool("pool_status", name, "absent", "-", status=value)
    pool("pool_status", "okay", "works", came_up, status='"okay"')

    # --- memory-region
    pool("pool_memory_region", "missing", "refused", "memory-region must be one phandle", memory_region=None)
    must = "memory-region must be one phandle, of a node that there is$"
    for name, value in (
            ("empty", ""), ("two bytes", raw(b"\0\1")), ("three bytes", raw(b"\0\0\1")),
            ("a byte too many", "<&second>, [00]"), ("two", "<&second &good_region>"),
            ("the same twice", "<&second &second>"),
            ("zero", "<0>"), ("minus one", "<0xffffffff>"), ("to nowhere", "<0xdead>"),
            ("a string", '"second"'), ("its address", cells(second))):
        pool("pool_memory_region", name, "refused", must, memory_region=value)
    none = "memory-region .*{} is no reserved memory of this kernel"
    for name, label, path in (
            ("the pool itself", "this_pool", "/broken"),
            ("another pool", "good_pool", "/good@.*"),
            ("all of /reserved-memory", "reserved_memory", "/reserved-memory"),
            ("a bus", "good_bus", "/good-bus"),
            ("a node outside, called as the region is", "decoy",
             f"/decoys/second@{second:x}"),
            ("a node below a region", "nested", f"/nested@{second:x}")):
        pool("pool_memory_region", name, "refused", none.format(path), memory_region=f"<&{label}>")
    tree("pool_memory_region", "its own client", "refused", "broken", none.format("/broken-client"),
         node("broken", {"compatible": '"dma-alias-pool"',
                         "memory-region": "<&its_client>"}, label="its_pool"),
         node("broken-client", {"compatible": '"dma-alias-pool,test"',
                                "memory-region": "<&its_pool>"}, label="its_client"))
    taken = "0x.*-0x.* overlaps another pool or a claimed resource, see /proc/iomem$"
    pool("pool_memory_region", "another pool's", "refused", taken, reg=None,
         memory_region="<&good_region>")

    # --- reg
    pool("pool_reg", "missing", "works", UP.format("broken", second) + NO_ALIAS, reg=None)
    must = "reg must be one range that its bus can translate$"
    at = second + alias
    for name, value in (
            ("empty", ""), ("one cell", cells(at)), ("three bytes", raw(b"\0\0\1")),
            ("three cells", cells(at, MiB, 0)), ("two ranges", cells(at, MiB, at + MiB, MiB)),
            ("a byte too many", cells(at, MiB) + ", [00]"), ("a string", '"0x20500000"')):
        pool("pool_reg", name, "refused", must, reg=value)
    for name, above in (
            ("no ranges above", {"ranges": None}),
            ("ranges above that lack it", {"ranges": cells(0, 0x40000000, 0x1000)}),
            ("ranges above too short", {"ranges": "<0>"}),
            ("two cells of address above", {"#address-cells": "<2>"}),
            ("no size above", {"#size-cells": "<0>"})):
        pool("pool_reg", name, "refused", must, bus_node(above))
    size = "the alias .* has not the size 0x00100000 of memory-region .*/second@"
    for name, value in (("of no bytes", cells(at, 0)), ("half", cells(at, MiB // 2)),
                        ("double", cells(at, 2 * MiB)), ("a byte short", cells(at, MiB - 1))):
        pool("pool_reg", name, "refused", size, reg=value)
    pool("pool_reg", "of address 0", "refused", "alias 0x00000000 is zero", reg=cells(0, MiB))
    pool("pool_reg", "not of a page", "refused", "alias .* not a multiple of the page size",
         reg=cells(at + 0x10, MiB))
    # some kernels make no resource of such a range, so it is refused for another reason
    pool("pool_reg", "beyond all addresses", "refused",
         "alias 0xfff80000 plus size 0x00100000 reaches the last address\\|has not the size\\|reg must be one range",
         reg=cells(0xfff80000, MiB))
    pool("pool_reg", "the region itself", "refused", "the alias .* is the region itself",
         reg=cells(second, MiB))
    pool("pool_reg", "over the region", "refused",
         "alias .* overlaps the region at .* itself", reg=cells(second + 0x1000, MiB))
    pool("pool_reg", "over another region", "refused", taken, reg=cells(good, MiB))
    pool("pool_reg", "over another's alias", "refused", taken, reg=cells(good + alias, MiB))
    pool("pool_reg", "partly over another's alias", "refused", taken,
         reg=cells(good + alias + MiB - 0x1000, MiB))
    pool("pool_reg", "other memory", "refused", "is no alias of 0x", reg=cells(at + MiB, MiB))
    pool("pool_reg", "a page beside", "refused", "is no alias of 0x", reg=cells(at + 0x1000, MiB))
    ram = "0x.*-0x.* is part of the kernel's own RAM: reserve it at boot"
    pool("pool_reg", "the kernel", "refused", ram, reg=cells(dram, MiB))
    pool("pool_reg", "the kernel's free RAM", "refused", ram, reg=cells(dram + 0xe00000, MiB))
    pool("pool_reg", "a device", "refused", taken, reg=cells(uart & ~(MiB - 1), MiB))

    # --- clocks: of a property without any, or of a node that is none, the kernel says
    # that there are none
    pool("pool_clocks", "empty", "works", came_up, clocks="")
    no_clock = "the memory's clocks cannot be turned on: "
    pool("pool_clocks", "zero", "refused", no_clock, clocks="<0>")

    # --- label
    pool("pool_label", "missing", "works", UP.format(f"second@{second:x}", second), label=None)
    must = "label must be one string$"
    for name, value in (("empty", ""), ("a number", "<1>"), ("not terminated", raw(b"sram")),
                        ("two", '"sram", "dram"'), ("two, one empty", '"sram", ""'),
                        ("two, not terminated", '"sram", [61]')):
        pool("pool_label", name, "refused", must, label=value)
    bad = '"{}" cannot be the name of a pool: set label to 1 to 31 letters or digits$'
    for name, value, shown in (
            ("of no characters", '""', ""), ("a path", '"../evil"', "\\.\\./evil"),
            ("below", '"a/b"', "a/b"), ("a blank", '"a b"', "a b"), ("a dash", '"-a"', "-a"),
            ("formats", '"%s%n"', "%s%n"), ("of 32", f'"{"a" * 32}"', "a" * 32),
            ("of 64", f'"{"b" * 64}"', "b" * 64), ("of 65", f'"{"c" * 65}"', "c" * 64),
            ("of 2000", f'"{"d" * 2000}"', "d" * 64),
            ("a screen's", raw(b"\x1b[2J\n\x07\0"), "\\\\e\\[2J\\\\n\\\\a")):
        pool("pool_label", name, "refused", bad.format(shown), label=value)
    pool("pool_label", "taken", "refused", "there is a DMA pool good already$", label='"good"')
    pool("pool_label", "of 31", "works", UP.format("e" * 31, second), label=f'"{"e" * 31}"')

    # --- properties without a value
    for flag in "default", "mpu":
        must = f"dma-alias-pool,{flag} must be without a value$"
        for name, value in (("no", "<0>"), ("yes", "<1>"), ("a string", '"yes"'),
                            ("of no characters", '""'), ("a byte", "[00]")):
            pool(f"pool_{flag}", name, "refused", must, **{f"dma_alias_pool__{flag}": value})
    pool("pool_default", "right", "works", came_up, dma_alias_pool__default="")
    pool("pool_mpu", "with reg", "refused",
         "dma-alias-pool,mpu is for memory without an alias, but there is reg",
         dma_alias_pool__mpu="")

    # --- dma-alias-pool,max-alignment
    must = "dma-alias-pool,max-alignment must be one number$"
    for name, value in (("empty", ""), ("two bytes", raw(b"\x10\0")), ("two", "<0x1000 0x1000>"),
                        ("of 64 bits", "/bits/ 64 <0x1000>"), ("a string", '"4K pages"'),
                        ("a byte too many", "<0x1000>, [00]")):
        pool("pool_max_alignment", name, "refused", must, dma_alias_pool__max_alignment=value)
    for name, value in (("one", 1), ("half a page", 2048), ("three pages", 0x3000),
                        ("minus one", 0xffffffff), ("of a string's bytes", 0x346b0000)):
        pool("pool_max_alignment", name, "refused",
             "maximum alignment 0x[0-9a-f]* is no power of two of at least a page",
             dma_alias_pool__max_alignment=cells(value))
    for name, value in (("none", 0), ("a page", 0x1000), ("more than all", 0x80000000)):
        pool("pool_max_alignment", name, "works", came_up,
             dma_alias_pool__max_alignment=cells(value))


# --- regions: each in a slot of its own, with a pool over it -----------------

slots = iter(range(2 * MiB // SLOT))


def region(group, name, expect, text, base=None, inside="", **changes):
    if base is None:
        base = first_slot + next(slots) * SLOT
    properties = {
        "compatible": '"dma-alias-pool,region"',
        "reg": cells(base, SLOT),
        "no-map": "",
    }
    properties.update({key.replace("_", "-"): value for key, value in changes.items()})
    label = "r_" + re.sub(r"\W", "_", f"{group}_{name}")
    unit = properties["reg"] and re.match(r"<(?:0x)?(\w+)", properties["reg"])
    own = f"r{len(regions)}" + (f"@{unit[1]}" if unit else "")
    regions.append(node(own, properties, inside, label))
    tree(group, name, expect, "broken", text.replace("SLOT", f"0x{base:08x}").replace("OWN", own),
         node("broken", {"compatible": '"dma-alias-pool"', "memory-region": f"<&{label}>",
                         "label": '"broken"'}))


def all_regions():
    up = "DMA pool broken: 32 KiB at SLOT" + NO_ALIAS
    region("control", "nothing is wrong with the region", "works", up)
    another = "memory-region .*/OWN is not compatible with dma-alias-pool,region$"
    for name, value in (("missing", None), ("empty", ""), ("of no characters", '""'),
                        ("another", '"vendor,region"'), ("a number", "<1>"),
                        ("the kernel's pool", '"shared-dma-pool"'),
                        ("a pool's", '"dma-alias-pool,re", "gion"')):
        region("region_compatible", name, "refused", another, compatible=value)
    region("region_compatible", "second of two", "works", up,
           compatible='"vendor,region", "dma-alias-pool,region"')

    off = "memory-region .*/OWN is disabled$"
    for name, value in (("disabled", '"disabled"'), ("empty", ""), ("of no characters", '""'),
                        ("failed", '"fail"'), ("a number", "<1>")):
        region("region_status", name, "refused", off, status=value)

    none = "memory-region .*/OWN is no reserved memory of this kernel"
    here = first_slot + next(slots) * SLOT
    for name, value in (("missing", None), ("empty", ""), ("one cell", cells(here)),
                        ("three cells", cells(here, SLOT, 0)), ("three bytes", raw(b"\0\0\1")),
                        ("a byte too many", cells(here, SLOT) + ", [00]"),
                        ("of no bytes", cells(here, 0))):
        region("region_reg", name, "refused", none, here, reg=value)
    # The second range is reserved and not used. Some kernels (6.18) refuse such a region.
    region("region_reg", "two ranges", "either", "DMA pool broken: 32 KiB at SLOT\\|" + none, here,
           reg=cells(here, SLOT, here + SLOT, SLOT))
    next(slots)
    region("region_reg", "of a page and a byte", "refused",
           "size 0x00001001 is zero or not a multiple of the page size", reg=cells(
               first_slot + next(slots) * SLOT, 0x1001))
    odd = first_slot + next(slots) * SLOT + 0x10
    region("region_reg", "not of a page", "refused",
           f"base 0x{odd:08x} is zero or not a multiple of the page size", odd)
    region("region_reg", "beyond all addresses", "refused",
           "base 0xffffc000 plus size 0x00008000 reaches the last address\\|is no reserved memory", 0xffffc000)
    taken = "0x.*-0x.* overlaps another pool or a claimed resource, see /proc/iomem$"
    region("region_overlap", "another region", "refused", taken, good + SLOT)
    region("region_overlap", "a page of another", "refused", taken, good + MiB - 0x1000)
    region("region_overlap", "another's alias", "refused", taken, good + alias + SLOT)
    region("region_overlap", "a device", "refused", taken, uart & ~(SLOT - 1))
    ram = "is part of the kernel's own RAM: {}\\|is no reserved memory of this kernel"
    region("region_overlap", "the kernel", "refused", ram.format("reserve it at boot"), dram + SLOT)
    region("region_overlap", "the kernel, without no-map", "refused",
           ram.format("its reserved-memory node lacks no-map"), dram + 2 * SLOT, no_map=None)

    # --- without reg: the kernel chooses the place
    placed = {"reg": None}
    for name, value in (("empty", ""), ("two bytes", raw(b"\0\1")), ("two cells", cells(0, SLOT)),
                        ("zero", "<0>"), ("more than there is", "<0x70000000>"),
                        ("a string", '"64K bytes"')):
        region("region_size", name, "refused", none, **placed, size=value)
    region("region_size", "of a page and a byte", "refused",
           "size 0x00001001 is zero or not a multiple of the page size", **placed,
           size="<0x1001>", alignment="<0x1000>")
    region("region_size", "reg comes first", "works", up, size="<0x1000>")
    alignments = [("empty", ""), ("two bytes", raw(b"\x10\0")), ("two cells", cells(0, SLOT))]
    if dram % 0x80000000:
        alignments.append(("more than there is", "<0x80000000>"))
    for name, value in alignments:
        region("region_alignment", name, "refused", none, **placed, size=cells(SLOT),
               alignment=value)
    for name, value in (("zero", 0), ("a byte", 1)):
        region("region_alignment", name, "works", "DMA pool broken: 32 KiB at", **placed,
               size=cells(SLOT), alignment=cells(value))

    own_ram = "is part of the kernel's own RAM: its reserved-memory node lacks no-map$"
    region("region_no_map", "missing", "refused", own_ram, **placed, size=cells(SLOT),
           alignment=cells(SLOT), no_map=None)
    # the kernel only looks whether no-map is there, whatever its value
    region("region_no_map", "zero", "works", "DMA pool broken: 32 KiB at", **placed,
           size=cells(SLOT), alignment=cells(SLOT), no_map="<0>")
    region("region_cycle", "to a pool", "works", up, memory_region="<&good_pool>")
    region("region_cycle", "to itself", "works", up,
           memory_region="<&r_region_cycle_to_itself>")


# --- clients: a device that names the region of the good pool -----------------


def client(group, name, expect, text, region_value, *more):
    tree(group, name, expect, "broken-client", text,
         node("broken-client", {"compatible": '"dma-alias-pool,test"',
                                "memory-region": region_value}, label="this_client"), *more)


def all_clients():
    served = "coherent DMA memory comes from pool good$"
    client("control", "nothing is wrong with the client", "client", served, "<&good_region>")
    client("client_memory_region", "missing", "alone", "-", None)
    client("client_memory_region", "free places", "alone", "-", "<0 0>")
    broken = "memory-region is no list of phandles$"
    for name, value in (("empty", ""), ("two bytes", raw(b"\0\1")), ("three bytes", raw(b"\0\0\1")),
                        ("five bytes", "<0>, [01]"), ("to nowhere", "<0xdead>"),
                        ("minus one", "<0xffffffff>"), ("a string", '"good"'),
                        ("its address", cells(good))):
        client("client_memory_region", name, "alone", broken, value)
    # entries before or after a broken one still count
    for name, value in (("after a free place", "<0 &good_region>"),
                        ("after nowhere", "<0xdead &good_region>"),
                        ("after itself", "<&this_client &good_region>"),
                        ("and a byte", "<&good_region>, [00]"),
                        ("twice", "<&good_region &good_region>")):
        client("client_memory_region", name, "client", served, value)
    for name, label in (("itself", "this_client"), ("all of /reserved-memory", "reserved_memory"),
                        ("a bus", "good_bus"), ("somebody else's", "r_region_compatible_another")):
        client("client_memory_region", name, "alone", "-", f"<&{label}>")
    unserved = "no DMA pool serves its memory-region$"
    for name, label in (("the pool", "good_pool"), ("nobody's", "second"),
                        ("disabled", "r_region_status_disabled"),
                        ("not reserved", "r_region_reg_empty"),
                        ("a copy outside", "decoy")):
        client("client_memory_region", name, "alone", unserved, f"<&{label}>")
    tree("client_memory_region", "a pool in a circle", "alone", "broken-client", unserved,
         node("broken-client", {"compatible": '"dma-alias-pool,test"',
                                "memory-region": "<&its_pool>"}, label="its_client"),
         node("broken", {"compatible": '"dma-alias-pool"',
                         "memory-region": "<&its_client>"}, label="its_pool"))


# --- a bus that is a client of a pool on it -------------------------------------


def circle():
    a_bus = {"compatible": '"dma-alias-pool,test", "simple-bus"'}
    a_pool = {"compatible": '"dma-alias-pool"', "memory-region": "<&second>",
              "label": '"broken"'}
    label = bus_node(a_bus | {"memory-region": "<&second>"})
    tree("bus_of_its_pool", "a client", "circle", label,
         "the pool's device depends on it, or out of memory$",
         node("broken", a_pool), where=label)
    # nobody has asked for this one
    label = bus_node(a_bus)
    tree("bus_of_its_pool", "by default", "circle", label, "-",
         node("broken", a_pool | {"dma-alias-pool,default": ""}), where=label)


# --- the bus of a client ------------------------------------------------------


def bus(name, expect, text, ranges):
    label = bus_node({"dma-ranges": ranges})
    tree("bus_dma_ranges", name, expect, label + ":broken-client", text,
         node("broken-client", {"compatible": '"dma-alias-pool,test"',
                                "memory-region": "<&good_region>"}), where=label)


def all_buses():
    served = "coherent DMA memory comes from pool good$"
    plain = f"client=0x{good:x}"
    shifted = good - 0x10000000
    bus("missing", plain, served, None)
    bus("empty", plain, served, "")
    bus("right", f"client=0x{shifted:x}", served, cells(shifted, good, MiB))
    # the kernel ignores dma-ranges that it cannot read, without a message
    for name, value in (("one cell", cells(good)), ("two cells", cells(shifted, good)),
                        ("three bytes", raw(b"\0\0\1")), ("a string", '"shifted"')):
        bus(name, plain, served, value)
    bus("a cell too many", f"client=0x{shifted:x}", served, cells(shifted, good, MiB, 0))
    bus("two that meet", f"client=0x{shifted:x}", served,
        cells(shifted, good, MiB // 2, shifted + MiB // 2, good + MiB // 2, MiB // 2))
    bus("the same twice", f"client=0x{shifted:x}", served,
        cells(shifted, good, MiB, shifted, good, MiB))
    none = "not attached to DMA pool good: dma-ranges of its bus do not cover the pool in one piece$"
    for name, value in (
            ("elsewhere", cells(good + 16 * MiB, good + 16 * MiB, MiB)),
            ("half", cells(shifted, good, MiB // 2)),
            ("the other half", cells(shifted + MiB // 2, good + MiB // 2, MiB // 2)),
            ("less the last page", cells(shifted, good, MiB - 0x1000)),
            ("two apart", cells(shifted, good, MiB // 2, good, good + MiB // 2, MiB // 2)),
            ("a hole", cells(shifted, good, 0x1000, shifted + 0x2000, good + 0x2000, MiB)),
            ("beyond all addresses", cells(0xfff80000, good, MiB))):
        bus(name, "alone", none, value)
    bus("of no bytes", "alone", "not attached to DMA pool good: ", cells(shifted, good, 0))


def write(out):
    def compile_to(path, text, *options):
        done = subprocess.run(["dtc", "-q", *options, "-I", "dts", "-O", "dtb", "-o", path, "-"],
                              input="/dts-v1/;\n/plugin/;\n" + text, text=True,
                              capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{path}: dtc: {done.stderr}{text}")

    os.makedirs(f"{out}/broken", exist_ok=True)
    sizes = {"#address-cells": "<1>", "#size-cells": "<1>"}
    right = {"compatible": '"dma-alias-pool,region"', "no-map": ""}
    nested = node(f"nested@{second:x}", {**right, "reg": cells(second, MiB)}, label="nested")
    reserved = node("reserved-memory", {**sizes, "ranges": ""}, "".join([
        node(f"good@{good:x}", {**right, "reg": cells(good, MiB)}, label="good_region"),
        node(f"second@{second:x}", {**right, "reg": cells(second, MiB)}, nested, "second"),
        *regions]), "reserved_memory")
    compile_to(f"{out}/broken.dtbo", "&{/} {" + "".join([
        reserved,
        node(f"good@{good + alias:x}", {"compatible": '"dma-alias-pool"',
                                        "reg": cells(good + alias, MiB),
                                        "memory-region": "<&good_region>",
                                        "label": '"good"'}, label="good_pool"),
        node("good-bus", {"compatible": '"simple-bus"', **sizes, "ranges": ""}, label="good_bus"),
        *buses,
        node("decoys", {}, node(f"second@{second:x}", {**right, "reg": cells(second, MiB)},
                                label="decoy")),
    ]) + "};", "-@")
    with open(f"{out}/broken/table", "w", encoding="ascii") as f:
        for number, (group, name, expect, device, text, where, nodes) in enumerate(trees, 1):
            # without symbols (-@), as the kernel cannot remove them again
            compile_to(f"{out}/broken/{number}.dtbo", f"&{where} {{{nodes}}};")
            print(number, group, name.replace(" ", "-"), expect, device, text, file=f)


with open(sys.argv[1], encoding="ascii") as conf_file:
    for row in conf_file:
        if match := re.match(r"([A-Z_]+)=(\S+)$", row):
            conf[match[1]] = match[2]
good = int(conf["POOL_PHYS"], 0)
alias = int(conf["POOL_ALIAS"], 0) - good
second = good + MiB
first_slot = good + 2 * MiB
dram = int(conf["DRAM_BASE"], 0)
uart = int(conf["UART"], 0)
all_pools()
all_regions()
all_clients()
all_buses()
circle()
write(sys.argv[2])
