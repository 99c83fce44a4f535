#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mkcpio.py OUT USERLAND_DIR GUEST_DIR FILES_DIR [ROOT_DIR] - write an initramfs.

Called by initramfs.sh, which says what is in it; the directories in ROOT_DIR are added
at /. Writes the cpio format "newc", which the kernel unpacks. Everything is owned by
root and has time 0, so that the same files always make the same archive. OUT is
replaced only when the new archive is complete.
"""
import gzip
import os
import re
import stat
import sys


class Cpio:
    def __init__(self, out):
        self.out = out
        self.size = 0
        self.inode = 0
        self.dirs = set()

    def _write(self, data):
        self.out.write(data)
        self.size += len(data)

    def _pad(self):
        self._write(b"\0" * (-self.size % 4))

    def entry(self, name, mode, data=b"", rdev=(0, 0)):
        parent = os.path.dirname(name)
        if parent and parent not in self.dirs:
            self.directory(parent)
        self.inode += 1
        nlink = 2 if stat.S_ISDIR(mode) else 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, nlink, 0, len(data), 0, 0, *rdev, len(raw), 0)
        self._write(b"070701" + b"".join(b"%08X" % f for f in fields) + raw)
        self._pad()
        self._write(data)
        self._pad()

    def directory(self, name):
        if name not in self.dirs:
            self.entry(name, stat.S_IFDIR | 0o755)
            self.dirs.add(name)

    def file(self, name, path, mode=None):
        info = os.stat(path)
        if mode is None:
            mode = 0o755 if info.st_mode & 0o111 else 0o644
        with open(path, "rb") as f:
            self.entry(name, stat.S_IFREG | mode, f.read())

    def tree(self, name, path):
        self.directory(name)
        for item in sorted(os.scandir(path), key=lambda e: e.name):
            if item.is_dir():
                self.tree(f"{name}/{item.name}", item.path)
            else:
                self.file(f"{name}/{item.name}", item.path)

    def end(self):
        self.entry("TRAILER!!!", 0)


def applets(config):
    """The names of the applets in this BusyBox, from its configuration."""
    odd = {"SH_IS_HUSH": ["sh"], "HUSH": ["hush"], "TEST1": ["["], "INIT": ["init"]}
    names = []
    with open(config, encoding="utf-8") as f:
        for key in re.findall(r"^CONFIG_([A-Z0-9_]+)=y$", f.read(), re.M):
            names += odd.get(key, [] if "_" in key else [key.lower()])
    return sorted(set(names) - {"busybox", "nommu", "lfs", "include", "desktop"})


def main():
    out, userland, guest, files, *roots = sys.argv[1:]
    temp = f"{out}.{os.getpid()}"
    try:
        with open(temp, "wb") as raw:
            sink = gzip.GzipFile("", "wb", 6, raw, 0) if out.endswith(".gz") else raw
            cpio = Cpio(sink)
            for name in ("bin", "sbin", "etc", "proc", "sys", "run", "tmp", "root"):
                cpio.directory(name)
            # devices that are needed before /etc/rc has mounted devtmpfs
            cpio.entry("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1))
            cpio.entry("dev/null", stat.S_IFCHR | 0o666, rdev=(1, 3))
            cpio.file("bin/busybox", f"{userland}/busybox", 0o755)
            for name in applets(f"{userland}/busybox.config"):
                cpio.entry(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox")
            cpio.entry("init", stat.S_IFLNK | 0o777, b"/bin/busybox")
            for name in ("inittab", "profile", "relay"):
                cpio.file(f"etc/{name}", f"{guest}/{name}", 0o644)
            cpio.file("etc/rc", f"{guest}/rc", 0o755)
            for program in sorted(os.listdir(f"{userland}/guest")):
                cpio.file(f"sbin/{program}", f"{userland}/guest/{program}", 0o755)
            cpio.file("sbin/poweroff", f"{guest}/poweroff", 0o755)
            cpio.file("root/rig-watch.sh", f"{guest}/rig-watch.sh", 0o644)
            cpio.tree("root", files)
            for root in roots:
                for item in sorted(os.listdir(root)):
                    cpio.tree(item, f"{root}/{item}")
            cpio.end()
            if sink is not raw:
                sink.close()
        os.replace(temp, out)
    finally:
        if os.path.exists(temp):
            os.unlink(temp)


if __name__ == "__main__":
    main()
