#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# in_tree.sh [--source] KVER BOARD - build a kernel like that of kernel.sh, but with the
# module and the test devices built in, and without loadable modules. It also has an
# upstream driver that starts at the same initcall level as the module. With --source,
# only its source tree and its configuration are made.
#
# Copies the source tree (as hard links) and adds the module with "make in-tree". The
# build stays in the cache, so that next time only what has changed is built. Who goes on to
# use it holds the lock of its own (IN_TREE_LOCKED=y): another run would replace it.
# Prints the directory, for run.py, as the last line on stdout.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"
top=$(readlink -f "$HERE/../..")

only_source=
[ "${1:-}" != --source ] || { only_source=y && shift; }
[ $# -eq 2 ] || die "usage: in_tree.sh [--source] KVER BOARD"
KVER=$1 BOARD=$2
RECIPE=1	# count this up when what this script builds changes
ON=(DMA_ALIAS_POOL DMA_ALIAS_POOL_TEST SPI SPI_PL022)

kernel=$("$HERE/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
key=$(echo "$RECIPE" "$(basename "$kernel")" "${ON[@]}" | sha256sum | cut -c 1-12)
dir=$CACHE_DIR/in-tree/$KVER-$BOARD-$key
log=$CACHE_DIR/log/in-tree-$KVER-$BOARD.log
export ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-

kmake() { make -C "$dir/src" O="$dir/obj" -j"$JOBS" LOCALVERSION= "$@"; }

# The copy consists of hard links. So a file here may be replaced, but never written into:
# that would change the original.
copy() {
	local how=-al
	rm -rf "$CACHE_DIR/in-tree/$KVER-$BOARD"-*	# older builds
	mkdir -p "$dir/obj"
	# a user's own tree may be on another disk, and must not be at risk
	[ -z "${KSRC:-}" ] || how=-a
	cp $how "$(readlink -f "$kernel/rig/source")" "$dir/.src"
	cp "$kernel/.config" "$dir/obj/.config"
	mv "$dir/.src" "$dir/src"
}

configure() {
	local name enable=()
	make -C "$top" in-tree KDIR="$dir/src"
	for name in "${ON[@]}"; do
		enable+=(--enable "$name")
	done
	"$dir/src/scripts/config" --file "$dir/obj/.config" \
		--disable MODULES "${enable[@]}"
	kmake olddefconfig
	for name in "${ON[@]}"; do
		grep -qx "CONFIG_$name=y" "$dir/obj/.config"
	done
	grep -qx '# CONFIG_MODULES is not set' "$dir/obj/.config"
}

build() {
	kmake Image
	rm -rf "$dir/obj/rig"
	cp -a "$kernel/rig" "$dir/obj/rig"
	cp "$dir/obj/arch/arm/boot/Image" "$dir/obj/rig/"
}

# not cache_lock, as no other script writes to this directory
mkdir -p "$CACHE_DIR/in-tree" "$CACHE_DIR/log"
if [ -z "${IN_TREE_LOCKED:-}" ]; then
	exec 9>"$CACHE_DIR/in-tree/lock"
	flock 9
fi
: >"$log"
[ -d "$dir/src" ] || step "IN-TREE $KVER $BOARD: copying the source tree" "$log" copy
step "IN-TREE $KVER $BOARD: adding the module" "$log" configure
[ -n "$only_source" ] ||
	step "IN-TREE $KVER $BOARD: building (about 3 min the first time)" "$log" build
echo "$dir/obj"
