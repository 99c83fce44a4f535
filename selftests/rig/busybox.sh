# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# busybox.sh - a user space with BusyBox for an emulated machine, from Debian's source
# package. Sourced after lib.sh by what makes one, which has set
#   SUITE Debian's release to take it from
#   CROSS what the names of the machine's compiler and tools begin with
#
# Gives: begin_userland and end_userland (under cache_lock), link_tools, build_busybox
# and build_guest (steps). The first sets
#   TMP   an empty directory to build in
#   NEW   where busybox, busybox.config and guest/ go; NEW/bin is for the compiler
#   S     NEW/sysroot, what that links with
#   LOG   for what is said
#   BBTAR BusyBox's sources

# begin_userland NAME: of the log
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

# end_userland OUT: all of it is there
end_userland() {
	rm -rf "$1"
	mv "$NEW" "$1"
	rm -rf "$CACHE_DIR/userland/.tmp"
}

# link_tools PREFIX: those that go with the compiler
link_tools() {
	local tool
	for tool in ar ld nm objcopy objdump ranlib strip size; do
		ln -sf "$(command -v "$CROSS$tool")" "$NEW/bin/$1$tool"
	done
}

fetch_busybox() {
	local dir=$1
	apt_private busybox deb-src "$SUITE"
	cd "$dir" || return
	apt-get "${APT_OPTS[@]}" source --download-only --only-source busybox
	ls busybox_*.orig.tar.*
}

busybox_source() {
	local dir=$CACHE_DIR/src/busybox
	mkdir -p "$dir"
	BBTAR=$(find "$dir" -name 'busybox_*.orig.tar.bz2')
	[ -z "$BBTAR" ] || return 0
	step "SOURCE  busybox: fetching Debian's source package" "$LOG" \
		fetch_busybox "$dir"
	BBTAR=$(find "$dir" -name 'busybox_*.orig.tar.bz2')
}

# build_busybox FRAGMENT...: of two settings the first counts. Ours go before
# the defaults; what depends on something that is off is dropped without a word,
# hence the check.
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
	make -j"$JOBS"
	cp busybox "$NEW/busybox"
	cp .config "$NEW/busybox.config"
}

# build_guest COMPILER FILE.c...: the machine's own programs
build_guest() {
	local compiler=$1 src
	shift
	mkdir "$NEW/guest"
	for src; do
		"$NEW/bin/$compiler" -Os -Wall -Wextra \
			-o "$NEW/guest/$(basename "$src" .c)" "$src"
	done
}
