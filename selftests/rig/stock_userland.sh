#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock_userland.sh [ARCH] - the user space of a machine with a kernel of Debian's:
# its static BusyBox, for the Debian architecture ARCH.
#
# Out: a directory, as the last line on stdout, which holds
#   busybox         the program, with busybox.config
#   guest/          what is particular to this machine
#   root/           if ARCH is not this machine's: programs that it cannot lend
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# to be counted up with each change of what this script makes

# get PACKAGE...: unpacked
get() {
	apt_private busybox-static deb bookworm
	apt-get "${APT_OPTS[@]}" download "$@"
	for deb in *.deb; do
		dpkg-deb -x "$deb" unpacked
	done
	rm ./*.deb
	mv "$(find unpacked -name busybox -type f -perm /111)" busybox
}

fetch() {
	cd "$1"
	get busybox-static
	# mkcpio.py wants to know the applets by their configuration
	./busybox --list | grep -xE '[a-z0-9]+' | tr a-z A-Z |
		sed 's/.*/CONFIG_&=y/' >busybox.config
	echo CONFIG_TEST1=y >>busybox.config
	mkdir guest
	# the kernel looks for it there and not in /bin
	printf '#!/bin/sh\nexec /bin/modprobe "$@"\n' >guest/modprobe
	# what guest/poweroff runs: this machine can switch itself off
	printf '#!/bin/sh\nexec busybox poweroff -f\n' >guest/rig-exit
	rm -r unpacked
}

# library FILE...: what they need, and what that needs, below root
library() {
	local name file
	for name in $(readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[ ! -e "root/lib/$name" ] || continue
		file=$(find unpacked -name "$name" | head -n 1)
		install -D "$(readlink -f "$file")" "root/lib/$name"
		library "root/lib/$name"
	done
}

# It cannot be run here; Debian configures it the same everywhere.
fetch_foreign() {
	cd "$1"
	cp -r "$own/busybox.config" "$own/guest" .
	get busybox-static e2fsprogs libext2fs2 libcom-err2 libblkid1 libuuid1 libc6
	install -D -t root/sbin unpacked/sbin/mke2fs unpacked/sbin/e2fsck
	library root/sbin/*
	rm -r unpacked
}

FOREIGN=${1:-}
[ "$FOREIGN" != "$(dpkg --print-architecture)" ] || FOREIGN=
name=stock${FOREIGN:+-$FOREIGN}
userland=$CACHE_DIR/userland/$name-r$RECIPE
if [ ! -e "$userland/busybox" ]; then
	need dpkg-dev binutils
	[ -z "$FOREIGN" ] || own=$("$HERE/stock_userland.sh" | tail -n 1)
	cache_lock
	rm -rf "$userland.tmp"
	mkdir -p "$userland.tmp" "$CACHE_DIR/log"
	step "USER    BusyBox" "$CACHE_DIR/log/userland-$name.log" \
		"fetch${FOREIGN:+_foreign}" "$userland.tmp"
	rm -rf "$userland"
	mv "$userland.tmp" "$userland"
fi
echo "$userland"
