#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cache.sh KERNEL BOARD OUT - prepare a machine with a data cache for KERNEL, a kernel of
# kernel.sh. Builds the plugin of QEMU (selftests/cache/) in OUT, and makes OUT a kernel
# directory like KERNEL, but with the memory map of the board's cache.conf.
#
# The last line on stdout has the words with which run.py boots that. Exit status 3: there
# is no QEMU that is new enough.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

kernel=$1 board=$HERE/boards/$2 out=$3
source=$HERE/../cache
log=$out/build.log

build_plugin() {
	make -C "$source" O="$out" QEMU="$qemu" plugin
}

lay_out() {
	local name size base
	rm -rf "$out/rig"
	mkdir -p "$out/rig"
	ln -sfn "$kernel/System.map" "$out/System.map"
	for name in Image version source; do
		ln -s "$kernel/rig/$name" "$out/rig/$name"
	done
	# cache.conf comes last, and so overrides board.conf
	cat "$board/board.conf" "$board/cache.conf" >"$out/rig/board.conf"
	# shellcheck source=boards/an500/board.conf
	. "$out/rig/board.conf"
	base=${DRAM_BASE#0x} size=${DRAM_SIZE#0x}
	cp "$kernel/rig/$DTB" "$out/rig/$DTB"
	fdtput -t x "$out/rig/$DTB" "/memory@$base" reg "$base" "$size"
	"$HERE/stub.sh" "$out/rig/stub.elf" "$out/rig/board.conf"
}

[ -e "$board/cache.conf" ] ||
	die "CACHE=y: no cache is known for $2 (there is one for: $(cd "$HERE/boards" && dirname -- */cache.conf))"
need gcc libc6-dev libglib2.0-dev pkgconf device-tree-compiler gcc-arm-linux-gnueabi
qemu=$("$HERE/qemu.sh" | tail -n 1) || exit $?
mkdir -p "$out"
: >"$log"
step "CACHE   $2: the plugin" "$log" build_plugin
step "CACHE   $2: its memory" "$log" lay_out
echo "--kernel $out --emulator $qemu/qemu-system-arm --plugin $out/cache.so"
