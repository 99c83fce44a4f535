#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""check_overlays.py BASE.dtb MERGED.dtb - what an overlay did to a board's tree.

BASE.dtb is the board's own tree, MERGED.dtb the same with the overlay applied. The
overlay may add regions and pools, give memory-region (and dma-noncoherent) to devices
that use coherent memory, and give dma-ranges to a bus, and nothing else. The regions
must lie in the board's RAM, outside of what is reserved already. Prints a line for
each thing that is wrong.

  --source DIR        a kernel's source, to look whether the drivers of clients
                      do allocate coherent memory
  --ram BASE:SIZE     RAM of the board that its tree does not know as memory
  --moves-ram         the overlay may set reg of the memory node
"""
import argparse
import struct
import sys

REGION = "dma-alias-pool,region"
POOL = "dma-alias-pool"

# The clients that overlays may name. For each compatible: groups of files of its
# driver. The first group is where the driver names the compatible, the last is where it
# allocates coherent memory. Files move between kernels: of each group the first file
# that exists is read.
DRIVERS = {
    "st,stm32-dwmac": [["net/ethernet/stmicro/stmmac/dwmac-stm32.c"],
                       ["net/ethernet/stmicro/stmmac/stmmac_main.c"]],
    "starfive,jh7100-dwmac": [["net/ethernet/stmicro/stmmac/dwmac-starfive.c"],
                              ["net/ethernet/stmicro/stmmac/stmmac_main.c"]],
    "st,stm32-ltdc": [["gpu/drm/stm/drv.c"], ["gpu/drm/drm_gem_dma_helper.c"]],
    "st,stm32f7-hsotg": [["usb/dwc2/params.c"], ["usb/dwc2/hcd.c"]],
    "st,stm32h7-mdma": [["dma/stm32/stm32-mdma.c", "dma/stm32-mdma.c"]],
    "st,stm32h7-uart": [["tty/serial/stm32-usart.c"]],
    # its driver knows the variant with a DMA engine by its ID, not by this name
    "arm,pl18x": [["mmc/host/mmci.c"], ["mmc/host/mmci_stm32_sdmmc.c"]],
    "fsl,imxrt1050-usdhc": [["mmc/host/sdhci-esdhc-imx.c"], ["mmc/host/sdhci.c"]],
    "fsl,imx7ulp-edma": [["dma/fsl-edma-main.c", "dma/fsl-edma.c"],
                         ["dma/fsl-edma-common.c"]],
    "cdns,sd4hc": [["mmc/host/sdhci-cadence.c"], ["mmc/host/sdhci.c"]],
    "cdns,macb": [["net/ethernet/cadence/macb_main.c"]],
    "snps,axi-dma-1.01a": [["dma/dw-axi-dmac/dw-axi-dmac-platform.c"]],
    "snps,dw-mshc": [["mmc/host/dw_mmc-pltfm.c"], ["mmc/host/dw_mmc.c"]],
}
ALLOCATES = ("dma_alloc_coherent", "dma_alloc_wc", "dmam_alloc_coherent",
             "dma_pool_create", "dmam_pool_create")


class Node:
    def __init__(self, name, parent):
        self.name, self.parent = name, parent
        self.props, self.children = {}, {}

    @property
    def path(self):
        if not self.parent:
            return "/"
        return self.parent.path.rstrip("/") + "/" + self.name

    def strings(self, prop):
        return self.props.get(prop, b"").decode().split("\0")[:-1]

    def cells(self, prop):
        value = self.props.get(prop, b"")
        return list(struct.unpack(f">{len(value) // 4}I", value))

    def cell(self, prop, default=None):
        return (self.cells(prop) or [default])[0]

    def walk(self):
        yield self
        for child in self.children.values():
            yield from child.walk()

    def is_a(self, compatible):
        return compatible in self.strings("compatible")


def read(path):
    data = open(path, "rb").read()
    magic, _, at, strings = struct.unpack(">4I", data[:16])
    if magic != 0xD00DFEED:
        sys.exit(f"{path} is no device tree")
    root = node = None
    while True:
        (token,) = struct.unpack(">I", data[at:at + 4])
        at += 4
        if token == 1:
            end = data.index(b"\0", at)
            child = Node(data[at:end].decode(), node)
            if node:
                node.children[child.name] = child
            root = root or child
            node = child
            at = (end + 4) & ~3
        elif token == 2:
            node = node.parent
        elif token == 3:
            size, name = struct.unpack(">2I", data[at:at + 8])
            end = data.index(b"\0", strings + name)
            node.props[data[strings + name:end].decode()] = \
                data[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            return root


def number(cells):
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def translated(node, base):
    """The CPU's address for base, an address on the bus that node is on, or None if the
    CPU cannot reach it."""
    bus = node.parent
    while bus.parent:
        if "ranges" not in bus.props:
            return None
        na, pna = bus.cell("#address-cells", 2), bus.parent.cell("#address-cells", 2)
        step = na + pna + bus.cell("#size-cells", 1)
        cells = bus.cells("ranges")
        for i in range(0, len(cells), step):
            child = number(cells[i:i + na])
            size = number(cells[i + na + pna:i + step])
            if child <= base < child + size:
                base += number(cells[i + na:i + na + pna]) - child
                break
        else:
            if cells:
                return None
        bus = bus.parent
    return base


def ranges(node):
    """(base, size) of each range in reg, in the CPU's addresses."""
    if not node.parent:
        return
    na = node.parent.cell("#address-cells", 2)
    ns = node.parent.cell("#size-cells", 1)
    cells = node.cells("reg")
    if not ns or not na:
        return
    for i in range(0, len(cells), na + ns):
        base = translated(node, number(cells[i:i + na]))
        if base is not None:
            yield base, number(cells[i + na:i + na + ns])


