# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# busybox.sh - builds a user space for an emulated machine, with BusyBox of Debian's
# source package. Sourced after lib.sh, by scripts that have set
#   SUITE the Debian release whose BusyBox is built
#   CROSS the prefix of the names of the machine's compiler and tools
#
# The caller holds cache_lock, and calls begin_userland, then link_tools, build_busybox and
# build_guest (the latter two by step), then end_userland. begin_userland sets
#   TMP   an empty directory to build in
#   NEW   the directory for busybox, busybox.config and guest/; the caller puts the
#         compiler into NEW/bin
#   S     NEW/sysroot, for the libraries that the compiler links with
#   LOG   the log of all steps
#   BBTAR the archive of BusyBox's sources

# begin_userland NAME: NAME is that of the log
begin_userland() {
	rm -rf "$CACHE_DIR/userland/.tmp"
	NEW=$CACHE_DIR/userland/.tmp/new
	TMP=$CACHE_DIR/userland/.tmp/work
	S=$NEW/sysroot
	LOG=$CACHE_DIR/log/$1.log
	mkdir -p "$NEW/bin" "$S/lib" "$TMP" "$CACHE_DIR/log"
	: >"$LOG"
	busybox_source
}

# end_userland OUT: all is built: move it to OUT
end_userland() {
	rm -rf "$1"
	mv "$NEW" "$1"
	rm -rf "$CACHE_DIR/userland/.tmp"
}

# link_tools PREFIX: make links to the tools beside the compiler, named PREFIXar and so on
link_tools() {
	local tool
	for tool in ar ld nm objcopy objdump ranlib strip size; do
		ln -sf "$(command -v "$CROSS$tool")" "$NEW/bin/$1$tool"
	done
}

busybox_source() { BBTAR=$(package_source busybox "$SUITE" "$LOG"); }

# build_busybox FRAGMENT...: configure BusyBox with the settings in FRAGMENT... and build
# it. Of two settings of the same option the first counts. "make oldconfig" silently drops
# options whose dependencies are off, so it is checked that all settings took effect.
#
# Without an MMU, the kernel's ELF loader copies a program's arguments to its stack, and
# does not look whether they fit there (6.12). The shell starts itself anew for each
# subshell, with all functions as arguments. The tests ask whether its stack is large
# enough for theirs (stack.sh). It cannot be much larger, as it must be in one piece.
build_busybox() {
	local first='/CONFIG_/ { k = $1 == "#" ? $2 : $1; if (seen[k]++) next } 1'
	local line
	mkdir "$TMP/busybox"
	tar xf "$BBTAR" -C "$TMP/busybox" --strip-components=1
	cd "$TMP/busybox" || return
	make allnoconfig
	cat "$@" | grep '^CONFIG_' | awk -F '[= ]' "$first" >wanted
	cat wanted .config >merged
	awk -F '[= ]' "$first" merged >.config
	export PATH=$NEW/bin:$PATH
	(set +o pipefail; yes "" | make oldconfig)
	while read -r line; do
		grep -qxF "$line" .config || echo "BusyBox: \"$line\" did not take effect"
	done <wanted >missed
	cat missed
	[ ! -s missed ]
	STACK=0x20000 make -j"$JOBS"
	cp busybox "$NEW/busybox"
	cp .config "$NEW/busybox.config"
}

# build_guest COMPILER FILE.c...: build programs for the machine
build_guest() {
	local compiler=$1 src
	shift
	mkdir "$NEW/guest"
	for src; do
		"$NEW/bin/$compiler" -Os -Wall -Wextra \
			-o "$NEW/guest/$(basename "$src" .c)" "$src"
	done
}
