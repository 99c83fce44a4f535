# SPDX-License-Identifier: GPL-2.0
"""machine.py - the files of one boot, and QEMU's command line for them.

A Machine is made from run.py's options, the files that kernel.sh and initramfs.sh
made, and the board's directory in boards/. What it writes goes into a directory of
the caller's, who removes it after the run. The emulator is started by emulator.py.
"""
import os
import re
import shlex
import shutil

from cache_report import Faults
from common import RigError, tool
from gdb import PC
from symbols import symbol_address

HERE = os.path.dirname(os.path.realpath(__file__))
# of the machine that has a cache, see selftests/cache/map.h
RAM_SIZE = 16 << 20
# Debian's packages that are not called as the program in them is
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "qemu-system-riscv64": "qemu-system-misc"}
DTC = "device-tree-compiler"
# the console alone, on stdin and stdout
NO_WINDOW = ["-display", "none", "-monitor", "none", "-serial", "stdio"]


def read_conf(path):
    conf = {}
    with open(path, encoding="ascii") as f:
        for row in f:
            if m := re.match(r"([A-Z_]+)=(\S*)$", row):
                conf[m[1]] = m[2]
    return conf


class Machine:
    """One boot's files and QEMU command line."""

    def __init__(self, args, temp):
        self.args = args
        self.temp = temp
        rig = os.path.join(args.kernel, "rig")
        if not os.path.exists(os.path.join(rig, "Image")):
            raise RigError(f"no kernel in {args.kernel} (rig/kernel.sh makes one)")
        self.conf = read_conf(os.path.join(rig, "board.conf"))
        if self.conf["BOARD"] != args.board:
            raise RigError(f"{args.kernel} is a kernel for {self.conf['BOARD']}, not {args.board}")
        with open(os.path.join(rig, "version"), encoding="ascii") as f:
            self.series = ".".join(f.read().split(".")[:2])
        self.rig = rig
        self.map = os.path.join(args.kernel, "System.map")
        self.gdb_path = os.path.join(temp, "gdb")
        self.monitor_path = os.path.join(temp, "monitor")
        self.faults = os.path.join(temp, "faults")
        self.arch = self.conf.get("ARCH", "arm")
        if args.watch and self.arch not in PC:
            raise RigError(f"{args.board} cannot be watched")
        self.nm = self.conf.get("CROSS_COMPILE", "arm-linux-gnueabi-") + "nm"
        self.ram = None
        if args.plugin:
            # QEMU and the plugin both map it, and it goes with them
            self.ram = os.memfd_create("ram")
            os.ftruncate(self.ram, RAM_SIZE)

    def close(self):
        """To be called after the run: the memory goes."""
        if self.ram is not None:
            os.close(self.ram)

    def cmdline(self):
        c = self.conf
        pool = self.args.pool or f"{c['POOL_PHYS']}:{c['POOL_SIZE']}:{c['POOL_ALIAS']}".rstrip(":")
        words = [f"rig.board={self.args.board}", f"rig.pool={pool}"]
        if self.args.run:
            words[:0] = ["earlycon", "loglevel=8", "printk.devkmsg=on"]
            words.append(f"rig.run={self.args.run}")
        else:
            words[:0] = ["quiet", "loglevel=4"]
            if self.args.raw:
                words.append(f"rig.raw={self.args.raw}")
        if self.args.args:
            words.append("rig.args=" + ",".join(self.args.args))
        if self.args.cacheid:
            words.append(f"rig.cacheid=0x{symbol_address(self.map, 'cacheid'):x}")
        if self.args.watch:
            words.append("rig.watch")
        if c.get("ENABLE"):
            words.append(f"rig.enable={c['ENABLE']}")
        if c.get("DRAM_BASE"):
            # DMA_API_DEBUG would take a third of 16 MiB. It makes more when it needs more.
            words.append("dma_debug_entries=8192")
        if c.get("APPEND"):
            words.append(c["APPEND"])
        if "DTB" not in c:
            # no device tree to reserve it with, and no mem= below other RAM
            base, size, *alias = pool.split(":")
            words += [f"memmap={size}${at}" for at in (base, *alias)]
        if self.args.append:
            words.append(self.args.append)
        return " ".join(words)

    def device_tree(self):
        base = self.args.dtb or os.path.join(self.rig, self.conf["DTB"])
        out = os.path.join(self.temp, "board.dtb")
        if self.args.overlay:
            tool(["fdtoverlay", "-i", base, "-o", out, *self.args.overlay], DTC)
        else:
            shutil.copyfile(base, out)
        if "INITRD_ADDR" not in self.conf:
            return out  # QEMU's own loader fills in the rest
        start = int(self.conf["INITRD_ADDR"], 0)
        end = start + os.path.getsize(self.args.initrd)
        if end > int(self.conf["DTB_ADDR"], 0):
            raise RigError(f"{self.args.initrd} is too large for {self.args.board}")
        for key, kind, value in (("linux,initrd-start", "x", f"{start:x}"),
                                 ("linux,initrd-end", "x", f"{end:x}"),
                                 ("bootargs", "s", self.cmdline())):
            tool(["fdtput", "-t", kind, out, "/chosen", key, value], DTC)
        return out

    def board_args(self):
        """The words of the board's qemu.args, and of --qemu; each @disk:N@ is a
        new file of N MiB, and @ram:N@ one that is the same wherever it is named:
        memory that is seen at several addresses. They go with the run."""
        def file(m):
            name = "ram" if m[1] == "ram" else f"disk{len(os.listdir(self.temp))}"
            path = os.path.join(self.temp, name)
            with open(path, "ab") as f:
                f.truncate(int(m[2]) << 20)
            return path.replace(",", ",,")

        path = os.path.join(HERE, "boards", self.args.board, "qemu.args")
        words = []
        if os.path.exists(path):
            with open(path, encoding="ascii") as f:
                words = shlex.split(f.read(), comments=True)
        for more in self.args.qemu:
            words += shlex.split(more)
        return [re.sub(r"@(disk|ram):(\d+)@", file, w) for w in words]

    def plugin_args(self):
        """The data cache: its memory, the plugin, and words for that."""
        if not self.args.plugin:
            return []
        ram = f"/proc/self/fd/{self.ram}"
        words = [self.args.plugin.replace(",", ",,"), f"ram={ram}",
                 f"report={self.faults.replace(',', ',,')}", *self.args.cache]
        return ["-object", f"memory-backend-file,id=ram0,size={RAM_SIZE},mem-path={ram},share=on",
                "-machine", "memory-backend=ram0", "-plugin", ",".join(words)]

    def start(self, more, **streams):
        """The command line, and what its process is to be given."""
        if self.ram is not None:
            streams["pass_fds"] = (self.ram,)
            streams["faults"] = Faults(self)
        return self.qemu() + more, streams

    def qemu(self):
        c = self.conf
        program = os.environ.get("QEMU", self.args.emulator or
                                 c.get("EMULATOR", "qemu-system-arm"))
        if not shutil.which(program):
            package = PACKAGES.get(program, program)
            raise RigError(f"{program} is not installed (rig/need.sh {package})")
        if "INITRD_ADDR" not in c:
            argv = [program, "-M", c["MACHINE"], "-no-reboot", *self.board_args(),
                    "-kernel", os.path.join(self.rig, "Image"),
                    "-initrd", self.args.initrd, "-append", self.cmdline()]
            if "DTB" in c:
                argv += ["-dtb", self.device_tree()]
            return argv + self.run_args()
        argv = [program, "-M", c["MACHINE"], "-nic", "user,restrict=on", "-no-reboot",
                *self.board_args(), *self.plugin_args(),
                # for the guest's poweroff, see guest/rig-exit.c
                "-semihosting-config", "enable=on,userspace=on,target=native",
                "-kernel", os.path.join(self.rig, "stub.elf")]
        for path, key in ((os.path.join(self.rig, "Image"), "IMAGE_ADDR"),
                          (self.device_tree(), "DTB_ADDR"),
                          (self.args.initrd, "INITRD_ADDR")):
            # a comma in a file name is QEMU's separator unless doubled
            argv += ["-device",
                     f"loader,file={path.replace(',', ',,')},addr={c[key]},force-raw=on"]
        return argv + self.run_args()

    def run_args(self):
        """How it runs, as this run's options have it."""
        # for monitor.py
        words = ["-qmp", f"unix:{self.monitor_path},server=on,wait=off"]
        if self.args.icount:
            words += ["-icount", "shift=5,sleep=off"]
        if self.args.watch:
            words += ["-S", "-gdb", f"unix:{self.gdb_path},server=on,wait=off"]
        return words
