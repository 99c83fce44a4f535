#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh - find or fetch a QEMU for Arm whose plugins can see what is stored, which
# needs version 10. That is the machine's own QEMU, or else the one in the backports of
# its Debian release, which is unpacked in the cache and not installed.
#
# Prints a directory as the last line on stdout, in which there are
#   qemu-system-arm   starts that QEMU
#   qemu-plugin.h     from its source package, as no other package has it
# --path fetches nothing: it prints the directory if it is there, else fails.
# OLDEST_QEMU is the oldest version that will do (10).
# Exit status 3: the archive has no version that is new enough, or cannot be reached. The
# caller can then skip what needs it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# count this up when what this script makes changes
OLDEST=${OLDEST_QEMU:-10}
log=$CACHE_DIR/log/qemu.log

# is_new VERSION: is VERSION, of QEMU or of Debian's package without the epoch, new
# enough?
is_new() { [ "${1%%.*}" -ge "$OLDEST" ] 2>/dev/null; }

own_version() {
	qemu-system-arm --version 2>/dev/null |
		sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

suites() {
	local name
	name=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ -n "$name" ] || name=sid
	echo "$name"
	[ "$name" = sid ] || echo "$name-backports"
}

# Sets VERSION to the newest one that the archive has.
look() {
	# shellcheck disable=SC2046 # a list of suites
	apt_private qemu deb $(suites) >>"$log" 2>&1
	VERSION=$(apt-cache "${APT_OPTS[@]}" madison qemu-system-arm |
		awk '$NF == "Packages" { print $3 }' | sort -Vr | sed -n 1p)
	is_new "${VERSION#*:}" || {
		say "  QEMU    the archive has none of version $OLDEST or newer, but ${VERSION:-none}"
		exit 3
	}
}

unpack() {
	local tmp=$1 deb
	cd "$tmp"
	apt-get "${APT_OPTS[@]}" download "qemu-system-arm=$VERSION" \
		"qemu-system-common=$VERSION" "qemu-system-data=$VERSION"
	for deb in ./*.deb; do
		dpkg-deb -f "$deb" Depends | tr ',' '\n' |
			sed 's/ *\([^ (:|]*\).*/\1/' | grep -v '^qemu-' >>depends || true
		dpkg-deb -x "$deb" root
		rm "$deb"
	done
	cat >qemu-system-arm <<-'RUN'
	#!/bin/sh
	here=$(dirname "$(readlink -f "$0")")/root/usr
	QEMU_MODULE_DIR=$(dirname "$here"/lib/*/qemu/.)
	export QEMU_MODULE_DIR
	exec "$here/bin/qemu-system-arm" -L "$here/share/qemu" "$@"
	RUN
	chmod +x qemu-system-arm
}

# header DIR: fetch the source package of the same version, and keep the header only
header() {
	local tmp=$1
	# shellcheck disable=SC2046 # a list of suites
	apt_private qemu-source deb-src $(suites)
	mkdir "$tmp/source"
	cd "$tmp/source"
	apt-get "${APT_OPTS[@]}" source --download-only --tar-only --only-source "qemu=$VERSION"
	tar -xJf qemu_*.orig.tar.xz --wildcards --strip-components=3 \
		'*/include/qemu/qemu-plugin.h'
	mv qemu-plugin.h ..
	cd ..
	rm -r source
}

# or_skip LABEL LOG COMMAND...: a step that fetches. If it fails, exit with status 3. Not
# to be called in a condition, see step.
or_skip() {
	local rc
	try_step "$@"
	[ $rc -eq 0 ] || exit 3
}

cache_lock
mkdir -p "$CACHE_DIR/log"
: >"$log"
current=$CACHE_DIR/qemu.$RECIPE.current
own=$(own_version)
if [ -e "$current" ] && [ -z "${RIG_REFRESH:-}" ]; then
	dir=$CACHE_DIR/$(cat "$current")
	if [ -e "$dir/qemu-plugin.h" ]; then
		echo "$dir"
		exit 0
	fi
fi
[ "${1:-}" != --path ] || exit 1

need xz-utils dpkg-dev
tmp=$CACHE_DIR/.tmp-qemu
rm -rf "$tmp"
mkdir "$tmp"
if is_new "${own:-0}"; then
	# shellcheck disable=SC2016 # dpkg-query's
	VERSION=$(dpkg-query -W -f '${source:Version}' qemu-system-arm)
	ln -s "$(command -v qemu-system-arm)" "$tmp/qemu-system-arm"
else
	look
	or_skip "QEMU    fetching $VERSION" "$log" unpack "$tmp"
	# shellcheck disable=SC2046 # a list of packages
	need $(cat "$tmp/depends")
	own=${VERSION#*:}
fi
or_skip "QEMU    fetching its plugin header" "$log" header "$tmp"
"$tmp/qemu-system-arm" --version >>"$log" 2>&1 || die "QEMU $own does not start, see $log"
rm -rf "$CACHE_DIR/qemu-$own"
mv "$tmp" "$CACHE_DIR/qemu-$own"
echo "qemu-$own" >"$current"
echo "$CACHE_DIR/qemu-$own"
