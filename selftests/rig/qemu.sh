#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh [--path] [arm|riscv64] - find or fetch a QEMU that is new enough, which is
# version 10. That is the machine's own QEMU, or else the one in the backports of its
# Debian release, which is unpacked in the cache and not installed. For Arm (the default)
# its plugins can see what is stored; for RISC-V its CPU has Zicbom, the instructions that
# a kernel needs for devices that do not snoop the caches.
#
# Prints a directory as the last line on stdout, in which there are
#   qemu-system-arm   starts that QEMU (or qemu-system-riscv64)
#   qemu-plugin.h     for Arm: from its source package, as no other package has it
# --path fetches nothing: it prints the directory if it is there, else fails.
# OLDEST_QEMU is the oldest version that will do (10).
# Exit status 3: the archive has no version that is new enough, or cannot be reached. The
# caller can then skip what needs it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# count this up when what this script makes changes
OLDEST=${OLDEST_QEMU:-10}
MODE=build
if [ "${1:-}" = --path ]; then
	MODE=path
	shift
fi
# the first package is the one whose version counts
case ${1:-arm} in
arm)
	PROGRAM=qemu-system-arm
	PACKAGES=(qemu-system-arm qemu-system-common qemu-system-data)
	NAME=qemu
	;;
riscv64)
	PROGRAM=qemu-system-riscv64
	PACKAGES=(qemu-system-riscv qemu-system-common qemu-system-data)
	NAME=qemu-riscv64
	;;
*) die "usage: qemu.sh [--path] [arm|riscv64]" ;;
esac
log=$CACHE_DIR/log/$NAME.log

# is_new VERSION: is VERSION, of QEMU or of Debian's package without the epoch, new
# enough?
is_new() { [ "${1%%.*}" -ge "$OLDEST" ] 2>/dev/null; }

# One that was built from source has no package, and the header of a plugin for it is not in
# the archive.
own_version() {
	dpkg-query -S "$(readlink -f "$(command -v "$PROGRAM")")" >/dev/null 2>&1 || return 0
	"$PROGRAM" --version 2>/dev/null |
		sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

suites() {
	local name
	name=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ -n "$name" ] || name=sid
	echo "$name"
	[ "$name" = sid ] || echo "$name-backports"
}

# newest PACKAGE: print the newest version that the archive has
newest() {
	apt-cache "${APT_OPTS[@]}" madison "$1" |
		awk '$NF == "Packages" { print $3 }' | sort -Vr | sed -n 1p
}

# Sets VERSION to the newest one that the archive has.
look() {
	# shellcheck disable=SC2046 # a list of suites
	apt_private qemu deb $(suites) >>"$log" 2>&1
	VERSION=$(newest "${PACKAGES[0]}")
	is_new "${VERSION#*:}" || {
		say "  QEMU    the archive has none of version $OLDEST or newer, but ${VERSION:-none}"
		exit 3
	}
}

unpack() {
	local tmp=$1 deb
	cd "$tmp"
	apt-get "${APT_OPTS[@]}" download "${PACKAGES[@]/%/=$VERSION}"
	# RISC-V's firmware, which is from another source
	[ "$PROGRAM" != qemu-system-riscv64 ] ||
		apt-get "${APT_OPTS[@]}" download "opensbi=$(newest opensbi)"
	for deb in ./*.deb; do
		dpkg-deb -f "$deb" Depends | tr ',' '\n' |
			sed 's/ *\([^ (:|]*\).*/\1/' | grep -v '^qemu-\|^opensbi$' >>depends || true
		dpkg-deb -x "$deb" root
		rm "$deb"
	done
	cat >"$PROGRAM" <<-'RUN'
	#!/bin/sh
	here=$(dirname "$(readlink -f "$0")")/root/usr
	QEMU_MODULE_DIR=$(dirname "$here"/lib/*/qemu/.)
	export QEMU_MODULE_DIR
	exec "$here/bin/${0##*/}" -L "$here/share/qemu" "$@"
	RUN
	chmod +x "$PROGRAM"
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

current=$CACHE_DIR/$NAME.$RECIPE.current

# Ends the script with its result if that is there already.
if_there() {
	local dir
	[ -e "$current" ] && [ -z "${RIG_REFRESH:-}" ] || return 0
	dir=$CACHE_DIR/$(cat "$current")
	[ -e "$dir/$PROGRAM" ] || return 0
	echo "$dir"
	exit 0
}

# not under the lock at first: who holds that may be building a kernel
if_there
[ "$MODE" != path ] || exit 1
cache_lock
if_there
mkdir -p "$CACHE_DIR/log"
: >"$log"
own=$(own_version)

need xz-utils dpkg-dev
tmp=$CACHE_DIR/.tmp-qemu
rm -rf "$tmp"
mkdir "$tmp"
if is_new "${own:-0}"; then
	# shellcheck disable=SC2016 # dpkg-query's
	VERSION=$(dpkg-query -W -f '${source:Version}' "${PACKAGES[0]}")
	ln -s "$(command -v "$PROGRAM")" "$tmp/$PROGRAM"
else
	look
	or_skip "QEMU    fetching $VERSION" "$log" unpack "$tmp"
	# shellcheck disable=SC2046 # a list of packages
	need $(cat "$tmp/depends")
	own=${VERSION#*:}
fi
[ "$PROGRAM" != qemu-system-arm ] ||
	or_skip "QEMU    fetching its plugin header" "$log" header "$tmp"
"$tmp/$PROGRAM" --version >>"$log" 2>&1 || die "QEMU $own does not start, see $log"
rm -rf "${CACHE_DIR:?}/$NAME-$own"
mv "$tmp" "$CACHE_DIR/$NAME-$own"
echo "$NAME-$own" >"$current"
echo "$CACHE_DIR/$NAME-$own"
