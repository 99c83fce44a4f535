#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock_userland.sh - the user space of an emulated PC: Debian's static BusyBox.
#
# Out: a directory, as the last line on stdout, which holds
#   busybox         the program, with busybox.config
#   guest/          what is particular to this machine
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# to be counted up with each change of what this script makes

fetch() {
	local tmp=$1
	apt_private busybox-static deb bookworm
	cd "$tmp"
	apt-get "${APT_OPTS[@]}" download busybox-static
	dpkg-deb -x busybox-static_*.deb unpacked
	mv "$(find unpacked -name busybox -type f -perm /111)" busybox
	# mkcpio.py wants to know the applets by their configuration
	./busybox --list | grep -xE '[a-z0-9]+' | tr a-z A-Z |
		sed 's/.*/CONFIG_&=y/' >busybox.config
	echo CONFIG_TEST1=y >>busybox.config
	mkdir guest
	# the kernel looks for it there and not in /bin
	printf '#!/bin/sh\nexec /bin/modprobe "$@"\n' >guest/modprobe
	# what guest/poweroff runs: this machine can switch itself off
	printf '#!/bin/sh\nexec busybox poweroff -f\n' >guest/rig-exit
	rm -r unpacked busybox-static_*.deb
}

userland=$CACHE_DIR/userland/stock-r$RECIPE
if [ ! -e "$userland/busybox" ]; then
	need dpkg-dev
	cache_lock
	rm -rf "$userland.tmp"
	mkdir -p "$userland.tmp" "$CACHE_DIR/log"
	step "USER    BusyBox" "$CACHE_DIR/log/userland-stock.log" fetch "$userland.tmp"
	rm -rf "$userland"
	mv "$userland.tmp" "$userland"
fi
echo "$userland"
