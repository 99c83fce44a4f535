# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# busybox.sh - BusyBox for an emulated machine, from Debian's source package.
# Sourced after lib.sh by what makes a user space, which has set
#   SUITE Debian's release to take it from
#   TMP   an empty directory to build in
#   NEW   where busybox, busybox.config and guest/ go; NEW/bin has the compiler
#   LOG   for what is said
#
# Gives: busybox_source (sets BBTAR; under cache_lock), build_busybox (a step),
# build_guest (a step)

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
