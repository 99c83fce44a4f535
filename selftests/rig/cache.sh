#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cache.sh KERNEL BOARD OUT - a kernel of kernel.sh on a machine with a data cache:
# the plugin is built, and memory laid out as the board's cache.conf says.
#
# Out: words for run.py, as the last line on stdout: those for the emulator, and the
# directory that stands in for KERNEL. Exit status 3: no QEMU that can do it is to be
# had here.
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
	# of two lines about one thing the later counts
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
