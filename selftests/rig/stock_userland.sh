#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock_userland.sh [ARCH] - make the user space of a machine with an MMU, from Debian's
# static BusyBox for the architecture ARCH (default: this machine's).
#
# Prints a directory as the last line on stdout, in which there are
#   busybox         the program, with busybox.config
#   guest/          modprobe and rig-exit for such machines
#   root/           if ARCH is not this machine's: other programs, with their libraries
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# count this up when what this script makes changes

# get PACKAGE...: unpack these packages in unpacked/, and take busybox from there
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
	# mkcpio.py takes the names of the applets from BusyBox's configuration
	./busybox --list | grep -xE '[a-z0-9]+' | tr a-z A-Z |
		sed 's/.*/CONFIG_&=y/' >busybox.config
	echo CONFIG_TEST1=y >>busybox.config
	mkdir guest
	# the kernel runs /sbin/modprobe, but BusyBox's is in /bin
	printf '#!/bin/sh\nexec /bin/modprobe "$@"\n' >guest/modprobe
	# guest/poweroff runs rig-exit; this machine can switch itself off
	printf '#!/bin/sh\nexec busybox poweroff -f\n' >guest/rig-exit
	rm -r unpacked
}

# library FILE...: copy the libraries that these files need, and those that these
# libraries need, to root/
library() {
	local name file
	for name in $(readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[ ! -e "root/lib/$name" ] || continue
		file=$(find unpacked -name "$name" | head -n 1)
		install -D "$(readlink -f "$file")" "root/lib/$name"
		library "root/lib/$name"
	done
}

# This BusyBox cannot be run here to ask for its applets. But Debian configures it the
# same on all architectures, so this machine's list is right.
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
	# somebody else may have made it meanwhile
	if [ ! -e "$userland/busybox" ]; then
		rm -rf "$userland.tmp"
		mkdir -p "$userland.tmp" "$CACHE_DIR/log"
		step "USER    BusyBox" "$CACHE_DIR/log/userland-$name.log" \
			"fetch${FOREIGN:+_foreign}" "$userland.tmp"
		rm -rf "$userland"
		mv "$userland.tmp" "$userland"
	fi
fi
echo "$userland"