def overlap(a, b):
    return a[0] < b[0] + b[1] and b[0] < a[0] + a[1]


def within(a, b):
    return b[0] <= a[0] and a[0] + a[1] <= b[0] + b[1]


def show(r):
    return f"{r[0]:#x}-{r[0] + r[1] - 1:#x}"


class Check:
    def __init__(self, base, merged, args):
        self.base, self.merged, self.args = base, merged, args
        self.problems, self.clients, self.noncoherent, self.buses = [], [], [], []
        self.memory = [r for n in merged.children.values()
                       if n.strings("device_type") == ["memory"] for r in ranges(n)]
        self.reserved = merged.children.get("reserved-memory")
        self.by_phandle = {n.cell("phandle"): n for n in merged.walk()
                           if "phandle" in n.props}

    def problem(self, text):
        self.problems.append(text)

    # --- what was changed

    def compare(self, old, new):
        for name in old.children.keys() - new.children.keys():
            self.problem(f"{old.path}: {name} is gone")
        for name, child in new.children.items():
            if name.startswith("__"):
                continue
            if name in old.children:
                self.compare(old.children[name], child)
            elif child.path == "/reserved-memory":
                for region in child.children.values():
                    self.added(region)
            else:
                self.added(child)
        for name in old.props.keys() | new.props.keys():
            if old.props.get(name) != new.props.get(name):
                self.changed(old, new, name)

    def added(self, node):
        region = node.parent.path == "/reserved-memory"
        if not node.is_a(REGION if region else POOL):
            self.problem(f"{node.path} is added, which is no business of an overlay for pools")

    def changed(self, old, new, name):
        if name in ("phandle", "linux,phandle") and name not in old.props:
            return
        if name == "memory-region" and name not in old.props:
            self.clients.append(new)
        elif name == "dma-noncoherent" and name not in old.props:
            self.noncoherent.append(new)
        elif name == "dma-ranges" and name not in old.props:
            self.buses.append(new)
        elif not (name == "reg" and self.args.moves_ram and
                  new.strings("device_type") == ["memory"]):
            self.problem(f"{new.path}: {name} is changed")

    # --- regions and pools

    def regions(self):
        return [n for n in (self.reserved.children.values() if self.reserved else [])
                if n.is_a(REGION)]

    def check_region(self, node):
        for region in ranges(node):
            where = f"{node.path} {show(region)}"
            ram = [m for m in self.memory if within(region, m)]
            if any(overlap(region, m) for m in self.memory) and not ram:
                self.problem(f"{where} is partly in RAM, partly not")
            elif not ram and not any(within(region, r) for r in self.args.ram):
                self.problem(f"{where} is not in the board's RAM")
            # 32 bits: a noMMU board. The region must suit an MPU (size a power of two,
            # aligned to it), and must end where RAM ends: the kernel would lose the RAM
            # above it.
            if self.merged.cell("#address-cells") == 1:
                if region[1] & (region[1] - 1) or region[0] % region[1]:
                    self.problem(f"{where} is no MPU region: size or alignment")
                if ram and region[0] + region[1] != ram[0][0] + ram[0][1]:
                    self.problem(f"{where} is not at the end of the RAM")
            for other in self.reserved.children.values():
                for r in ranges(other):
                    if other is not node and overlap(region, r):
                        self.problem(f"{where} overlaps {other.path} {show(r)}")
            self.check_devices(node, region)
        if node.props.get("reg", b"") == b"" and "size" not in node.props:
            self.problem(f"{node.path} has neither reg nor size")

    def check_devices(self, node, mine):
        for other in self.merged.walk():
            if other is node or other.is_a(POOL) or other.parent is self.reserved or \
               other.strings("device_type") == ["memory"]:
                continue
            for r in ranges(other):
                if overlap(mine, r):
                    self.problem(f"{node.path} {show(mine)} overlaps {other.path} {show(r)}")

    def check_pool(self, node):
        region = self.by_phandle.get(node.cell("memory-region"))
        if not region or region not in self.regions():
            self.problem(f"{node.path}: its memory-region is no region")
            return
        for alias in ranges(node):
            where = f"{node.path} {show(alias)}"
            for r in ranges(region):
                if alias[1] != r[1]:
                    self.problem(f"{where} has not the size of {region.path}")
                if overlap(alias, r):
                    self.problem(f"{where} overlaps {region.path}")
            for m in self.memory:
                if overlap(alias, m):
                    self.problem(f"{where} overlaps RAM at {show(m)}")
            for other in self.reserved.children.values():
                for r in ranges(other):
                    if other is not region and overlap(alias, r):
                        self.problem(f"{where} overlaps {other.path} {show(r)}")
            self.check_devices(node, alias)

    def check_room(self):
        """All that is reserved, also where the kernel chooses the place, may take a
        quarter of RAM at most."""
        size = taken = 0
        for base, length in self.memory:
            size += length
        for node in self.reserved.children.values():
            taken += number(node.cells("size"))
            taken += sum(r[1] for r in ranges(node)
                         if any(within(r, m) for m in self.memory))
        if taken > size // 4:
            self.problem(f"{taken} of {size} bytes of RAM are reserved")

    def check_bus(self, node):
        """The bus must still reach all RAM, at the CPU's addresses; a region may be at
        the address of its alias instead."""
        na, pna = node.cell("#address-cells", 2), node.parent.cell("#address-cells", 2)
        step = na + pna + node.cell("#size-cells", 1)
        cells = node.cells("dma-ranges")
        entries = sorted((number(cells[i + na:i + na + pna]),
                          number(cells[i + na + pna:i + step]),
                          number(cells[i:i + na]))
                         for i in range(0, len(cells), step))
        aliases = {r[0]: a[0] for pool in self.merged.walk() if pool.is_a(POOL)
                   for r in ranges(self.by_phandle[pool.cell("memory-region")])
                   for a in ranges(pool)}
        for base, size, bus in entries:
            if bus not in (base, aliases.get(base)):
                self.problem(f"{node.path}: {show((base, size))} is neither itself nor "
                             "an alias on the bus")
        for base, size in self.memory:
            at = base
            for start, length, _ in entries:
                if start <= at < start + length:
                    at = start + length
            if at < base + size:
                self.problem(f"{node.path}: RAM at {at:#x} is out of its reach")

    # --- clients

    def check_client(self, node):
        region = self.by_phandle.get(node.cell("memory-region"))
        if not region or region not in self.regions():
            self.problem(f"{node.path}: its memory-region is no region")
        known = [c for c in node.strings("compatible") if c in DRIVERS]
        if not known:
            self.problem(f"{node.path} is not known to allocate coherent memory")
        elif self.args.source:
            self.check_driver(node, known[0])

    def check_driver(self, node, compatible):
        texts = []
        for group in DRIVERS[compatible]:
            for name in group:
                try:
                    texts.append(open(f"{self.args.source}/drivers/{name}").read())
                    break
                except FileNotFoundError:
                    continue
            else:
                self.problem(f"{node.path}: no driver {group[0]}")
                return
        wanted = f'"{compatible}"'
        if "arm,primecell-periphid" in node.props:
            wanted = f"0x{node.cell('arm,primecell-periphid'):08x}"
        if wanted not in texts[0]:
            self.problem(f"{node.path}: {DRIVERS[compatible][0][0]} has no {wanted}")
        if not any(call + "(" in texts[-1] for call in ALLOCATES):
            self.problem(f"{node.path}: its driver allocates no coherent memory")
        # This call fails for a region of ours, and then some drivers do not probe.
        if any("of_reserved_mem_device_init" in text for text in texts):
            self.problem(f"{node.path}: its driver has ideas of its own on memory-region")

    def run(self):
        self.compare(self.base, self.merged)
        regions = self.regions()
        pools = [n for n in self.merged.walk() if n.is_a(POOL)]
        if not regions or not pools:
            self.problem("there is no region, or no pool")
            return
        for node in regions:
            self.check_region(node)
        for node in pools:
            self.check_pool(node)
        self.check_room()
        for node in self.buses:
            self.check_bus(node)
        for node in self.clients:
            self.check_client(node)
        for node in self.noncoherent:
            if node not in self.clients:
                self.problem(f"{node.path}: dma-noncoherent is changed")
        if self.clients and all(n.strings("status") not in ([], ["okay"])
                                for n in self.clients):
            self.problem("all clients are disabled")
        if not self.clients and not any("dma-alias-pool,default" in n.props
                                        for n in pools):
            self.problem("the pool has no clients")


def area(text):
    base, size = text.split(":")
    return int(base, 0), int(size, 0)


p = argparse.ArgumentParser()
p.add_argument("base")
p.add_argument("merged")
p.add_argument("--source")
p.add_argument("--ram", action="append", type=area, default=[])
p.add_argument("--moves-ram", action="store_true")
arguments = p.parse_args()
check = Check(read(arguments.base), read(arguments.merged), arguments)
check.run()
for line in check.problems:
    print(line)
