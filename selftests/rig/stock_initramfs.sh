#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock_initramfs.sh OUT KERNEL_DIR FILES_DIR - make the initramfs for a kernel of
# stock.sh. It has
#   - the user space of stock_userland.sh, with mke2fs and e2fsck
#   - trace-cmd and perf of this machine, if the architecture is the same
#   - the kernel's own drivers, for modprobe
#   - guest/*, and the files in FILES_DIR in /root
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

# Drivers that the tests use. If the kernel does not have one as a module, it is left
# out. Modules that these depend on are added.
DRIVERS=(ahci nvme sd_mod virtio_pci virtio_blk virtio_net virtio_mmio e1000e
	e1000 sdhci_pci mmc_block xhci_pci usb_storage ext4 crc32c_generic
	crc32c_intel)

# program FILE: copy a program of this machine and its libraries to $root
program() {
	local file
	install -D "$1" "$root/sbin/${1##*/}"
	for file in $(ldd "$1" | grep -o '/[^ ]*'); do
		[ -e "$root$file" ] || install -D "$file" "$root$file"
	done
}

drivers() {
	local name file to
	for name in "${DRIVERS[@]}"; do
		modprobe -d "$kernel" -S "$release" --show-depends "$name" ||
			echo "no $name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u |
		while read -r file; do
			file=$(readlink -f "$file")
			to=$root/lib/modules/$release/kernel/${file##*/kernel/}
			install -D -m 644 "$file" "$to"
			case $to in
			*.xz) xz -d "$to" ;;
			*.zst) zstd -q -d --rm "$to" ;;
			esac
		done
	cp "$kernel/lib/modules/$release"/modules.builtin* \
		"$kernel/lib/modules/$release"/modules.order \
		"$root/lib/modules/$release/"
	depmod -b "$root" "$release"
}

[ $# -eq 3 ] || die "usage: stock_initramfs.sh OUT KERNEL_DIR FILES_DIR"
PATH=$PATH:/usr/sbin:/sbin
need python3 kmod e2fsprogs linux-perf trace-cmd xz-utils zstd
kernel=$2
release=$(cat "$kernel/rig/release")
arch=$(sed -n 's/^DEBIAN=//p' "$kernel/rig/board.conf")
userland=$("$HERE/stock_userland.sh" "$arch")
rig_tmp
root=$RIG_TMP/root
mkdir "$root"
if [ -d "$userland/root" ]; then
	cp -r "$userland/root/." "$root"
else
	for name in mke2fs e2fsck trace-cmd perf; do
		program "$(command -v $name)"
	done
fi
drivers
python3 "$HERE/mkcpio.py" "$1" "$userland" "$HERE/guest" "$3" "$root"
